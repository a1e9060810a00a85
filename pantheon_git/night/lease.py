"""One runner per repository: a lock in the state directory that the kernel drops when its holder dies.

The lock is `flock` on `lease`; the file says who holds it. The next runner takes over with a new file where the named
process is gone and only a child of it has kept the descriptor, and where it is stopped (Ctrl-Z, SIGSTOP): a night that
stands still must not cost the next one. Such a process, continued, finds that the lease is no longer its own and ends.
Whoever runs on another machine or in another container cannot be judged from here, and is never passed over.
"""

from __future__ import annotations

import contextlib
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
    where: str = ""
    """The machine's boot and the process table that `pid` belongs to."""
    host: str = ""

    @property
    def near(self) -> bool:
        """Whether `pid` means the same process here."""
        return self.where == _where()

    @property
    def alive(self) -> bool:
        return born(self.pid) == self.born

    @property
    def stopped(self) -> bool:
        return state_of(self.pid) in ("T", "t")

    def __str__(self) -> str:
        here = "" if self.near else f" on {self.host} (another machine, or another container)"
        return f"process {self.pid}{here}, since {_clock(self.since)} ({self.what})"


class LeaseHeldError(PantheonError):
    """Another runner is at work here."""


class Lease:
    """A lease that this process holds. `left`: from whom it was taken, if somebody left it behind."""

    def __init__(self, path: Path, file: IO[str], left: Holder | None) -> None:
        self._path, self._file, self.left = path, file, left

    @property
    def taken_over(self) -> str:
        """What to tell about the one before, in one line; empty where there was none."""
        if self.left is None:
            return ""
        how = "is stopped" if self.left.near and self.left.alive else "ended without a word"
        return f"took over from {self.left}, which {how}"

    def require(self) -> None:
        """LeaseHeldError where another runner has taken it over: while we were stopped, it went on in our place."""
        mine = os.fstat(self._file.fileno())
        try:
            now = self._path.stat()
        except FileNotFoundError:
            now = None
        if now is None or (mine.st_dev, mine.st_ino) != (now.st_dev, now.st_ino):
            raise LeaseHeldError(
                "another runner took this night over while it stood still, and nothing more is written",
                "pantheon-git report tells what became of both nights",
            )


@contextmanager
def lease(state: Path, what: str) -> Iterator[Lease]:
    """Hold the lease of `state` (made if absent).

    Raises LeaseHeldError at once, naming the holder, while another process has it that lives and is not stopped.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state / "lease"
    file, left_behind = _take(path)
    with file:
        me = Holder(os.getpid(), born(os.getpid()), time.time(), what, _where(), os.uname().nodename)
        _write(file, json.dumps(asdict(me)))
        try:
            yield Lease(path, file, left_behind)
        finally:
            with contextlib.suppress(OSError):  # a disk that became read-only has said so; the lock ends with us anyway
                _write(file, "")


def at_work(state: Path) -> Holder | None:
    """Who holds the lease of `state` and lives, as far as can be told from here; changes nothing."""
    try:
        with (state / "lease").open(encoding="utf-8") as file:
            who = holder(file)
    except FileNotFoundError:
        return None
    return who if who is not None and (not who.near or who.alive) else None


def _take(path: Path) -> tuple[IO[str], Holder | None]:
    for _ in range(50):
        with _open(path.with_name("lease.guard")) as guard:  # one at a time, else two unlink each other's file
            fcntl.flock(guard, fcntl.LOCK_EX)
            file = _open(path)
            who = holder(file)
            if _lock(file):
                return file, who
            file.close()
            if who is not None and not who.near:
                raise LeaseHeldError(f"a night is already running here: {who}", f"look there: ps -p {who.pid}")
            if who is not None and who.alive and not who.stopped:
                raise LeaseHeldError(
                    f"a night is already running here: {who}", f"wait for it, or: kill -TERM {who.pid}"
                )
            if who is not None:
                path.unlink(missing_ok=True)  # the old file's lock stays with the stopped one, or with an orphan
                fresh = _open(path)
                if _lock(fresh):
                    return fresh, who
                fresh.close()
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
    os.ftruncate(file.fileno(), 0)
    os.pwrite(file.fileno(), text.encode(), 0)  # nothing stays in a buffer, which closing would try to write again


def born(pid: int) -> int:
    """Start time of a process (field 22 of `/proc/PID/stat`, proc(5)), 0 when there is none or it is a zombie.

    In clock ticks since boot, so that no jump of the clock changes it.
    """
    fields = _stat(pid)
    return 0 if not fields or fields[0] == "Z" else int(fields[19])


def state_of(pid: int) -> str:
    """The state letter of proc(5), empty when there is no such process."""
    return next(iter(_stat(pid)), "")


def _stat(pid: int) -> list[str]:
    """Fields 3 and on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _where() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _clock(since: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
