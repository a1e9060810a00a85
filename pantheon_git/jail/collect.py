"""What a job left different from its base, read on the host: no link is followed, and everything has a cap.

One walk serves both kinds of tree. The overlay's upper folder holds only what changed, with two marks of its own: a
character device 0,0 says "deleted", and the attribute `user.overlay.opaque` says that a folder replaces the one below
it (Linux `Documentation/filesystems/overlayfs.rst`). A copy is a folder that replaces everything.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pantheon_git.jail.names import MAX_PATH, why_link_unsafe, why_unfit, why_unsafe
from pantheon_git.jail.protocol import Change, JailSpec

MAX_CHANGES, MAX_DEPTH, MAX_NAMES, MAX_TOTAL = 10_000, 64, 200_000, 64 << 20
"""Paths; folders in one another; names in a folder, and new names in all; bytes of all changes together."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ, _RUN, _ENTER = 0o400, 0o100, 0o500
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
_HARMLESS = {"opaque", "origin", "impure", "nlink", "upper", "uuid"}
"""Marks of the overlay that say nothing about content (Linux `fs/overlayfs/overlayfs.h`)."""
COPIED = "copied"
"""Name of the file that `trees.place_copy` leaves in the job's folder: the time (ns) when the copy was complete."""


class _EnoughError(Exception):
    """A cap is reached."""


@dataclass
class _Walk:
    """One reading of a job's tree. `changes` grows in the order of the walk: sorted by name, folder by folder."""

    file_cap: int
    untouched_before: int | None
    """A copy's files whose inode did not change after this time (ns) are as they were copied; None: look at all."""
    changes: list[Change] = field(default_factory=list)
    total: int = 0
    new: int = 0
    """Names that the base does not have, looked at so far; folders count, though they are no change."""

    def look(self, *, new: bool) -> None:
        self.new += new
        if self.new > MAX_NAMES:
            raise _EnoughError(f"more than {MAX_NAMES} new names")

    def room_for(self, size: int) -> None:
        """Before anything is read: a file that would not fit ends the reading."""
        if self.total + size > MAX_TOTAL:
            raise _EnoughError(f"more than {MAX_TOTAL >> 20} MiB of changes")

    def add(self, change: Change) -> None:
        self.changes.append(change)
        self.total += len(change.data)
        if len(self.changes) > MAX_CHANGES:
            raise _EnoughError(f"more than {MAX_CHANGES} paths changed")
        self.room_for(0)

    def refuse(self, path: bytes, reason: str) -> None:
        self.add(Change(path, "special", reason=reason))


@dataclass(frozen=True)
class _Place:
    """A folder being compared: descriptors of it and of the base's (None: the base has none), and where it is."""

    upper: int
    lower: int | None
    prefix: bytes
    opaque: bool
    """Whether this folder hides the base's, instead of adding to it."""
    depth: int


def collect(spec: JailSpec) -> list[Change]:
    """The job's changes against `spec.checkout`, each path once. Folders are not reported, as git has none.

    A path that may not become part of a commit is a `special` with its reason; too much altogether is one `special`
    with an empty path. The jail may still be open, as long as nothing runs in it.
    """
    marker = spec.job_dir / COPIED
    copied = int(marker.read_text()) if marker.exists() else None
    walk = _Walk(spec.caps.file_mb << 20, copied)
    changed = spec.job_dir / ("upper" if copied is None else "tree")
    try:
        with _opened(changed) as upper, _opened(spec.checkout) as lower:
            _folder(walk, _Place(upper, lower, b"", copied is not None, 0))
    except _EnoughError as enough:
        return [Change(b"", "special", reason=str(enough))]
    return sorted(walk.changes, key=lambda change: change.path)


