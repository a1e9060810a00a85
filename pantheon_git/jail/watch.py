"""The watchdog: what the kernel does not bound for a whole job, looked at a few times a second while it works."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from pantheon_git.jail.memory import used_mb
from pantheon_git.jail.protocol import JailSpec

_SECONDS, _TICKS_PER_DISK = 0.2, 4
MAX_FILES = 200_000


class Watchdog:
    """Watches one jail. `kill` is called with the reason, once."""

    def __init__(self, spec: JailSpec, folder: Path, *, memory: bool, kill: Callable[[str], None]) -> None:
        self._caps, self._folder, self._memory, self._kill = spec.caps, folder, memory, kill
        self._at_start = used_disk(folder)[0] if folder.name == "tree" else 0

    async def run(self, pid: int) -> None:
        """Look until cancelled. `pid` is the jail's topmost process."""
        ticks = 0
        while True:
            await asyncio.sleep(_SECONDS)
            ticks += 1
            if self._memory and used_mb(pid) > self._caps.memory_mb:
                return self._kill(f"its processes used more than {self._caps.memory_mb} MiB together")
            if ticks % _TICKS_PER_DISK == 0:
                size, files = await asyncio.to_thread(used_disk, self._folder)
                if size - self._at_start > self._caps.disk_mb << 20:
                    return self._kill(f"it wrote more than {self._caps.disk_mb} MiB into its tree")
                if files > MAX_FILES:
                    return self._kill(f"it made more than {MAX_FILES} files")


def used_disk(folder: Path) -> tuple[int, int]:
    """Bytes that a folder takes on the disk, and how many files and folders are in it. Links are not followed, and it
    does not look further than MAX_FILES."""
    size = files = 0
    for _, folders, names, descriptor in os.fwalk(folder):
        for name in (*folders, *names):
            try:
                size += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_blocks * 512
            except FileNotFoundError:
                continue  # the job is at work
        files += len(folders) + len(names)
        if files > MAX_FILES:
            break
    return size, files
