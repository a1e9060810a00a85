"""What a night is asked to do, what a benchmark may put in its place, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pantheon_git.engines.protocol import Engine
from pantheon_git.errors import PantheonError
from pantheon_git.jail.collect import collect
from pantheon_git.jail.open import open_jail
from pantheon_git.jail.protocol import Level
from pantheon_git.ledger.records import JobResult
from pantheon_git.night.checks import CHECKS
from pantheon_git.night.dispatch import PutOff
from pantheon_git.night.guard_facts import Facts
from pantheon_git.night.order import Planned
from pantheon_git.night.plan import Broken, Plan
from pantheon_git.night.room import Check
from pantheon_git.night.workspace import Collect, OpenJail


@dataclass(frozen=True)
class NightOptions:
    jobs: int = 8
    """Jobs in flight at once."""
    only: tuple[str, ...] = ()
    """Ids of the tasks to run; empty: all."""
    limit: int | None = None
    """At most so many jobs."""
    until: float | None = None
    """Seconds since the epoch (`deadline.parse_until`)."""
    engine: str = "auto"
    """Engine for all agents, in place of the one that each names; `control`: the first candidate answers everywhere."""
    model_path: Path | None = None
    jail: Level | str = "auto"
    target: str | None = None
    guard: Facts | None = None
    """What `run` found of the guard around it. None: called in a process of its own making, by a benchmark or a test;
    the night then records that it had none, and is no night of `run`."""


@dataclass(frozen=True)
class Wiring:
    """What a benchmark replaces. `pantheon-git run` has no way to reach this: its jobs have a jail."""

    open_jail: OpenJail = open_jail
    collect: Collect = collect
    checks: dict[str, Check] = field(default_factory=lambda: dict(CHECKS))
    engine: Callable[[Engine], Engine] = lambda engine: engine
    """Put around each engine that is opened."""


@dataclass(frozen=True)
class NightResult:
    night: str | None
    """None: nothing was to be run, and nothing was recorded."""
    plan: Plan
    jobs: Sequence[JobResult] = ()
    put_off: Sequence[PutOff] = ()
    broken: Sequence[Broken] = ()
    interrupted: bool = False
    trouble: str = ""
    """Why the night was given up before its end."""
    seconds: float = 0.0
    clock_jump: float = 0.0
    """Seconds by which the clock was set ahead meanwhile (negative: back)."""
    cpu_seconds: float = 0.0
    """Of the runner, its engine and its jails, user and system."""

    @property
    def endings(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for job in self.jobs:
            found[job.ending] = found.get(job.ending, 0) + 1
        return found

    @property
    def closing(self) -> dict[str, Any]:
        """JSON for the night's closing statement."""
        return {
            "endings": self.endings,
            "put_off": {entry.id: entry.why for entry in self.put_off},
            "broken": {broken.path: list(broken.faults) for broken in self.broken},
            "interrupted": self.interrupted,
            "trouble": self.trouble,
            "clock_jump": round(self.clock_jump),
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
        }

    @property
    def exit_code(self) -> int:
        """130 after a stop; 1 when a file of the queue is broken or the machinery failed; else 0."""
        failed = bool(self.broken or self.trouble or "error" in self.endings)
        return 130 if self.interrupted else int(failed)


def choose(plan: Plan, options: NightOptions) -> tuple[list[Planned], list[PutOff]]:
    """The tasks that this night runs, and those that wait, each with the reason."""
    if unknown := sorted(set(options.only) - {task.id for task in plan.tasks}):
        raise PantheonError(
            f"no such task in the queue at {plan.base[:12]}: {', '.join(unknown)}",
            "pantheon-git run --dry-run lists the queue; a task file must be committed to run",
        )
    wanted = [task for task in plan.tasks if not options.only or task.id in options.only]
    put_off = [
        PutOff(task.id, task.why.removeprefix("no: "))
        for task in wanted
        if not task.runs and (task.state == "queued" or options.only)
    ]
    tasks = [task for task in wanted if task.runs]
    if options.limit is not None:
        put_off += [
            PutOff(task.id, f"not reached: the limit of {options.limit} jobs") for task in tasks[options.limit :]
        ]
        tasks = tasks[: options.limit]
    return tasks, put_off
