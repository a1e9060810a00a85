"""Whole nights in odd repositories, typed as a person would: it works, or one clear line says why; nothing changes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli_support import CHECKOUT, Done, argv_of, cli, git, put, sh
from tests.night_kit import BODY, State

pytestmark = pytest.mark.jail
RUN = ("run", "--engine=control", "--quiet")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A repository with one document and its task, committed."""
    git(tmp_path, "init", "-q", "-b", "main", "src")
    put(tmp_path / "src/docs/a.md", BODY.format(name="a"))
    git(tmp_path / "src", "add", "-A")
    git(tmp_path / "src", "commit", "-qm", "Start")
    return queued(tmp_path / "src", "docs/a.md")


def queued(repo: Path, *paths: str) -> Path:
    """Set up, with a committed task for each path."""
    cli(repo, "init", "--no-hook", check=True)
    cli(repo, "add", "doc.frontmatter", *paths, check=True)
    git(repo, "add", ".pantheon")
    git(repo, "commit", "-qm", "Queue")
    return repo


def night_and_merge(repo: Path, prs: int = 1) -> None:
    """A night leaves HEAD, index and status alone and verifies; its PRs merge and the status stays clean."""
    before = State.of(repo)
    done = cli(repo, *RUN, check=True)
    assert f"{prs} accepted" in done.out
    assert State.of(repo) == before
    assert cli(repo, "verify").code == 0
    jobs = git(repo, "for-each-ref", "--format=%(refname:lstrip=4)", "refs/heads/pantheon/pr/").split()
    cli(repo, "pr", "merge", *jobs, check=True)
    assert State.of(repo).status == before.status


def one_line(done: Done, *said: str) -> None:
    """An expected error: one line and one hint, each `said` in them; no trace, no defect."""
    lines = done.err.splitlines()
    assert done.code == 1, done.both
    assert [line.split(":")[0] for line in lines] == ["error", "hint"], done.err
    assert all(word in done.err for word in said), done.err


def test_five_thousand_files(tmp_path: Path) -> None:
    """A night in a repository of 5,000 files: works, and nothing of the checkout moves."""
    repo = tmp_path / "big"
    git(tmp_path, "init", "-q", "-b", "main", str(repo))
    head = "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 5\nStart\n"
    body = BODY.format(name="many")
    files = (f"M 100644 inline d{n % 50}/f{n}.md\ndata <<END\n{body}{n}\nEND\n" for n in range(5000))
    sh(repo, "git", "fast-import", "--quiet", text=head + "".join(files))
    git(repo, "reset", "-q", "--hard")
    night_and_merge(queued(repo, "d0/f0.md"))


def test_links_line_ends_and_names(tmp_path: Path) -> None:
    """CRLF by attribute, links, and names with blanks, accents, dashes and brackets are worked on; what cannot be is
    said when it is queued."""
    repo = tmp_path / "spaces and ümlauts"
    git(tmp_path, "init", "-q", "-b", "main", str(repo))
    names = ["do cs/ä b.md", "-dash.md", "do cs/[x]*.md", "crlf/c.md", "bad\nname.md"]
    for name in names:
        put(repo / name, BODY.format(name=len(name)))
    put(repo / ".gitattributes", "crlf/** text eol=crlf\n")
    (repo / "link").symlink_to("do cs")
    (repo / "outside").symlink_to("/etc/passwd")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Start")
    one_line(cli(repo, "add", "doc.frontmatter", "bad\nname.md"), "control character")
    one_line(cli(repo, "add", "doc.frontmatter", "link/ä b.md"), "link is a symlink")
    queued(repo, "--", *(f"./{name}" for name in names[:4]))
    night_and_merge(repo, prs=4)


def test_submodules(tmp_path: Path, base: Path) -> None:
    """The repository around works with an empty folder in its place; the submodule is a repository of its own."""
    repo = tmp_path / "super"
    git(tmp_path, "init", "-q", "-b", "main", str(repo))
    put(repo / "docs/b.md", BODY.format(name="b"))
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(base), "mod")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Start")
    one_line(cli(repo, "add", "doc.frontmatter", "mod/docs/a.md"), "mod is a repository of its own")
    night_and_merge(queued(repo, "docs/b.md"))
    assert "1 accepted" in cli(repo / "mod", *RUN, check=True).out


def test_shallow_and_sparse(tmp_path: Path, base: Path) -> None:
    """A shallow clone just works; in a sparse one that leaves `.pantheon` out, the command that is shown works."""
    git(base, "rm", "-q", "-r", ".pantheon")
    git(base, "commit", "-qm", "Away")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{base}", "shallow")
    night_and_merge(queued(tmp_path / "shallow", "docs/a.md"))
    git(tmp_path, "clone", "-q", "--sparse", f"file://{base}", "sparse")
    repo = tmp_path / "sparse"
    for command in (("init", "--no-hook"), ("add", "doc.frontmatter", "docs/a.md")):
        typed = cli(repo, *command, check=True).err.partition("next: ")[2].partition(", then")[0]
        sh(repo, "sh", "-c", typed)
    night_and_merge(repo)
    assert not (repo / "docs").exists(), "the checkout stays as sparse as it was"


