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

from pantheon_git.jail.names import why_unsafe
from pantheon_git.jail.protocol import Change, JailSpec

MAX_CHANGES, MAX_DEPTH, MAX_NAMES, MAX_TOTAL = 10_000, 64, 200_000, 256 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ, _RUN, _ENTER = 0o400, 0o100, 0o500
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
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

    def add(self, change: Change) -> None:
        self.changes.append(change)
        self.total += len(change.data)
        if len(self.changes) > MAX_CHANGES:
            raise _EnoughError(f"more than {MAX_CHANGES} paths changed")
        if self.total > MAX_TOTAL:
            raise _EnoughError(f"more than {MAX_TOTAL >> 20} MiB of changes")

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
    new, old = _lstat(name, at.upper), _lstat(name, at.lower)
    if new is None:
        return  # gone meanwhile
    path = at.prefix + name
    if stat.S_ISCHR(new.st_mode) and new.st_rdev == 0 and not at.opaque:
        if old is not None:
            walk.add(Change(path, "delete"))
    elif reason := why_unsafe(name):
        walk.refuse(path, reason)
    elif stat.S_ISDIR(new.st_mode):
        _subfolder(walk, at, name, new, old)
    elif stat.S_ISLNK(new.st_mode):
        target = os.readlink(name, dir_fd=at.upper)
        if old is None or not stat.S_ISLNK(old.st_mode) or os.readlink(name, dir_fd=at.lower) != target:
            walk.add(Change(path, "symlink", data=target))
    elif stat.S_ISREG(new.st_mode):
        _file(walk, at, name, new, old)
    else:
        walk.refuse(path, _KINDS.get(stat.S_IFMT(new.st_mode), "a file of an unknown kind"))


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
        if marks.keys() & {"redirect", "metacopy"}:
            walk.refuse(path, "a folder that the overlay itself moved")
            return
        opaque = at.opaque or marks.get("opaque") == b"y"
        _folder(walk, _Place(here, below, path + b"/", opaque, at.depth + 1))


def _marks(folder: int) -> dict[str, bytes]:
    """The overlay's own attributes of a folder, by the last part of their names."""
    try:
        names = [name for name in os.listxattr(folder) if name.startswith("user.overlay.")]
    except OSError:  # a file system without attributes
        return {}
    return {name.rpartition(".")[2]: os.getxattr(folder, name) for name in names}


def _file(walk: _Walk, at: _Place, name: bytes, new: os.stat_result, old: os.stat_result | None) -> None:
    path = at.prefix + name
    before = old if old is not None and stat.S_ISREG(old.st_mode) else None
    if before and walk.untouched_before is not None and new.st_ctime_ns < walk.untouched_before:
        return
    if new.st_size > walk.file_cap:
        walk.refuse(path, f"{new.st_size} bytes; at most {walk.file_cap} are taken")
    elif not stat.S_IMODE(new.st_mode) & _READ:
        walk.refuse(path, "a file that its owner may not read")
    elif (data := _read(name, at.upper, walk.file_cap)) is None:
        walk.refuse(path, "a file that changed while it was read")
    elif not (before and _same_mode(before, new) and _read(name, at.lower, walk.file_cap) == data):
        walk.add(Change(path, "write", bool(new.st_mode & _RUN), data))


def _same_mode(one: os.stat_result, other: os.stat_result) -> bool:
    """As far as git knows modes: whether the owner may run it."""
    return one.st_mode & _RUN == other.st_mode & _RUN


def _read(name: bytes, folder: int | None, cap: int) -> bytes | None:
    """A regular file's bytes; None when it is no regular file after all, or has grown above the cap."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        data = file.read(cap + 1)
    return data if len(data) <= cap else None
