"""One runner per repository: a lock in the state directory that the kernel drops when its holder dies.

The lock is `flock` on `lease`; the file says who holds it. Should a child of a dead runner have kept the descriptor,
the next runner sees that the process named in the file is gone and takes over with a new file.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from pantheon_git.errors import PantheonError


@dataclass(frozen=True)
class Holder:
    pid: int
    born: int
    """Start time of the process in clock ticks since boot: a pid alone may have been given away again."""
    since: float
    """Seconds since the epoch."""
    what: str

    @property
    def alive(self) -> bool:
        return born(self.pid) == self.born


class LeaseHeldError(PantheonError):
    """Another runner is at work here."""


@contextmanager
def lease(state: Path, what: str) -> Iterator[Holder | None]:
    """Hold the lease of `state` (made if absent). Yields the dead holder it was taken from, if it was left behind.

    Raises LeaseHeldError at once, naming the holder, while another living process has it.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state / "lease"
    file, left_behind = _take(path)
    with file:
        me = Holder(os.getpid(), born(os.getpid()), time.time(), what)
        _write(file, json.dumps(asdict(me)))
        try:
            yield left_behind
        finally:
            _write(file, "")


def _take(path: Path) -> tuple[IO[str], Holder | None]:
    for _ in range(50):
        with _open(path.with_name("lease.guard")) as guard:  # one at a time, else two unlink each other's file
            fcntl.flock(guard, fcntl.LOCK_EX)
            file = _open(path)
            who = holder(file)
            if _lock(file):
                return file, who
            file.close()
            if who is not None and who.alive:
                raise LeaseHeldError(
                    f"a night is already running here: process {who.pid}, since {_clock(who.since)} ({who.what})",
                    f"wait for it, or: kill -TERM {who.pid}",
                )
            if who is not None:
                path.unlink(missing_ok=True)  # its holder is dead; only an orphan keeps the old file's lock
                continue
        time.sleep(0.05)  # locked, but not named: the holder is starting or leaving
    raise LeaseHeldError("another runner holds the lease of this repository and does not say who it is", "try again")


def _open(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(file: IO[str]) -> Holder | None:
    file.seek(0)
    try:
        return Holder(**json.loads(file.read()))
    except (ValueError, TypeError):
        return None


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def born(pid: int) -> int:
    """Start time of a process (field 22 of `/proc/PID/stat`, proc(5)), 0 when there is none or it is a zombie."""
    try:
        after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if after[0] == "Z" else int(after[19])


def _clock(since: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
