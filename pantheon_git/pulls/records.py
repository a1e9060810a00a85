"""What the functions of this room give back: plain data, JSON-able by `dataclasses.asdict`, every figure from signed
statements or git objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Pull:
    """One PR, as a list shows it."""

    job: str
    """`ID.N`."""
    task: str
    night: str
    title: str
    state: str
    """`open`, `approved`, `merged`, `rejected` or `superseded`."""
    branch: str
    """Short name."""
    tip: str | None
    """Where the branch is now; None: it is gone."""
    commit: str
    """The signed commit that the reviewers and the gate passed."""
    base: str
    target: str
    """Full name of the branch it is for."""
    flow: str
    started: float
    """Seconds since the epoch."""
    seconds: float
    files: int
    added: int
    removed: int
    merge: str | None = None
    """The commit that brought it into the target."""

    @property
    def edited(self) -> bool:
        """Whether somebody moved the branch since the gate passed it."""
        return self.tip is not None and self.tip != self.commit


@dataclass(frozen=True)
class NodeView:
    name: str
    uses: str
    kind: str
    verdict: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class PathView:
    path: str
    added: int | None
    """None: a binary file."""
    removed: int | None
    old_path: str | None = None


@dataclass(frozen=True)
class PullView:
    """One PR in full."""

    pull: Pull
    task_text: str
    """The task file as the job saw it."""
    nodes: list[NodeView]
    authorship: Mapping[str, Any]
    """Who wrote which field: model, tool, fall-back, kept."""
    paths: list[PathView]
    signed: str
    """Key id of the night that signed it; empty when `faults` says why it does not count."""
    faults: list[str]
    """What verification found."""
    findings: list[str]
    """What the gate says on today's target; empty: it would merge now."""
    target_tip: str | None
    behind: int
    """Commits that the target has and the PR's base has not."""
    events: list[Mapping[str, Any]] = field(default_factory=list)
    next: list[str] = field(default_factory=list)
    """Commands to type."""


@dataclass(frozen=True)
class Outcome:
    """What became of one PR that somebody decided about."""

    job: str
    done: bool
    state: str
    message: str
    """One line."""
    hint: str = ""
    """The next command to type, where it was refused."""
    commit: str | None = None
    """The merge commit."""
    branch: Literal["deleted", "kept", "gone"] = "kept"
    updated: list[str] = field(default_factory=list)
    """Work trees that now show the merge."""
    exit_code: int = 0