@contextlib.contextmanager
def _opened(path: Path | bytes, within: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, _FOLDER, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _names(folder: int) -> list[bytes]:
    """Sorted names; a folder is not read further than MAX_NAMES."""
    with os.scandir(folder) as entries:
        names = [os.fsencode(entry.name) for entry in itertools.islice(entries, MAX_NAMES + 1)]
    if len(names) > MAX_NAMES:
        raise _EnoughError(f"a folder with more than {MAX_NAMES} names")
    return sorted(names)


def _lstat(name: bytes, folder: int | None) -> os.stat_result | None:
    if folder is None:
        return None
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _folder(walk: _Walk, at: _Place) -> None:
    names = _names(at.upper)
    if at.opaque and at.lower is not None:
        kept = set(names)
        for name in _names(at.lower):
            if name not in kept and (at.prefix or name != b".git"):
                walk.add(Change(at.prefix + name, "delete"))
    for name in names:
        if name != b".git" or at.prefix:  # the one at the top is the job's private git directory
            _entry(walk, at, name)


def _entry(walk: _Walk, at: _Place, name: bytes) -> None:
    """One name. Nothing is ever followed, so what is swapped under our hands fails to open, and is refused."""
    try:
        new, old = _lstat(name, at.upper), _lstat(name, at.lower)
        if new is not None:
            walk.look(new=old is None)
            _judge(walk, at, name, new, old)
    except OSError as error:
        walk.refuse(at.prefix + name, f"it could not be read, or changed meanwhile: {error.strerror}")


def _judge(walk: _Walk, at: _Place, name: bytes, new: os.stat_result, old: os.stat_result | None) -> None:
    path = at.prefix + name
    if stat.S_ISCHR(new.st_mode) and new.st_rdev == 0 and not at.opaque:
        if old is not None:
            walk.add(Change(path, "delete"))
    elif reason := why_unsafe(name) or ("" if old is not None else why_unfit(name)):
        walk.refuse(path, reason)
    elif len(path) > MAX_PATH:
        walk.refuse(path, f"a path of {len(path)} bytes; at most {MAX_PATH} are taken")
    elif stat.S_ISDIR(new.st_mode):
        _subfolder(walk, at, name, new, old)
    elif stat.S_ISLNK(new.st_mode):
        _link(walk, at, name, old)
    elif stat.S_ISREG(new.st_mode):
        _file(walk, at, name, new, old)
    else:
        walk.refuse(path, _KINDS.get(stat.S_IFMT(new.st_mode), "a file of an unknown kind"))


def _link(walk: _Walk, at: _Place, name: bytes, old: os.stat_result | None) -> None:
    path, target = at.prefix + name, os.readlink(name, dir_fd=at.upper)
    if old is not None and stat.S_ISLNK(old.st_mode) and os.readlink(name, dir_fd=at.lower) == target:
        return
    if reason := why_link_unsafe(path, target):
        walk.refuse(path, reason)
    else:
        walk.add(Change(path, "symlink", data=target))


def _subfolder(walk: _Walk, at: _Place, name: bytes, new: os.stat_result, old: os.stat_result | None) -> None:
    path = at.prefix + name
    if at.depth >= MAX_DEPTH:
        walk.refuse(path, f"more than {MAX_DEPTH} folders deep")
        return
    if stat.S_IMODE(new.st_mode) & _ENTER != _ENTER:
        walk.refuse(path, "a folder that its owner may not read")
        return
    both = old is not None and stat.S_ISDIR(old.st_mode)
    if old is not None and not both:
        walk.add(Change(path, "delete"))
    with contextlib.ExitStack() as stack:
        here = stack.enter_context(_opened(name, at.upper))
        below = stack.enter_context(_opened(name, at.lower)) if both else None
        marks = _marks(here)
        if marks.keys() - _HARMLESS or marks.get("opaque", b"y") != b"y":
            walk.refuse(path, "a folder with marks of the overlay's own")
            return
        opaque = at.opaque or "opaque" in marks
        _folder(walk, _Place(here, below, path + b"/", opaque, at.depth + 1))


def _marks(descriptor: int) -> dict[str, bytes]:
    """The overlay's own attributes of a folder or file, by the last part of their names."""
    try:
        names = [name for name in os.listxattr(descriptor) if name.startswith("user.overlay.")]
    except OSError:  # a file system without attributes
        return {}
    return {name.removeprefix("user.overlay."): os.getxattr(descriptor, name) for name in names}


def _file(walk: _Walk, at: _Place, name: bytes, new: os.stat_result, old: os.stat_result | None) -> None:
    path = at.prefix + name
    before = old if old is not None and stat.S_ISREG(old.st_mode) else None
    if before and walk.untouched_before is not None and new.st_ctime_ns < walk.untouched_before:
        return
    if new.st_size > walk.file_cap:
        walk.refuse(path, f"{new.st_size} bytes; at most {walk.file_cap} are taken")
    elif not stat.S_IMODE(new.st_mode) & _READ:
        walk.refuse(path, "a file that its owner may not read")
    elif isinstance(data := _read_new(walk, at, name, new.st_size), str):
        walk.refuse(path, data)
    elif not (before and _same_mode(before, new) and _same_data(at, name, before, data)):
        walk.add(Change(path, "write", bool(new.st_mode & _RUN), data))


def _same_mode(one: os.stat_result, other: os.stat_result) -> bool:
    """As far as git knows modes: whether the owner may run it. Every other bit is dropped, set-uid too."""
    return one.st_mode & _RUN == other.st_mode & _RUN


def _same_data(at: _Place, name: bytes, before: os.stat_result, data: bytes) -> bool:
    if before.st_size != len(data):
        return False
    with os.fdopen(os.open(name, _FILE, dir_fd=at.lower), "rb") as file:
        return file.read() == data


def _read_new(walk: _Walk, at: _Place, name: bytes, size: int) -> bytes | str:
    """A file's bytes, or why they are not taken. Never reads more than the size that was seen, and one byte."""
    walk.room_for(size)
    with os.fdopen(os.open(name, _FILE, dir_fd=at.upper), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return "no file any more when it was read"
        if _marks(file.fileno()).keys() - _HARMLESS:
            return "a file with marks of the overlay's own"
        data = file.read(size + 1)
    return data if len(data) == size else "a file that changed while it was read"
