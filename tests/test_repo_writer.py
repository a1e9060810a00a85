"""Writing: edited trees equal stock git's, packs are readable at once, refs move by compare-and-swap."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pantheon_git.errors import GitError, RefMovedError
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import EMPTY_TREE, FOLDER, Entry, Objects
from pantheon_git.repo.refs import ANY, RefUpdate, read_ref, read_refs, update_refs
from pantheon_git.repo.writer import Writer

NAMES = st.sampled_from([b"a", b"b", b"a.b", b"a-b", b"a0", b"Z", b"\xff\xfe", "é".encode(), b"sp ace", b'q"t'])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
MODES = st.sampled_from([0o100644, 0o100755, 0o120000])
FILES = st.dictionaries(PATHS, st.tuples(MODES, st.binary(max_size=3)), max_size=8)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return new_repository(tmp_path / "repo")


def new_repository(path: Path) -> Git:
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return Git.discover(path)


def without_conflicts(files: Mapping[bytes, tuple[int, bytes]]) -> dict[bytes, tuple[int, bytes]]:
    """Drop what lies below another file: no tree can hold both."""
    return {p: f for p, f in files.items() if not any(p.startswith(q + b"/") for q in files if q != p)}


def stock_tree(git: Git, files: Mapping[bytes, tuple[int, bytes]], tmp: Path) -> str:
    """The tree of `files` as `git update-index` and `git write-tree` make it."""
    env = {"GIT_INDEX_FILE": str(tmp)}
    tmp.unlink(missing_ok=True)
    lines = b""
    for path, (mode, data) in files.items():
        oid = git.run("hash-object", "-w", "--stdin", input=data).out.strip()
        lines += b"%o %s\t%s\0" % (mode, oid, path)
    git.run("update-index", "-z", "--index-info", input=lines, env=env)
    return git.run("write-tree", env=env).out.decode().strip()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=FILES, after=FILES, drop=st.lists(PATHS, max_size=3))
def test_edited_trees_equal_stock_git(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[bytes, tuple[int, bytes]],
    after: dict[bytes, tuple[int, bytes]],
    drop: list[bytes],
) -> None:
    """Edits (writes, removals of files and folders, files in place of folders) give the tree that git's index gives."""
    tmp = tmp_path_factory.mktemp("edit")
    git = new_repository(tmp / "repo")
    before, after = without_conflicts(before), without_conflicts(after)
    base = stock_tree(git, before, tmp / "index")
    gone = {p for p in before for d in drop if p == d or p.startswith(d + b"/")}
    for path in after:  # what a new entry displaces
        gone |= {p for p in before if p.startswith(path + b"/") or path.startswith(p + b"/")}
    wanted = {**{p: f for p, f in before.items() if p not in gone}, **after}
    with_objects = Objects(git)
    writer = Writer(with_objects)
    edits: dict[bytes, Entry | None] = dict.fromkeys([*gone, *drop])
    edits.update({p: Entry(mode, b"", writer.blob(data)) for p, (mode, data) in after.items()})
    edited = writer.edit_tree(base, edits)
    assert edited == stock_tree(git, wanted, tmp / "index")
    writer.flush()
    assert git.run("ls-tree", "-r", edited).code == 0
    with_objects.close()


def test_a_flushed_pack_is_whole_and_read_at_once(git: Git) -> None:
    """After a flush stock git reads every object, fsck finds no fault, and the reader sees them too."""
    objects = Objects(git)
    assert Writer(objects).flush() is None
    writer = Writer(objects)
    big = bytes(range(256)) * 5000
    blobs = {name: writer.blob(data) for name, data in [(b"empty", b""), (b"big", big), (b"small", b"x\n")]}
    tree = writer.edit_tree(EMPTY_TREE, {b"d/" + name: Entry(0o100644, b"", oid) for name, oid in blobs.items()})
    commit = writer.commit(tree, [], "A <a@b> 1700000000 +0000", "Subject\n\nbody\n")
    assert writer.reader.blob(blobs[b"big"]) == big
    with pytest.raises(GitError, match="no object"):
        objects.blob(blobs[b"big"])
    pack = writer.flush()
    assert pack is not None
    assert pack.exists()
    assert not writer.objects
    assert git.text("cat-file", "-t", commit) == "commit"
    assert objects.blob(blobs[b"big"]) == big
    assert objects.commit(commit).subject == "Subject"
    update_refs(git, [RefUpdate("refs/heads/main", commit, None)])
    assert git.run("fsck", "--full", "--strict", "--no-dangling").err == b""
    assert git.run("verify-pack", str(pack)).code == 0
    git.run("gc", "-q", "--prune=now")
    assert objects.blob(blobs[b"big"]) == big  # the pack that it knew is gone


