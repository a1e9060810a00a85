"""Odd repositories: what works everywhere, and what is refused in one clear line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pantheon_git.errors import GitError, PantheonError
from pantheon_git.repo import paths
from pantheon_git.repo.checkout import write_tree
from pantheon_git.repo.diff import diff, numstat
from pantheon_git.repo.git import Git, require_supported, scrubbed_env, version
from pantheon_git.repo.objects import EMPTY_TREE, EXECUTABLE, FILE, FOLDER, GITLINK, LINK, Entry, Objects, parse_tree
from pantheon_git.repo.refs import RefUpdate, read_ref, read_refs, update_refs
from pantheon_git.repo.writer import Writer

ODD = [
    b"plain.txt",
    b"sp ace/\xc3\xa9\xc3\xa8.md",
    b"not utf8 \xff\xfe/x",
    b"tab\there",
    b'qu"ote',
    b"-dash",
    b"new\nline",
]


def sh(path: Path, *args: str | bytes, data: bytes | None = None) -> bytes:
    done = subprocess.run(["git", "-C", str(path), *args], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.strip()


def make(path: Path, *options: str) -> Path:
    subprocess.run(["git", "init", "-q", *options, str(path)], check=True)
    return path


def put(path: Path, name: bytes, data: bytes) -> None:
    full = os.path.join(os.fsencode(path), name)  # noqa: PTH118 - a path of bytes
    os.makedirs(os.path.dirname(full), exist_ok=True)  # noqa: PTH103, PTH120
    Path(os.fsdecode(full)).write_bytes(data)


def commit(path: Path, message: str = "x") -> str:
    sh(path, "add", "-A")
    sh(path, "commit", "-q", "-m", message)
    return sh(path, "rev-parse", "HEAD").decode()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Odd names, a symlink, an executable, attributes with CRLF and a filter, and a submodule."""
    inner = make(tmp_path / "inner")
    put(inner, b"f", b"inner\n")
    commit(inner)
    path = make(tmp_path / "odd repo \u00e9")
    for name in ODD:
        put(path, name, b"content of " + name + b"\n")
    put(path, b".gitattributes", b"*.txt text eol=crlf\n*.md filter=shout\n")
    put(path, b"run.sh", b"#!/bin/sh\n")
    (path / "run.sh").chmod(0o755)
    (path / "link").symlink_to("/etc/passwd")
    sh(path, "submodule", "--quiet", "add", str(inner), "sub module")
    sh(path, "config", "filter.shout.smudge", "tr a-z A-Z")
    sh(path, "config", "filter.shout.clean", "cat")
    commit(path)
    return path


def test_reading_equals_stock_git(repo: Path) -> None:
    """Every path, mode and oid is what `git ls-tree` says, byte for byte; blobs, kinds and lookups agree."""
    git = Git.discover(repo)
    objects = Objects(git)
    head = objects.resolve("HEAD")
    assert head is not None
    tree = objects.commit(head).tree
    lines = sh(repo, "ls-tree", "-r", "-z", "HEAD").split(b"\0")
    want = {line.split(b"\t", 1)[1]: line.split(b"\t", 1)[0].split() for line in lines if line}
    found = dict(objects.walk(tree))
    assert found.keys() == want.keys() >= set(ODD)
    for path, entry in found.items():
        assert [b"%o" % entry.mode, entry.oid.encode()] == [want[path][0], want[path][2]]
        assert objects.find(tree, path) == entry
    assert {found[b"run.sh"].mode, found[b"link"].mode, found[b"sub module"].mode} == {EXECUTABLE, LINK, GITLINK}
    assert objects.blob(found[ODD[2]].oid) == b"content of " + ODD[2] + b"\n"
    assert objects.find(tree, b"plain.txt/below") is None
    assert objects.find(tree, b"nothing/here") is None
    assert objects.resolve("no-such-branch") is None
    assert objects.kind(tree) == "tree"
    with pytest.raises(GitError, match="is a tree, not a blob"):
        objects.blob(tree)
    with pytest.raises(GitError, match="no object"):
        objects.blob("1" * 40)
    assert not objects.has("1" * 40)
    with pytest.raises(GitError, match="not an object name"):
        objects.raw("HEAD\n")
    objects.close()
    assert objects.kind(tree) == "tree"


