"""A real ext4 on a loop device, for root in a mount namespace of its own: it can turn read-only as after an error of
the disk, and lose its power.

`cut` is the kernel's own EXT4_IOC_SHUTDOWN without a flush of the journal, as xfstests uses it: from that moment on
nothing reaches the disk. What was neither synced nor written back by then is gone; the journal is replayed at the next
mount. With `data=writeback,noauto_da_alloc,commit=600` ext4 keeps no more of its accord than it must: no data is
ordered before metadata, no rename waits for the content, and nothing is committed but by fsync(2).
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2
"""_IOR('X', 125, __u32), linux/fs/ext4/ext4.h."""
OPTIONS = "loop,data=writeback,noauto_da_alloc,commit=600"
INSIDE = "DISK_KIT_INSIDE"


def in_own_mounts(module: str) -> int | None:
    """Run this kit again in a mount namespace of its own; its exit code, or None for the one inside."""
    if os.environ.get(INSIDE):
        return None
    argv = ["unshare", "--mount", "--propagation=private", sys.executable, "-m", module, *sys.argv[1:]]
    return subprocess.run(argv, env={**os.environ, INSIDE: "1"}, check=False).returncode


class Disk:
    """A file system of `size` bytes, mounted at `folder`."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.image = folder, folder.with_name(f"{folder.name}.img")
        with self.image.open("wb") as file:
            file.truncate(size)
        _do("mkfs.ext4", "-q", "-F", str(self.image))
        folder.mkdir()
        self.mount()

    def mount(self) -> None:
        _do("mount", "-o", OPTIONS, str(self.image), str(self.folder))

    def turn_read_only(self) -> None:
        """Also under files that are being written: what ext4 does by itself when the disk answers with an error."""
        _do("mount", "-o", "remount,abort", str(self.folder))

    def cut(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def again(self) -> None:
        """After either: unmount, check, mount. Whoever still has a file open is waited for."""
        deadline = time.monotonic() + 20
        while _try("umount", str(self.folder)).returncode or _try("losetup", "-j", str(self.image)).stdout:
            # a mount namespace of a jail may hold it a moment longer
            if time.monotonic() > deadline:
                raise AssertionError("the disk stays busy")
            if not os.path.ismount(self.folder) and not _try("losetup", "-j", str(self.image)).stdout:
                break
            time.sleep(0.1)
        checked = _try("e2fsck", "-fy", str(self.image))  # replays the journal
        assert checked.returncode in (0, 1), checked.stdout.decode()
        self.mount()


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Disk]:
    """Until the body ends."""
    made = Disk(folder, size)
    try:
        yield made
    finally:
        _do("umount", "-l", str(folder))
        made.image.unlink()


def _try(*argv: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, capture_output=True, check=False)


def _do(*argv: str) -> None:
    done = _try(*argv)
    assert done.returncode == 0, f"{argv}: {done.stderr.decode()}"
