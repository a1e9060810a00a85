"""A tree written to disk from objects: no filters, no hooks, no submodules, and nothing on the way is followed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.errors import GitError
from pantheon_git.repo.objects import EXECUTABLE, FOLDER, GITLINK, LINK, Entry, Objects
from pantheon_git.repo.writer import check_name

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Written:
    files: int
    """Files and symlinks; submodules are empty folders and do not count."""
    bytes: int


def write_tree(objects: Objects, tree: str, dest: Path) -> Written:
    """Write `tree` into `dest`, which is empty or does not exist yet (its parent does).

    GitError for a tree that stock git would not check out either: `..`, `.git`, a name twice.
    """
    dest.mkdir(exist_ok=True)
    fd = os.open(dest, _OPEN)
    try:
        files, size = _folder(objects, tree, fd, b"")
    finally:
        os.close(fd)
    return Written(files, size)


def _folder(objects: Objects, tree: str, fd: int, path: bytes) -> tuple[int, int]:
    files = size = 0
    for entry in objects.tree(tree):
        here = path + entry.name
        try:
            check_name(entry.name)
            more_files, more_size = _entry(objects, entry, fd, here)
        except ValueError as error:
            raise GitError(f"the tree {tree} cannot be checked out: {error}", "git fsck") from error
        except FileExistsError as error:
            raise GitError(f"the tree {tree} cannot be checked out: {here!r} is there already", "git fsck") from error
        files, size = files + more_files, size + more_size
    return files, size


def _entry(objects: Objects, entry: Entry, fd: int, path: bytes) -> tuple[int, int]:
    if entry.mode in (FOLDER, GITLINK):
        os.mkdir(entry.name, dir_fd=fd)
        if entry.mode == GITLINK:
            return 0, 0
        below = os.open(entry.name, _OPEN, dir_fd=fd)
        try:
            return _folder(objects, entry.oid, below, path + b"/")
        finally:
            os.close(below)
    data = objects.blob(entry.oid)
    if entry.mode == LINK:
        os.symlink(data, entry.name, dir_fd=fd)
        return 1, len(data)
    file = os.open(entry.name, _NEW, 0o777 if entry.mode == EXECUTABLE else 0o666, dir_fd=fd)
    with os.fdopen(file, "wb") as out:
        out.write(data)
    return 1, len(data)
