"""The watchdog: what the kernel does not bound for a whole job, looked at several times a second while it works."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from pantheon_git.jail.protocol import JailSpec
from pantheon_git.jail.usage import held_bytes, used_disk, used_mb

_SECONDS, _HURRY = 0.1, 0.02
"""Between two looks at memory: normally, and when more than a third of the limit is in use."""
_DISK_SECONDS, _DISK_SHARE = 0.3, 5
"""Between two looks at the disk: at least this, and this many times what the last look took."""
FULL = 64 << 20
"""Bytes that are left free on the disk, whatever the job's own limit."""


class Watchdog:
    """Watches one jail. `kill` is called with the reason."""

    def __init__(self, spec: JailSpec, folder: Path, *, memory: bool, kill: Callable[[str], None]) -> None:
        self._caps, self._folder, self._memory, self._kill = spec.caps, folder, memory, kill
        self._at_start = used_disk(folder) if folder.name == "tree" else None
        self._pause, self._disk_due = _SECONDS, time.monotonic() + _DISK_SECONDS
        self._looked = time.monotonic()

    def watch(self, pid: int) -> asyncio.Task[None]:
        """Begin to look; the task ends when it is cancelled. `pid` is the jail's topmost process. A watchdog that fails
        ends the jail."""
        task = asyncio.create_task(self._run(pid))
        task.add_done_callback(self._failed)
        return task

    def _failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._kill(f"its watchdog failed: {type(error).__name__}: {error}")

    async def _run(self, pid: int) -> None:
        """Short calls in a row are watched as one long one is: what is due stays due."""
        while True:
            await asyncio.sleep(min(self._pause, max(0.0, self._disk_due - time.monotonic())))
            if self._memory:
                self._look_at_memory(pid)
            if time.monotonic() >= self._disk_due:
                await self._disk(pid)

    async def afterwards(self, pid: int) -> None:
        """A last look at the disk when a call has ended. On a busy machine looks come late, and what a call wrote above
        the limit would be taken; one that was shorter than the pause between two looks waits for a later one."""
        if time.monotonic() >= self._looked + _DISK_SECONDS:
            await self._disk(pid)

    async def _disk(self, pid: int) -> None:
        self._looked = time.monotonic()
        await asyncio.to_thread(self._look_at_disk, pid)
        took = time.monotonic() - self._looked
        self._disk_due = time.monotonic() + max(_DISK_SECONDS, _DISK_SHARE * took)

    def _look_at_memory(self, pid: int) -> None:
        used = used_mb(pid)
        self._pause = _HURRY if 3 * used > self._caps.memory_mb else _SECONDS
        if used > self._caps.memory_mb:
            self._kill(f"its processes used more than {self._caps.memory_mb} MiB together")

    def _look_at_disk(self, pid: int) -> None:
        disk = used_disk(self._folder)
        files, size = disk.files, disk.size
        if self._at_start is not None:
            size -= self._at_start.size
        if disk.fault:
            self._kill(disk.fault)
        elif size + held_bytes(pid) > self._caps.disk_mb << 20:
            self._kill(f"it wrote more than {self._caps.disk_mb} MiB into its tree")
        else:
            free = os.statvfs(self._folder)
            if files and size > 1 << 20 and free.f_bavail * free.f_frsize < FULL:
                self._kill(f"less than {FULL >> 20} MiB are left on the disk")