def test_a_checkout_is_the_tree_and_nothing_more(repo: Path, tmp_path: Path) -> None:
    """No filter, no line-ending change, no submodule; links are written as they are; modes hold."""
    git = Git.discover(repo)
    objects = Objects(git)
    tree = objects.commit(str(objects.resolve("HEAD"))).tree
    written = write_tree(objects, tree, tmp_path / "out")
    assert written.files == len([e for _, e in objects.walk(tree) if e.mode != GITLINK])
    for path, entry in objects.walk(tree):
        full = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path / "out"), path)))  # noqa: PTH118
        if entry.mode == GITLINK:
            assert list(full.iterdir()) == []
        elif entry.mode == LINK:
            assert os.readlink(full) == "/etc/passwd"  # noqa: PTH115
        else:
            assert full.read_bytes() == objects.blob(entry.oid)
            assert bool(full.stat().st_mode & 0o100) == (entry.mode == EXECUTABLE)


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT"])
def test_a_tree_that_would_escape_is_not_checked_out(repo: Path, tmp_path: Path, name: bytes) -> None:
    """Names that lead out, or into a git directory, stop the checkout before anything is written there."""
    git = Git.discover(repo)
    writer = Writer(Objects(git))
    blob = writer.blob(b"x")
    inner = b"100644 f\0" + bytes.fromhex(blob)
    writer.add("0" * 40, "tree", b"40000 " + name + b"\0" + bytes.fromhex("a" * 40))
    writer.add("a" * 40, "tree", inner)
    with pytest.raises(GitError, match="cannot be checked out"):
        write_tree(writer.reader, "0" * 40, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    writer.add("b" * 40, "tree", inner + inner)
    with pytest.raises(GitError, match="there already"):
        write_tree(writer.reader, "b" * 40, tmp_path / "out2")


def test_a_link_in_a_tree_is_never_followed(repo: Path, tmp_path: Path) -> None:
    """A tree that holds a link and a folder of the same name cannot write through the link."""
    git = Git.discover(repo)
    writer = Writer(Objects(git))
    blob, target = writer.blob(b"x"), writer.blob(str(tmp_path).encode())
    inner = writer.tree([Entry(FILE, b"owned", blob)])
    evil = b"120000 d\0" + bytes.fromhex(target) + b"40000 d\0" + bytes.fromhex(inner)
    assert len(parse_tree(evil)) == 2
    writer.add("c" * 40, "tree", evil)
    with pytest.raises(GitError, match="there already"):
        write_tree(writer.reader, "c" * 40, tmp_path / "out")
    assert not (tmp_path / "owned").exists()


def test_sha256_repositories_are_refused_in_one_line(tmp_path: Path) -> None:
    """The object format is named, and what to do."""
    git = Git.discover(make(tmp_path / "r", "--object-format=sha256"))
    with pytest.raises(PantheonError, match="object format sha256") as caught:
        require_supported(git)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_no_repository(tmp_path: Path) -> None:
    """A folder without one, a folder that is not there: a message and the next command, no trace."""
    with pytest.raises(PantheonError, match="not a git repository") as caught:
        Git.discover(tmp_path)
    assert "git init" in caught.value.hint
    with pytest.raises(PantheonError, match="no such folder"):
        Git.discover(tmp_path / "nowhere")


def test_no_commit_yet_detached_bare_and_linked(tmp_path: Path) -> None:
    """Git directories are told apart, a branch without a commit resolves to nothing, HEAD may be detached."""
    path = make(tmp_path / "r")
    git = Git.discover(path)
    require_supported(git)
    assert version(git) >= (2, 38)
    assert Objects(git).resolve("HEAD") is None
    assert read_refs(git) == {}
    put(path, b"d/f", b"x")
    head = commit(path)
    sh(path, "checkout", "-q", "--detach")
    assert Objects(Git.discover(path / "d")).resolve("HEAD") == head
    sh(path, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    linked = Git.discover(tmp_path / "linked")
    assert linked.work_tree == tmp_path / "linked"
    assert (linked.common_dir, linked.git_dir) == (path / ".git", path / ".git" / "worktrees" / "linked")
    assert Objects(linked).resolve("main") == head
    assert paths.state_dir(linked) == paths.state_dir(git)
    sh(tmp_path, "clone", "-q", "--bare", str(path), "bare.git")
    bare = Git.discover(tmp_path / "bare.git")
    assert (bare.work_tree, bare.is_bare, git.is_bare) == (None, True, False)
    assert Git.discover(path / ".git").work_tree is None


def test_shallow_sparse_alternates_and_packed(repo: Path, tmp_path: Path) -> None:
    """Shallow and sparse clones, borrowed objects, packs, packed refs and a multi-pack index are all just read."""
    put(repo, b"plain.txt", b"second\n")
    head = commit(repo)
    sh(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    shallow = Git.discover(tmp_path / "shallow")
    assert shallow.is_shallow
    assert not Git.discover(repo).is_shallow
    first = Objects(shallow).commit(head).parents[0]
    with pytest.raises(GitError, match="no object") as caught:
        Objects(shallow).commit(first)
    assert "shallow" in caught.value.hint
    sh(tmp_path, "clone", "-q", "--shared", "--sparse", str(repo), "shared")
    shared = Git.discover(tmp_path / "shared")
    objects = Objects(shared)
    tree = objects.commit(head).tree
    assert len(list(objects.walk(tree))) == len(list(Objects(Git.discover(repo)).walk(tree)))
    writer = Writer(objects)
    writer.edit_tree(tree, {b"plain.txt": Entry(FILE, b"", writer.blob(b"third\n"))})
    writer.flush()
    sh(repo, "gc", "-q")
    sh(repo, "multi-pack-index", "write")
    git = Git.discover(repo)
    assert objects.commit(head).tree == tree
    assert read_ref(git, "refs/heads/main") == head
    update_refs(git, [RefUpdate("refs/heads/main", first, head), RefUpdate("refs/pantheon/x", head, None)])
    assert read_refs(git) == {"refs/heads/main": first, "refs/pantheon/x": head}


def test_a_corrupt_object_is_noticed(repo: Path) -> None:
    """Bytes that do not hash to their name are never returned."""
    git = Git.discover(repo)
    oid = sh(repo, "hash-object", "-w", "--stdin", data=b"honest\n").decode()
    other = sh(repo, "hash-object", "-w", "--stdin", data=b"forged\n").decode()
    place = repo / ".git" / "objects"
    forged = (place / other[:2] / other[2:]).read_bytes()
    target = place / oid[:2] / oid[2:]
    target.chmod(0o644)
    target.write_bytes(forged)
    with pytest.raises(GitError):
        Objects(git).blob(oid)


def test_the_helper_may_die(repo: Path) -> None:
    """A killed helper process is replaced unseen, and a forked process gets its own."""
    objects = Objects(Git.discover(repo))
    head = str(objects.resolve("HEAD"))
    assert objects.kind(head) == "commit"
    helper = objects._batch._process
    assert helper is not None
    helper.kill()
    assert objects.kind(head) == "commit"
    child = os.fork()
    if child == 0:
        os._exit(0 if objects.kind(head) == "commit" else 1)
    assert objects.commit(head).raw
    assert os.waitpid(child, 0)[1] == 0


def test_the_environment_of_a_hook_does_not_lead_astray(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_DIR and its like, as a hook has them, are dropped; replace refs do not change what is read."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert not {"GIT_DIR", "GIT_INDEX_FILE"} & scrubbed_env().keys()
    git = Git.discover(repo)
    assert git.work_tree == repo
    put(repo, b"new", b"x")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    head = commit(repo)
    git.run("replace", "--graft", head)
    assert git.run("cat-file", "commit", head).out == Objects(git).commit(head).raw


def test_diffs_ignore_configuration(repo: Path) -> None:
    """Prefixes, external programs, text conversions and colours of a person's configuration leave the patch alone."""
    first = sh(repo, "rev-parse", "HEAD").decode()
    put(repo, b"sp ace/\xc3\xa9\xc3\xa8.md", b"changed\n")
    put(repo, b"bin", bytes(range(256)))
    (repo / "plain.txt").rename(repo / "moved.txt")
    second = commit(repo)
    git = Git.discover(repo)
    plain = diff(git, first, second)
    for name, value in {
        "diff.noprefix": "true",
        "diff.external": "false",
        "color.ui": "always",
        "diff.renames": "false",
        "diff.context": "0",
        "core.quotePath": "true",
    }.items():
        sh(repo, "config", name, value)
    assert diff(git, first, second) == plain
    assert b"rename to moved.txt" in plain
    assert b"GIT binary patch" in plain
    found = {stat.path: (stat.added, stat.removed, stat.old_path) for stat in numstat(git, first, second)}
    assert found == {
        b"sp ace/\xc3\xa9\xc3\xa8.md": (1, 1, None),
        b"bin": (None, None, None),
        b"moved.txt": (0, 0, b"plain.txt"),
    }
    assert [stat.path for stat in numstat(git, first, second, [b"bin"])] == [b"bin"]
    assert numstat(git, first, second, [b"*"]) == []  # paths are no patterns
    sh(repo, "read-tree", first)
    sh(repo, "apply", "--cached", data=plain)
    assert sh(repo, "write-tree") == sh(repo, "rev-parse", second + "^{tree}")


def test_commits_with_odd_bytes(repo: Path) -> None:
    """Latin-1 names, signatures over many lines and messages without a newline come back as they are."""
    git = Git.discover(repo)
    raw = (
        b"tree " + EMPTY_TREE.encode() + b"\nauthor J\xf6rg <j@x> 1 +0000\ncommitter J\xf6rg <j@x> 1 +0000\n"
        b"gpgsig -----BEGIN\n line\n \n -----END\nencoding latin1\n\nsubject\n\ngpgsig no header"
    )
    oid = sh(repo, "hash-object", "-t", "commit", "-w", "--stdin", data=raw).decode()
    found = Objects(git).commit(oid)
    assert found.gpgsig == "-----BEGIN\nline\n\n-----END"
    assert found.unsigned == raw.replace(b"gpgsig -----BEGIN\n line\n \n -----END\n", b"")
    assert found.author.encode("utf-8", "surrogateescape") == b"J\xf6rg <j@x> 1 +0000"
    assert (found.subject, found.parents, found.raw) == ("subject", (), raw)


def test_xdg_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative XDG value is ignored, as the specification asks; a person's key defaults to the night's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.trust_file() == tmp_path / ".config/pantheon-git/trust/allowed_signers"
    assert paths.person_key() == paths.night_key()
    paths.keys_dir().mkdir(parents=True)
    (paths.keys_dir() / "person").touch()
    assert paths.person_key().name == "person"
    assert paths.cache_home().is_absolute()
    assert FOLDER == 0o040000
