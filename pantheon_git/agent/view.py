"""What an agent is told: the task for a specialist, the change for a reviewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.spec.task import Limits


@dataclass(frozen=True)
class TaskView:
    """One node's work for a specialist."""

    job: str
    """`ID.N`."""
    node: str
    paths: tuple[str, ...]
    """What the machine runs once for, each relative to the root of the tree: as a rule the files in scope. The empty
    path stands for the task as a whole."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The repository's conventions, then the task's params, then the node's `with`; later ones win."""
    goals: tuple[str, ...] = ()
    """The summary, then the acceptance criteria, word for word."""
    files: tuple[str, ...] = ()
    """The files in scope, whatever the machine runs over."""
    checks: tuple[str, ...] = ()
    """The commands of the acceptance criteria."""
    limits: Limits = field(default_factory=Limits)
    """None in a field: the agent's manifest alone decides."""
    candidate: int = 1
    """Which of the node's candidates (`best-of`) this is: the first answers greedily, each other one is sampled with
    its number as seed."""


@dataclass(frozen=True)
class ChangeView:
    """One changed file, for a reviewer. Nothing in it can be written to."""

    job: str
    node: str
    path: str
    before: bytes | None
    """None: the job added the file."""
    after: bytes | None
    """None: the job deleted it."""
    patch: bytes
    """The job's unified diff."""
    params: Mapping[str, Any] = field(default_factory=dict)
    goals: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    """Globs of the only paths that the job may change."""
