"""A task: one TOML file in `.pantheon/queue/`; its id is the file's stem."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pantheon_git.spec.base import Name, Spec, TaskId


class Limits(Spec):
    """What one job may use. Absent values come from the policy, and never exceed it."""

    steps: int | None = Field(None, ge=1, le=1000)
    """Turns of the agent loop."""
    tool_calls: int | None = Field(None, ge=0, le=1000)
    failures: int | None = Field(None, ge=0, le=100)
    """Rejected or failed tool calls before the agent stops."""
    wall_seconds: float | None = Field(None, gt=0)
    tokens: int | None = Field(None, ge=1)
    """Tokens written by the model in the whole job."""
    diff_lines: int | None = Field(None, ge=1)
    """Lines added plus lines removed."""


class Scope(Spec):
    paths: tuple[str, ...] = Field(min_length=1)
    """Globs relative to the root of the repository; the only paths that the job may change."""


class Acceptance(Spec):
    text: str = Field(min_length=1)
    """What must hold, in words; echoed in the prompt."""
    check: str | None = None
    """A command, run inside the jail by `check.acceptance`; exit code 0 means that it holds."""


class Goal(Spec):
    summary: str = Field(min_length=1)
    acceptance: tuple[Acceptance, ...] = ()


class Task(Spec):
    """What a person asked for."""

    schema_: Literal[1] = Field(1, alias="schema")
    flow: Name | None = None
    """Absent: the router picks one of this repository's flows, by `agent` or by the kind of file."""
    agent: Name | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    """Handed to the agent; its contract says which are allowed."""
    scope: Scope
    goal: Goal
    priority: int = 0
    """Higher runs earlier."""
    tier: int = Field(1, ge=1, le=9)
    """Difficulty in the curriculum."""
    needs: tuple[TaskId, ...] = ()
    """Tasks that must be merged first."""
    limits: Limits = Limits()
