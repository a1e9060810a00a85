"""Memory of all processes of a job together: a control group where one may be made, a watchdog where not.

Every process also has its own limit (RLIMIT_DATA, set by the tool host). The group is the kernel's and holds at every
moment; the watchdog looks a few times a second and kills the jail, so a job may go over for a moment.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_number = itertools.count()


@dataclass(frozen=True)
class MemoryGroup:
    """A control group of one jail. The launcher joins it first of all: the kernel takes some 10 ms over that."""

    path: Path

    def remove(self) -> None:
        """After the last process is dead. The kernel may need a moment; what stays is empty and `sweep` takes it."""
        for _ in range(20):
            try:
                self.path.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.002)
            else:
                return


def memory_group(limit_mb: int, processes: int) -> MemoryGroup | None:
    """A new group with the limits set, or None where this user may not make one. Both versions of control groups."""
    for parent, limits in _candidates(limit_mb << 20, processes):
        path = parent / f"pantheon-{os.getpid()}-{next(_number)}"
        try:
            path.mkdir()
        except OSError:
            continue
        try:
            for name, value in limits.items():
                if (path / name).exists() or name.startswith(("memory.max", "memory.limit")):
                    (path / name).write_text(str(value))
        except OSError:
            path.rmdir()
            continue
        return MemoryGroup(path)
    return None


def sweep_groups() -> None:
    """Remove empty groups of runners that are no more."""
    for parent, _ in _candidates(0, 0):
        for path in parent.glob("pantheon-*-*"):
            if not Path("/proc", path.name.split("-")[1]).exists():
                MemoryGroup(path).remove()


def _candidates(limit: int, processes: int) -> Iterator[tuple[Path, dict[str, int]]]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            # memsw (memory and swap together) must follow the plain limit, which it may not undercut
            old = {"memory.limit_in_bytes": limit, "memory.memsw.limit_in_bytes": limit}
            yield _ROOT / "memory" / path.lstrip("/"), old
        elif not controllers:
            new = {"memory.max": limit, "memory.swap.max": 0, "memory.oom.group": 1, "pids.max": processes + 8}
            own = _ROOT / path.lstrip("/")
            # a group with processes of its own cannot hand memory on; its parent may, where it was delegated
            yield own, new
            if own != _ROOT:
                yield own.parent, new
