"""What a typed tool is. Standard library only: the host inside the jail imports this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ToolError(Exception):
    """The tool refuses or cannot: `code` is stable and short (`not-found`, `refused`, `bad-argument` …).

    The message is for the model and the person.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Ran:
    """How a program ended that a tool started. `code` is negative for a signal; output is cut in its middle."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    truncated: bool = False
    timed_out: bool = False


Run = Callable[[Sequence[str], Mapping[str, str], float], Ran]
"""Words, variables beside PATH and HOME, seconds → how it ended. Starts at the root of the tree; a program that is not
there ends with 127. Inside the jail nothing that it started outlives it."""


@dataclass(frozen=True)
class Workspace:
    """The job's tree as the tool sees it. The kernel is what keeps a tool inside; this only resolves names."""

    root: Path
    params: Mapping[str, Any] = field(default_factory=dict)
    """The task's parameters and the repository's conventions (such as the tags in use)."""
    run: Run | None = None
    """Runs a program: the host inside the jail gives it, and outside of a jail no tool runs one."""


@dataclass(frozen=True)
class Tool:
    name: str
    summary: str
    """One line, for the schema card in the prompt."""
    input: Mapping[str, Any]
    """JSON Schema of the arguments."""
    run: Callable[[Workspace, dict[str, Any]], dict[str, Any]]
    """Valid arguments in, a JSON-serialisable result out; raises ToolError. Calling it twice gives the same tree."""
    writes: bool = False
    example: Mapping[str, Any] = field(default_factory=dict)
    """Example arguments, for the schema card."""
