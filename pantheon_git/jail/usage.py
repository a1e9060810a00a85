"""What a running jail uses: memory and disk, as the runner sees it from outside. Nothing here trusts the job.

Sources: proc(5) for `status`, `maps`, `fd` and `children`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILES, MAX_DEPTH = 200_000, 100
_COUNTED = ("RssAnon:", "RssShmem:", "VmSwap:", "HugetlbPages:")
_ANONYMOUS = "/dev/zero (deleted)"
"""What the kernel calls shared memory without a file: it stays allocated when no process shows it as resident."""


def family(init: int) -> Iterator[int]:
    """A process and all below it. Where /proc hides one (`ProtectProc=invisible` hides the first process of a jail made
    from namespaces, which nobody may trace), those below it are found by the parent that they name."""
    waiting, hidden, seen = [init], set[int](), set[int]()
    while waiting or hidden:
        if not waiting:
            waiting = [child for child, parent in _parents() if parent in hidden]
            hidden.clear()
            continue
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        yield pid
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            hidden.add(pid)  # or it ended meanwhile


def _parents() -> Iterator[tuple[int, int]]:
    """Every process that can be seen, and its parent (proc(5), stat: the fourth field)."""
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            with contextlib.suppress(OSError):  # ended meanwhile
                yield int(place.name), int((place / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])


def used_mb(init: int) -> int:
    """Memory of a process and all below it, in MiB: resident, swapped or in huge pages. What a fork shares counts in
    each; shared memory without a file counts once, in full."""
    resident = shared = 0
    anonymous: dict[tuple[str, str], int] = {}
    for pid in family(init):
        try:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(_COUNTED):
                    kilobytes = int(line.split()[1])
                    resident += kilobytes
                    shared += kilobytes if line.startswith("RssShmem:") else 0
            anonymous |= _mapped(pid, anonymous=True)
        except OSError:
            continue
    hidden = max(0, (sum(anonymous.values()) >> 10) - shared)
    return (resident + hidden) >> 10


def _mapped(pid: int, *, anonymous: bool) -> dict[tuple[str, str], int]:
    """Bytes of what a process has mapped and no name leads to, by device and inode: shared memory, or deleted files."""
    found: dict[tuple[str, str], int] = {}
    for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
        if line.endswith(" (deleted)") and (line.endswith(_ANONYMOUS) is anonymous):
            extent, _, _, device, inode = line.split()[:5]
            start, end = (int(number, 16) for number in extent.split("-"))
            found[device, inode] = found.get((device, inode), 0) + end - start
    return found


def held_bytes(init: int) -> int:
    """Bytes of deleted files that processes still hold, open or mapped: a walk over folders does not see them."""
    opened: dict[tuple[int, int], int] = {}
    mapped: dict[tuple[str, str], int] = {}
    for pid in family(init):
        try:
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                    status = link.stat()
                    if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                        opened[status.st_dev, status.st_ino] = status.st_blocks * 512
            mapped |= _mapped(pid, anonymous=False)
        except OSError:
            continue
    inodes = {str(inode) for _, inode in opened}
    return sum(opened.values()) + sum(size for (_, inode), size in mapped.items() if inode not in inodes)


@dataclass(frozen=True)
class Disk:
    size: int = 0
    """Bytes on the disk."""
    files: int = 0
    """Files and folders."""
    fault: str = ""
    """What makes a folder uncountable; the counting ended there."""


def used_disk(folder: Path) -> Disk:
    """What is below a folder. Links are not followed; a job that hides from this count is told as a fault."""
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return _count(top)
    finally:
        os.close(top)


def _count(top: int) -> Disk:
    size = files = 0
    waiting = ["."]
    while waiting:
        path = waiting.pop()
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
        except (FileNotFoundError, NotADirectoryError):
            continue  # the job is at work
        except OSError as error:
            return Disk(size, files, f"it made a folder that cannot be read ({error.strerror})")
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    files += 1
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    size += status.st_blocks * 512
                    if stat.S_ISDIR(status.st_mode):
                        if not status.st_mode & stat.S_IRUSR or not status.st_mode & stat.S_IXUSR:
                            return Disk(size, files, "it made a folder that cannot be read")
                        waiting.append(f"{path}/{entry.name}")
        finally:
            os.close(descriptor)
        if files > MAX_FILES:
            return Disk(size, files, f"it made more than {MAX_FILES} files")
        if path.count("/") > MAX_DEPTH:
            return Disk(size, files, f"it nested folders more than {MAX_DEPTH} deep")
    return Disk(size, files)
