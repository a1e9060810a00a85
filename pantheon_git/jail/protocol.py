"""What a jail is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Level = Literal["bubblewrap", "namespaces"]


@dataclass(frozen=True)
class Share:
    """An untracked folder of the main checkout that the job sees read-only."""

    source: Path
    dest: str
    """Path relative to the job's tree."""


@dataclass(frozen=True)
class Caps:
    """Limits of one job. All of them hold for the whole process tree."""

    wall_seconds: float = 900
    memory_mb: int = 1024
    processes: int = 64
    file_mb: int = 64
    """Of one file."""
    disk_mb: int = 1024
    """Of all that the job adds to its tree; watched, not enforced at each write."""
    output_kb: int = 1024
    open_files: int = 256


@dataclass(frozen=True)
class JailSpec:
    checkout: Path
    """The immutable lower checkout of the base commit (`jail/trees.py`)."""
    job_dir: Path
    """Empty folder of this job alone: upper layer, work folder, private git directory."""
    shares: Sequence[Share] = ()
    caps: Caps = Caps()
    params: Mapping[str, Any] = field(default_factory=dict)
    """Handed to the tool host as `Workspace.params`."""


@dataclass(frozen=True)
class ToolAnswer:
    ok: bool
    result: dict[str, Any]
    """The tool's result, or `{"code": …, "message": …}`."""
    seconds: float
    truncated: bool = False


@dataclass(frozen=True)
class ExecAnswer:
    code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    truncated: bool = False
    timed_out: bool = False


@dataclass(frozen=True)
class Attached:
    """How a program ended that ran on streams handed in. `code` is negative for a signal."""

    code: int
    seconds: float
    timed_out: bool = False


class Jail(Protocol):
    """One job's jail with its tool host. An async context manager; leaving it kills the whole process tree."""

    level: Level
    tree: Literal["overlay", "copy"]

    async def call(self, tool: str, args: Mapping[str, Any], timeout: float) -> ToolAnswer:
        """Run a typed tool inside. Raises JailError when the jail is gone or the time is up (the jail is dead then)."""

    async def exec(self, argv: Sequence[str], timeout: float, env: Mapping[str, str] | None = None) -> ExecAnswer:
        """Run a program inside, from the root of the job's tree. For checks; no agent reaches this."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Change:
    """One path that a job left different from its base. Read with no-follow, and capped."""

    path: bytes
    kind: Literal["write", "delete", "symlink", "special"]
    executable: bool = False
    data: bytes = b""
    """New content, or the target of a symlink."""
    reason: str = ""
    """Why a `special` path is refused: a device, a socket, too large, a `.git` name …"""
