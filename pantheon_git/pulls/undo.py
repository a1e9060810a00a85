"""Taking back what a merge that was cut off, or that failed, did to a work tree: path by path, and nothing else.

A path is put back where it holds what the merge wrote, or a torn piece of it. What a person wrote there since stays.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pantheon_git.pulls.moving import root_of, sync_files
from pantheon_git.repo.git import Git
from pantheon_git.repo.held_index import HeldIndex
from pantheon_git.repo.objects import Entry, Objects

Change = tuple[bytes, Entry | None, Entry | None]
"""Path, what stood there, what the merge puts there."""


def put_back(index: HeldIndex, objects: Objects, old: str, new: str) -> list[str]:
    """Files and index of one work tree as they were at commit `old`; the paths that are left, because they are neither
    what stood there nor what the merge wrote. Durable when this returns; a second call finds nothing to do."""
    changes = list(objects.changes(objects.commit(old).tree, objects.commit(new).tree))
    index.begin()
    staged = _staged(index, changes)
    if all(staged.get(path) == _at(entry) for path, _, entry in changes):  # all is moved: the way back is as the way
        index.git("update-index", "-q", "--refresh", check=False)
        if index.git("read-tree", "-m", "-u", new, old, check=False).code == 0:
            return _done(index, changes, [])
    index.begin()
    _stage(index, [(path, entry) for path, _, entry in changes])
    unlike_new = _unlike(index)
    index.begin()
    _stage(index, [(path, entry) for path, entry, after in changes if staged.get(path) == _at(after) != _at(entry)])
    unlike_old = _unlike(index)
    mine = [change for change in changes if staged.get(change[0]) not in (_at(change[1]), _at(change[2]))]
    restore, remove, left = [], [], [path for path, _, _ in mine]
    for path, before, after in (change for change in changes if change not in mine):
        there = root_of(index.tree) / os.fsdecode(path)
        exists = os.path.lexists(there)
        if path not in unlike_old and (before is not None or not exists):
            continue
        if (exists and after is None) or (exists and path in unlike_new and not _torn(index.tree, new, path, there)):
            left.append(path)
        elif exists and before is None:
            remove.append(there)
        else:
            restore.append(path)
    _remove(root_of(index.tree), remove)
    index.git("checkout-index", "-f", "-q", "-z", "--stdin", stdin=b"".join(path + b"\0" for path in restore))
    return _done(index, changes, left)


def _done(index: HeldIndex, changes: Sequence[Change], left: Iterable[bytes]) -> list[str]:
    sync_files(index.tree, [path for path, _, _ in changes])
    index.git("update-index", "-q", "--refresh", check=False)
    index.put()
    return [path.decode("utf-8", "backslashreplace") for path in left]


def _at(entry: Entry | None) -> tuple[int, str] | None:
    return None if entry is None else (entry.mode, entry.oid)


def _staged(index: HeldIndex, changes: Sequence[Change]) -> Mapping[bytes, tuple[int, str]]:
    wanted = {path for path, _, _ in changes}
    found = {}
    for line in index.git("ls-files", "-s", "-z").out.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        mode, oid, stage = facts.decode().split()
        if path in wanted and stage == "0":
            found[path] = (int(mode, 8), oid)
    return found


def _stage(index: HeldIndex, entries: Sequence[tuple[bytes, Entry | None]]) -> None:
    gone = b"".join(b"0 %s\t%s\0" % (b"0" * 40, path) for path, entry in entries if entry is None)
    there = b"".join(b"%o %s\t%s\0" % (entry.mode, entry.oid.encode(), path) for path, entry in entries if entry)
    index.git("update-index", "-z", "--index-info", stdin=gone + there)


def _unlike(index: HeldIndex) -> set[bytes]:
    """Paths whose file is not what the index says."""
    index.git("update-index", "-q", "--refresh", check=False)
    return set(index.git("diff-files", "-z", "--name-only", "--ignore-submodules").out.split(b"\0"))


def _torn(tree: Git, commit: str, path: bytes, there: Path) -> bool:
    """Whether a file is the beginning of what the merge was writing: a kill cuts it, a power cut empties it or leaves
    zeros at its end."""
    if there.is_symlink() or not there.is_file():
        return False
    whole = tree.run("cat-file", "--filters", commit.encode() + b":" + path, check=False)
    return whole.code == 0 and whole.out.startswith(there.read_bytes().rstrip(b"\0"))


def _remove(root: Path, files: Sequence[Path]) -> None:
    for path in files:
        path.unlink()
        for folder in path.parents:
            if folder == root or not folder.is_relative_to(root):
                break
            with contextlib.suppress(OSError):  # something else is in it
                folder.rmdir()
