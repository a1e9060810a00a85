"""What the parts of a job share: the night's services, the state of one job, and what a node answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pantheon_git.clock import Moment
from pantheon_git.engines.protocol import Engine
from pantheon_git.gate.tally import UNKNOWN, Tally
from pantheon_git.jail.protocol import Caps, Level, Share
from pantheon_git.ledger.records import JobContext, NodeResult, SignedNode, Verdict
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.night.conventions import Conventions, writes
from pantheon_git.night.events import Event
from pantheon_git.night.order import Planned
from pantheon_git.night.plan import Plan
from pantheon_git.night.workspace import Collect, OpenJail, Workspace
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.policy import Policy
from pantheon_git.spec.steps import Step
from pantheon_git.spec.task import Limits


@dataclass(frozen=True)
class Answer:
    """What one attempt at a node came to."""

    verdict: Verdict
    reason: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    predicate: Mapping[str, Any] = field(default_factory=dict)
    retry: bool = True
    """False: another attempt would come to the same."""
    idle: bool = False
    """A `skip` because nothing was asked of the node: those that need it go on as after a success."""


class Signer(Protocol):
    """The part of the ledger that a job uses."""

    def sign_node(self, context: JobContext, result: NodeResult, previous: str | None) -> SignedNode: ...


@dataclass(frozen=True)
class Services:
    """What all jobs of a night use together."""

    night: str
    plan: Plan
    git: Git
    objects: Objects
    signer: Signer
    keys: TrustedKeys
    """Whose signatures count: for the gate."""
    engine: Callable[[str], Engine]
    """Agent's name → the engine that serves it; opened before the first job."""
    checkout: Path
    """The immutable checkout of the base commit."""
    state: Path
    level: Level | str
    open_jail: OpenJail
    collect: Collect
    checks: Mapping[str, Check]
    conventions: Conventions = field(default_factory=Conventions)
    """What the repository does already, for the tools (such as the tags in use); a task's own params come first."""
    shares: Sequence[Share] = ()
    emit: Callable[[Event], None] = lambda event: None
    baselines: dict[Any, Any] = field(default_factory=dict)
    """What the base's own tests came to, by command; `check_tests.py` fills it, once a night for each command."""
    tally: Tally = UNKNOWN
    """What was known of the reviewers when the night began."""
    planted: frozenset[str] = frozenset()
    """Trees that earlier nights planted as bad."""
    offer: Callable[[JobState, bool], None] = lambda job, accepted: None
    """Takes each job that has ended, and whether it was accepted: for the plants (`planting.Planter`)."""

    def told(self, planned: Planned) -> dict[str, Any]:
        """The parameters that a job of this task gets beside its own."""
        return self.conventions.of(planned.files) if writes(self.plan, planned) else {}


@dataclass
class JobState:
    """One job while it runs. Only `job.py` changes it."""

    services: Services
    planned: Planned
    context: JobContext
    steps: Sequence[Step]
    limits: Limits
    """The task's limits under the policy's ceilings; no field is None."""
    workspace: Workspace
    signed: list[SignedNode] = field(default_factory=list)
    began: Moment = field(default_factory=Moment.here)
    tokens_out: int = 0

    def result(self, step: str) -> SignedNode | None:
        return next((node for node in self.signed if node.result.name == step), None)

    @property
    def uses(self) -> dict[str, str]:
        return {step.name: step.spec.uses for step in self.steps}


Check = Callable[[JobState, Step], Awaitable[Answer]]


def effective_limits(plan: Plan, planned: Planned) -> Limits:
    """The task's own limits, never above the policy's ceilings."""
    ceilings = plan.policy.ceilings.model_dump()
    asked = planned.task.limits.model_dump()
    return Limits.model_validate(
        {name: min(top, asked[name]) if asked.get(name) is not None else top for name, top in ceilings.items()}
    )


def caps(plan: Plan, limits: Limits) -> Caps:
    """The limits of a job's jail, from the policy and the task."""
    return caps_of(plan.policy, limits.wall_seconds or plan.policy.ceilings.wall_seconds)


def caps_of(policy: Policy, wall_seconds: float) -> Caps:
    """The jail's limits, from the policy. The job keeps its wall clock itself; the jail's own stands behind it."""
    jail = policy.jail
    return Caps(
        wall_seconds=wall_seconds + 30,
        memory_mb=jail.memory_mb,
        processes=jail.processes,
        file_mb=jail.file_mb,
        output_kb=jail.output_kb,
        open_files=jail.open_files,
    )