@pytest.mark.parametrize("path", [b"", b"a//b", b"../x", b".git/config", b"a/.GIT/x", b"./a", b"a\0b"])
def test_names_that_no_tree_may_hold(git: Git, path: bytes) -> None:
    """Paths that would lead out of a tree, or into `.git`, are refused whoever asks."""
    writer = Writer(Objects(git))
    entry = Entry(0o100644, b"", writer.blob(b""))
    with pytest.raises(ValueError, match="no tree may hold"):
        writer.edit_tree(EMPTY_TREE, {path: entry})


def test_an_entry_below_an_entry_is_a_contradiction(git: Git) -> None:
    """Two edits that cannot both hold are refused; a removal above an entry is done first."""
    writer = Writer(Objects(git))
    entry = Entry(0o100644, b"", writer.blob(b""))
    with pytest.raises(ValueError, match="below another"):
        writer.edit_tree(EMPTY_TREE, {b"a": entry, b"a/b/c": entry})
    tree = writer.edit_tree(EMPTY_TREE, {b"a/x": entry})
    assert [p for p, _ in writer.reader.walk(writer.edit_tree(tree, {b"a": None, b"a/b": entry}))] == [b"a/b"]
    assert writer.edit_tree(tree, {b"a": None}) == EMPTY_TREE
    graft = writer.edit_tree(EMPTY_TREE, {b"g": Entry(FOLDER, b"", tree)})
    assert [p for p, _ in writer.reader.walk(graft)] == [b"g/a/x"]


def test_refs_move_together_or_not_at_all(git: Git) -> None:
    """One ref that is elsewhere stops the whole transaction, and the error names it."""
    writer = Writer(Objects(git))
    one = writer.commit(EMPTY_TREE, [], "A <a@b> 1 +0000", "one\n")
    two = writer.commit(EMPTY_TREE, [one], "A <a@b> 2 +0000", "two\n")
    writer.edit_tree(EMPTY_TREE, {})
    writer.add(EMPTY_TREE, "tree", b"")
    writer.flush()
    update_refs(git, [RefUpdate("refs/x/a", one, None), RefUpdate("refs/x/b", one, None)])
    assert read_refs(git, "refs/x/") == {"refs/x/a": one, "refs/x/b": one}
    with pytest.raises(RefMovedError, match="refs/x/b is at"):
        update_refs(git, [RefUpdate("refs/x/a", two, one), RefUpdate("refs/x/b", two, None)])
    with pytest.raises(RefMovedError, match="refs/x/c is at nothing"):
        update_refs(git, [RefUpdate("refs/x/a", two, one), RefUpdate("refs/x/c", two, one)])
    assert read_refs(git, "refs/x/a") == {"refs/x/a": one}
    update_refs(
        git, [RefUpdate("refs/x/a", two, one), RefUpdate("refs/x/b", None, one), RefUpdate("refs/x/d", two, ANY)]
    )
    assert read_ref(git, "refs/x/b") is None
    assert read_ref(git, "refs/x/d") == two
    with pytest.raises(GitError):
        update_refs(git, [RefUpdate("refs/x/a", "1" * 40, two)])
    update_refs(git, [])


def test_a_pack_is_durable_before_it_is_visible(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content is synced before each rename, the index is renamed after its pack, the folder is synced last; a write
    that fails leaves nothing behind. (The calls are recorded: no test can pull the plug.)"""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def kind(fd: int) -> str:
        name = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115
        return "folder" if Path(name).is_dir() else "file"

    monkeypatch.setattr(os, "fsync", lambda fd: (done.append(f"sync {kind(fd)}"), fsync(fd))[1])
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (done.append(f"rename {Path(to).suffix}"), replace(self, to))[1]
    )
    writer = Writer(Objects(git))
    writer.blob(b"x")
    writer.flush()
    assert done == ["sync file", "rename .pack", "sync file", "rename .idx", "sync folder"]

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = sorted((git.objects_dir / "pack").iterdir())
    oid = writer.blob(b"y")
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    assert sorted((git.objects_dir / "pack").iterdir()) == before
    assert oid in writer.objects
