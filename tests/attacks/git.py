"""Git: reaching the real repository from a job, and planting what the host might run afterwards."""

from __future__ import annotations

from tests.attacks.model import Probe, sh

_R = "{repo}"
_ALONE = "changes the repository outside"


def _real(name: str, script: str, *, harm: str = "") -> Probe:
    return sh("git", name, script, _R, harm=harm)


ATTACKS: tuple[Probe, ...] = (
    _real("the real repository's history", 'git -C "$1" log -1'),
    _real("fetch from the real repository", 'git init -q x && git -C x fetch -q "$1" HEAD'),
    _real("clone the real repository", 'git clone -q "$1" x'),
    _real("push into the real repository", 'cd /job && git push -q "file://$1" HEAD:refs/heads/attack', harm=_ALONE),
    _real("a ref of the real repository", 'git --git-dir="$1/.git" update-ref refs/heads/attack HEAD', harm=_ALONE),
    _real("a tag, a note and a replacement there", 'g="git --git-dir=$1/.git"; $g tag attack || $g notes add -m x HEAD || '
          "$g replace HEAD HEAD~1", harm=_ALONE),
    _real("a lock there", 'touch "$1/.git/index.lock"', harm=_ALONE),
    _real("a lock on its refs", 'test -d "$1/.git/refs/heads" && touch "$1/.git/refs/heads/main.lock"', harm=_ALONE),
    _real("a hook there", 'printf "#!/bin/sh\\n" > "$1/.git/hooks/pre-commit"', harm=_ALONE),
    _real("its configuration", 'git config -f "$1/.git/config" core.fsmonitor /job/x', harm=_ALONE),
    _real("its attributes", 'test -d "$1/.git" && echo "* filter=x" > "$1/.git/info/attributes"', harm=_ALONE),
    _real("its alternates", 'echo /job/.git/objects > "$1/.git/objects/info/alternates"', harm=_ALONE),
    _real("its administration of worktrees", 'test -d "$1/.git" && mkdir -p "$1/.git/worktrees/x" && echo /job > "$1/.git/worktrees/x/gitdir"',
          harm=_ALONE),
    _real("a worktree there", 'git -C "$1" worktree add -q --detach "$PWD/w"', harm=_ALONE),
    _real("its index", 'GIT_INDEX_FILE="$1/.git/index" git --git-dir="$1/.git" rm -q --cached README.md', harm=_ALONE),
    _real("a .git file that names it", 'mkdir x && echo "gitdir: $1/.git" > x/.git && git -C x log -1'),
    _real("a commondir that names it", 'git init -q x && echo "$1/.git" > x/.git/commondir && git -C x log -1'),
    _real("alternates that name its objects", 'git init -q x && echo "$1/.git/objects" > x/.git/objects/info/alternates && '
          'git -C x cat-file -e "$(cat x/.git/HEAD >/dev/null; git -C "$1" rev-parse HEAD~1)"'),
    _real("check out over it by core.worktree", 'git init -q x && git -C x config core.worktree "$1" && cd x && '
          'echo y > "$1/planted" && git --work-tree="$1" add planted', harm=_ALONE),
    _real("its stash and reflog", 'cat "$1/.git/logs/HEAD"'),
    _real("a note there", 'git --git-dir="$1/.git" notes add -f -m x HEAD', harm=_ALONE),
    _real("a replacement there", 'git --git-dir="$1/.git" replace -f HEAD HEAD~1', harm=_ALONE),
    _real("its HEAD", 'git --git-dir="$1/.git" symbolic-ref HEAD refs/heads/attack', harm=_ALONE),
    _real("its packed refs", 'test -d "$1/.git" && echo "# attack" >> "$1/.git/packed-refs"', harm=_ALONE),
    _real("its grafts and its shallow border", 'test -d "$1/.git" && { : > "$1/.git/info/grafts" || : > "$1/.git/shallow"; }', harm=_ALONE),
    _real("the ledger there", 'git --git-dir="$1/.git" update-ref refs/notes/pantheon HEAD', harm=_ALONE),
    _real("its objects, by the environment", 'git init -q x && cd x && GIT_ALTERNATE_OBJECT_DIRECTORIES="$1/.git/objects" git cat-file -e '
          '"$(git -C "$1" rev-parse HEAD~1)"'),
    _real("objects into it, by the environment", 'cd /job && echo attack | GIT_OBJECT_DIRECTORY="$1/.git/objects" git hash-object -w --stdin',
          harm=_ALONE),
    _real("it as a submodule", 'git init -q x && git -C x -c protocol.file.allow=always submodule --quiet add "$1" s'),
    _real("it as a remote that promises objects", 'git init -q x && cd x && git config extensions.partialClone o && '
          'git config remote.o.url "file://$1" && git config remote.o.promisor true && git fetch -q o HEAD'),
    _real("a bundle of it", 'git -C "$1" bundle create -q "$PWD/b" HEAD'),
    _real("an archive of it", 'git archive --remote="$1" HEAD -o a.tar'),
    _real("the base commit's parent", 'cd /job && git cat-file -e HEAD~1^{commit}', harm="there is no job outside"),
    _real("history behind the shallow border", 'cd /job && rm -f .git/shallow && git cat-file -e HEAD~1^{commit}', harm="there is no job outside"),
    _real("keys that git would sign with", 'git config --global --get user.signingkey || git config --system --list | grep -q .',
          harm="depends on the person"),
)  # fmt: skip

