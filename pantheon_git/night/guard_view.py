"""What a night sees of the machine's files: a mount namespace in which homes and places of sockets are empty.

By list of what is shown, not of what is hidden: credential files have too many names, and sockets at paths (agents,
containers, name services, D-Bus) lead out of a network namespace. What is shown keeps its path, so that keys, state,
models and the repository are found where they are. All is read-only but the repository's git directory and our state.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.jail import kernel
from pantheon_git.jail.assemble import bind, make_target, open_path

HIDDEN = ("/home", "/root", "/run", "/tmp", "/var/tmp", "/dev/shm", "/mnt", "/media")  # noqa: S108
"""Homes, sockets and what other programs keep for a while; /mnt also holds the Windows side of a WSL machine."""
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
"""Empty too, and the night may write there."""
SOURCE = "pantheon-night"
"""The name of the empty file systems in /proc/self/mountinfo, by which they are known again."""
_GROUPS = "/sys/fs/cgroup"
"""Stays writable, as does /proc: jails set their control groups and id maps there."""


@dataclass(frozen=True)
class View:
    """Absolute paths. `home` is hidden like HIDDEN; what does not exist is left out."""

    home: Path
    readable: Sequence[Path]
    writable: Sequence[Path]

    @property
    def shown(self) -> list[Path]:
        """Given and real paths, each once."""
        given = [*self.readable, *self.writable]
        return list(dict.fromkeys(path for one in given for path in (one, Path(os.path.realpath(one)))))


def require_apart(view: View) -> None:
    """PantheonError where the home cannot be emptied, because something that the night needs is all of it."""
    if view.home in view.shown:
        raise PantheonError(
            f"the night empties the home folder {view.home}, but that is the repository itself",
            f"git clone {view.home} {view.home}/night, then: pantheon-git -C {view.home}/night run",
        )


def enter(view: View) -> None:
    """Make the view real, in a mount namespace that this process has just come into. OSError names the step."""
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    shown = {path: open_path(str(path)) for path in view.shown if path.exists()}
    hidden = {Path(os.path.realpath(one)) for one in (*HIDDEN, view.home)} - shown.keys()
    for path in sorted(hidden | shown.keys(), key=lambda one: one.parts):  # a folder comes before what lies in it
        if path in shown:
            _show(path, shown[path])
        else:
            _hide(path)
    kernel.restrict_mount("/", kernel.ATTR_RDONLY)
    for path in view.writable:
        if path in shown:
            again = open_path(str(path))
            bind(again, str(path), 0)
            os.close(again)
            _loosen(path, recursive=True)
    _loosen(Path(_GROUPS), recursive=True)
    for name in ("/proc", *SCRATCH, str(view.home)):
        _loosen(Path(os.path.realpath(name)))
    for descriptor in shown.values():
        os.close(descriptor)


def hidden_now() -> list[str]:
    """Where the empty file systems of a view are mounted, as this process sees it."""
    fields = (line.partition(" - ")[::2] for line in _mounts())
    return sorted(_plain(mount.split()[4]) for mount, kind in fields if kind.split()[1] == SOURCE)


def _plain(path: str) -> str:
    """Blanks and line breaks stand as three octal digits there (proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _mounts() -> Iterator[str]:
    yield from Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()


def _hide(path: Path) -> None:
    if not path.is_dir():
        try:
            path.mkdir(parents=True)  # a home inside another hidden place
        except OSError:
            return  # there is no such place, so there is nothing to hide
    mode = 0o1777 if str(path) in SCRATCH else 0o755
    kernel.mount(SOURCE, str(path), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"mode={mode:o}")


def _show(path: Path, descriptor: int) -> None:
    there, here = os.fstat(descriptor), _stat(path)
    if here is None or (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
        if here is None or stat.S_ISDIR(here.st_mode) != stat.S_ISDIR(there.st_mode):
            make_target(descriptor, str(path))
        bind(descriptor, str(path), 0)


def _stat(path: Path) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return path.stat()
    return None


def _loosen(path: Path, *, recursive: bool = False) -> None:
    """Take the read-only mark off a mount again. One that was read-only before stays so: that is the machine's will."""
    try:
        kernel.restrict_mount(str(path), 0, clear=kernel.ATTR_RDONLY, recursive=recursive)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL, errno.ENOENT):  # locked; not a mount of its own; not there
            raise
