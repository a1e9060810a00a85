"""What the machine refuses in the middle of a night: a disk that is full or became read-only, no memory, no processes.

Then the night is given up, not the work: finished jobs are recorded with room that was held in reserve, the others stay
queued, and the closing says why.
"""

from __future__ import annotations

import asyncio
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pantheon_git.errors import PantheonError, machine_trouble
from pantheon_git.jail.watch import FULL

RESERVE_BYTES = 8 << 20
"""A group of sixteen jobs and the close of a night take less than one."""
NAME = "pantheon.reserve"
MEMORY_BYTES = 64 << 20
"""Of addresses, not of memory in use: near a limit (`ulimit -v`, `ulimit -d`) what closes the night fits in there."""


class Reserve:
    """Room on the disks of `folders` and in memory, taken before the first job, given back when either runs out."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._memory: mmap.mmap | None = None
        self.used = ""
        """Why it was given back; empty: it was not."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """PantheonError when there is no room for it."""
        try:
            self.hold_memory()
            for folder in self._folders:
                _take(folder / NAME)
            yield
        finally:
            self.give_back()

    def hold_memory(self) -> None:
        """Again changes nothing. PantheonError when there is not so much."""
        if self._memory is not None or self.used:
            return
        try:
            self._memory = mmap.mmap(-1, MEMORY_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:
            raise PantheonError(
                f"less than {MEMORY_BYTES >> 20} MiB of memory can be had, so no night begins",
                "free -h and ulimit -a show what is left; pantheon-git run --jobs 1 needs less",
            ) from error

    def unheard(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's handler of errors in callbacks, that nobody waits for: memory gives out there first, where
        pipes are read."""
        if not self.ran_out(context.get("exception")):
            loop.default_exception_handler(context)

    def ran_out(self, error: BaseException | None) -> bool:
        """Whether the machine refused something outside any job: then the reserve goes, and `sick` says it."""
        trouble = None if error is None else machine_trouble(error)
        if trouble is not None:
            self.used = self.used or trouble.message
            self.give_back()
        return trouble is not None

    def require(self) -> None:
        """PantheonError, before anything is tried, where the night would be given up at its first job."""
        if why := self.sick():
            raise PantheonError(f"no night begins: {why}", "df -h shows it; make room, then run the command again")

    def write(self, action: Callable[[], object]) -> None:
        """Do what writes; where the machine refuses it, once more with the reserve's room. Raises what remains."""
        try:
            action()
        except (OSError, MemoryError, PantheonError) as error:
            trouble = machine_trouble(error)
            if trouble is None or self.used:
                raise
            self.used = trouble.message
            self.give_back()
            action()

    def sick(self, error: BaseException | None = None) -> str:
        """Why jobs cannot be expected to go well any more, in one line; empty while they can."""
        if error is not None and (trouble := machine_trouble(error)):
            if isinstance(error, MemoryError):
                self.ran_out(error)
            return trouble.message
        if self.used:
            return self.used
        for folder in self._folders:
            facts = os.statvfs(folder)
            if facts.f_flag & os.ST_RDONLY:
                return f"{folder} became read-only"
            if facts.f_bavail * facts.f_frsize < FULL:
                return f"less than {FULL >> 20} MiB are left on the disk of {folder}"
            if facts.f_files and not facts.f_favail:
                return f"no file can be made any more on the disk of {folder}"
        return ""

    def give_back(self) -> None:
        """Also what a killed runner had left."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        for folder in self._folders:
            (folder / NAME).unlink(missing_ok=True)


def _take(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
    except OSError as error:
        path.unlink(missing_ok=True)
        if machine_trouble(error) is None:
            raise
        raise PantheonError(
            f"{path.parent}: less than {RESERVE_BYTES >> 20} MiB are free, so no night begins", f"df -h {path.parent}"
        ) from error
    finally:
        os.close(descriptor)