PLANTS: tuple[tuple[str, str], ...] = (
    ("a monitor in the job's configuration", 'git config core.fsmonitor "touch $1; false"'),
    ("hooks in the job's repository", 'mkdir -p .git/hooks h; for n in pre-commit post-checkout post-index-change '
     'reference-transaction post-merge; do printf "#!/bin/sh\\ntouch $1\\n" > .git/hooks/$n; chmod +x .git/hooks/$n; '
     'cp .git/hooks/$n h/; done; git config core.hooksPath "$PWD/h"'),
    ("a filter by attributes", 'git config filter.x.clean "touch $1; cat"; git config filter.x.smudge "touch $1; cat"; '
     'git config filter.x.process "touch $1"; echo "* filter=x" > .gitattributes; echo y >> README.md'),
    ("a text conversion and an outer diff", 'git config diff.x.textconv "touch $1; cat"; git config diff.external "touch $1"; '
     'echo "* diff=x" > .gitattributes'),
    ("a pager, an editor and an alias", 'git config core.pager "touch $1"; git config core.editor "touch $1"; '
     'git config alias.status "!touch $1"; git config core.sshCommand "touch $1"; git config gpg.ssh.program "touch $1"'),
    ("an included configuration", 'git config include.path "$PWD/c"; printf "[core]\\nfsmonitor = touch $1\\n" > c'),
    ("a nested repository", 'git init -q n && git -C n config core.fsmonitor "touch $1" && echo y > n/f && git -C n add f'),
    ("a bare repository in the tree", 'git init -q --bare b && git -C b config core.fsmonitor "touch $1" && '
     'cp -r b/HEAD b/config b/objects b/refs docs/'),
    ("a submodule", 'printf "[submodule \\"x\\"]\\npath = x\\nurl = \\"ext::touch $1\\"\\nupdate = !touch $1\\n" > .gitmodules; '
     'git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x'),
    (".git in other spellings", 'for n in .GIT .giT git~1 ".git " ".git."; do mkdir -p "$n/hooks"; '
     'printf "#!/bin/sh\\ntouch $1\\n" > "$n/hooks/post-checkout"; done'),
    ("commits, refs, notes, tags, replacements, locks", 'echo y >> README.md; git commit -qam x; git branch attack; git tag attack; '
     'git notes add -m x; git replace HEAD~1 HEAD; git update-ref refs/pantheon/runs/x HEAD; touch .git/index.lock; '
     'git worktree add -q ../tmp/w 2>/dev/null; git stash -q 2>/dev/null; git gc -q --prune=now'),
    ("grafts, a false shallow border and false graphs", 'mkdir -p .git/info .git/objects/info .git/objects/pack; echo "$(git rev-parse HEAD) '
     '$(git rev-parse HEAD)" > .git/info/grafts; git rev-parse HEAD > .git/shallow; echo CGPH > .git/objects/info/commit-graph; '
     'echo MIDX > .git/objects/pack/multi-pack-index'),
    ("alternates in circles and out of the tree", 'echo "$PWD/.git/objects" > .git/objects/info/alternates; echo "$2/.git/objects" >> '
     '.git/objects/info/alternates; echo "http://127.0.0.1/" > .git/objects/info/http-alternates'),
    ("the administration of worktrees, turned around", 'mkdir -p .git/worktrees/w .git/modules/m; echo "$2/.git" > .git/worktrees/w/gitdir; '
     'echo "$2/.git" > .git/worktrees/w/commondir; echo "ref: refs/heads/main" > .git/worktrees/w/HEAD; echo "$2/.git" > .git/commondir; '
     'git config extensions.worktreeConfig true; printf "[core]\nfsmonitor = touch $1\nworktree = $2\n" > .git/config.worktree'),
    ("locks on all that git writes", 'for f in index HEAD config packed-refs shallow refs/heads/main refs/notes/pantheon refs/pantheon/runs/x; do '
     'mkdir -p "$(dirname .git/$f)"; touch ".git/$f.lock"; done; touch .git/gc.pid .git/index.lock'),
    ("replaced refs and names that no ref may have", 'git update-ref refs/replace/$(git rev-parse HEAD) HEAD^{tree} 2>/dev/null; mkdir -p .git/refs/heads; '
     'cp .git/HEAD ".git/refs/heads/..x" ; cp .git/HEAD ".git/refs/heads/a b"; ln -s "$2/.git/refs/heads" .git/refs/real; '
     'echo "ref: refs/heads/loop" > .git/refs/heads/loop'),
    ("programs in every corner of the configuration", 'for k in uploadpack.packObjectsHook core.gitProxy core.alternateRefsCommand credential.helper '
     'gc.recentObjectsHook merge.x.driver mergetool.x.cmd difftool.x.cmd interactive.diffFilter sequence.editor browser.x.cmd man.x.cmd '
     'remote.origin.uploadpack remote.origin.vcs trailer.x.command tar.x.command sendemail.x.smtpServer submodule.x.update '
     'core.askPass gpg.program instaweb.httpd; do git config "$k" "!touch $1"; done; git config protocol.ext.allow always; '
     'git config url."ext::touch $1 %".insteadOf /; git config includeIf."gitdir:/".path "$PWD/c"; printf "[core]\nfsmonitor = touch $1\n" > c'),
    ("an index that is split, sparse and false", 'git update-index --split-index 2>/dev/null; git config core.sparseCheckout true; '
     'git config index.sparse true; git config core.untrackedCache true; git config core.fsmonitor true; printf "DIRC" > .git/index'),
    ("a private directory that is the real one", 'rm -rf .git; echo "gitdir: $2/.git" > .git'),
    ("a link in the place of the directory", 'rm -rf .git; ln -s "$2/.git" .git'),
)  # fmt: skip
"""What a job leaves in its tree, with the path of a mark that appears if the host ever runs it, and the repository."""
