"""In place of a jail, to measure all the rest (`bench.py`): runs nothing; nothing that a night can reach uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pantheon_git.errors import JailError
from pantheon_git.jail.protocol import Change, ExecAnswer, Jail, JailSpec, Level, ToolAnswer


class _NoJail:
    """Stands where a jail would, to measure the rest; runs nothing."""

    level: Level = "namespaces"
    tree: Literal["overlay", "copy"] = "copy"

    async def call(self, tool: str, args: Mapping[str, Any], timeout: float) -> ToolAnswer:
        raise JailError("there is no jail in this benchmark")

    async def exec(self, argv: Sequence[str], timeout: float, env: Mapping[str, str] | None = None) -> ExecAnswer:
        raise JailError("there is no jail in this benchmark")

    async def close(self) -> None:
        return None


async def open_no_jail(spec: JailSpec, level: Level | str) -> Jail:
    return _NoJail()


def no_changes(spec: JailSpec) -> list[Change]:
    return []
