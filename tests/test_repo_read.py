"""Reading, checking out and comparing: byte for byte what stock git says, and nothing is followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pantheon_git.errors import GitError
from pantheon_git.repo.checkout import write_tree
from pantheon_git.repo.diff import diff, numstat
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import EMPTY_TREE, EXECUTABLE, FILE, GITLINK, LINK, Entry, Objects, parse_tree
from pantheon_git.repo.writer import Writer
from tests.repo_kit import ODD, commit, odd_repository, put, sh


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return odd_repository(tmp_path)


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