def test_where_the_work_tree_is_elsewhere(tmp_path: Path, base: Path) -> None:
    """Linked work trees, `core.worktree` and a separate git directory: nights and merges find the files; from inside
    the git directory one line says where to go."""
    git(base, "worktree", "add", "-q", "../linked", "-b", "feature")
    night_and_merge(tmp_path / "linked")
    assert State.of(base).status == ""
    (tmp_path / "tree").mkdir()
    git(tmp_path, "init", "-q", "-b", "main", "--separate-git-dir=gitdir", "tree")
    put(tmp_path / "tree/docs/a.md", BODY.format(name="a"))
    git(tmp_path / "tree", "add", "-A")
    git(tmp_path / "tree", "commit", "-qm", "Start")
    night_and_merge(queued(tmp_path / "tree", "docs/a.md"))
    one_line(cli(tmp_path / "gitdir", "add", "doc.frontmatter", "docs/a.md"), "in the work tree")
    git(tmp_path / "gitdir", "config", "core.worktree", str(tmp_path / "tree"))
    put(tmp_path / "tree/docs/b.md", BODY.format(name="b"))
    git(tmp_path / "tree", "add", "-A")
    night_and_merge(queued(tmp_path / "tree", "docs/b.md"))


def test_detached_and_unborn(tmp_path: Path, base: Path) -> None:
    """Without a branch, or without a commit on it, there is one line with the next command, which works."""
    git(base, "checkout", "-q", "--detach")
    one_line(cli(base, *RUN), "HEAD is detached", "git config pantheon.target")
    git(base, "config", "pantheon.target", "main")
    night_and_merge(base)
    git(tmp_path, "init", "-q", "-b", "main", "unborn")
    one_line(cli(tmp_path / "unborn", *RUN), "the branch main has no commit yet")


def test_bare(tmp_path: Path, base: Path) -> None:
    """A bare repository has nights of its own and merges them; a bare clone without the ledger says how to get it."""
    git(tmp_path, "clone", "-q", "--bare", str(base), "own.git")
    own = tmp_path / "own.git"
    assert "push a branch" in cli(own, "init", check=True).err
    assert "1 accepted" in cli(own, *RUN, check=True).out
    job = json.loads(cli(own, "pr", "list", "--json", check=True).out)[0]["job"]
    git(tmp_path, "clone", "-q", "--bare", str(own), "copy.git")
    copy = tmp_path / "copy.git"
    waits = cli(copy, *RUN).err
    assert "pantheon-git sync origin" in waits
    assert "refs/pantheon/" not in git(copy, "for-each-ref"), "nothing was recorded"
    cli(copy, "sync", "origin", check=True)
    assert cli(copy, "verify").code == 0
    cli(own, "pr", "merge", job, check=True)
    assert cli(own, "verify").code == 0
    git(own, "fsck", "--strict", "--no-dangling")


def test_a_partial_clone_without_its_remote(tmp_path: Path, base: Path) -> None:
    """What is missing cannot be fetched at night: one line before the first job; the hinted command mends it."""
    git(base, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{base}", "part")
    repo = tmp_path / "part"
    git(repo, "remote", "set-url", "origin", "file:///nowhere")
    done = cli(repo, *RUN)
    one_line(done, "partial clone", "git fetch --refetch --no-filter origin")
    assert "refs/pantheon/" not in git(repo, "for-each-ref")
    git(repo, "remote", "set-url", "origin", f"file://{base}")
    sh(repo, "sh", "-c", done.err.rpartition("can be reached: ")[2])
    git(repo, "remote", "set-url", "origin", "file:///nowhere")
    assert "1 accepted" in cli(repo, *RUN, check=True).out


def test_sha256_is_refused_by_every_command(tmp_path: Path) -> None:
    """One line, and nothing is written."""
    git(tmp_path, "init", "-q", "--object-format=sha256", "new")
    put(tmp_path / "new/a.md", "# A\n")
    git(tmp_path / "new", "add", "-A")
    git(tmp_path / "new", "commit", "-qm", "Start")
    for command in ("init", "add doc.frontmatter a.md", "run", "report", "verify", "pr list", "log", "retry x"):
        one_line(cli(tmp_path / "new", *command.split()), "object format sha256")
    assert git(tmp_path / "new", "status", "--porcelain") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_repository(base: Path) -> None:
    """git's refusal of a repository that somebody else owns, in one line with git's own remedy, which works."""
    os.chown(base, 65534, 65534)
    os.chown(base / ".git", 65534, 65534)
    done = cli(base, *RUN)
    one_line(done, "another user owns", "safe.directory")
    sh(base, "sh", "-c", done.err.rpartition("or: ")[2])
    assert "1 accepted" in cli(base, *RUN, check=True).out


def test_a_read_only_repository(base: Path) -> None:
    """On a file system that cannot be written, `run` refuses before it begins; reading commands go on."""
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    wrap = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(base)]
    if subprocess.run([*wrap, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespace may mount here")
    env = {"PYTHONPATH": str(CHECKOUT)}
    one_line(sh(base, *wrap, *argv_of(*RUN), env=env, check=False), ".git cannot be written")
    again = argv_of("add", "doc.frontmatter", "docs/a.md", "--again")
    one_line(sh(base, *wrap, *again, env=env, check=False), "Read-only")
    assert "would run" in sh(base, *wrap, *argv_of("run", "--dry-run"), env=env).out
