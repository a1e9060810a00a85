"""The order of a night's tasks, and what holds one back: needs that are not merged, and files that another one has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pantheon_git.spec.flow import Flow
from pantheon_git.spec.task import Task

if TYPE_CHECKING:  # the pre-commit hook loads this module and has 300 ms
    from pantheon_git.ledger.read import TaskState
    from pantheon_git.ledger.records import NodeResult


@dataclass(frozen=True)
class LoadedFlow:
    name: str
    flow: Flow
    oid: str
    """Oid of the file's blob (also of a stock flow's, which need not be in the repository)."""
    stock: bool


@dataclass(frozen=True)
class Planned:
    """One task of the queue and what would become of it."""

    id: str
    path: str
    revision: str
    task: Task
    flow: LoadedFlow
    route: str
    """Why this flow."""
    attempt: int
    state: str
    runs: bool
    why: str
    """Would it run now? Yes or no, and why."""
    files: frozenset[str]
    """Files of the base tree in its scope, and the paths that the scope names literally."""
    after: tuple[str, ...] = ()
    """Tasks of this night on the same files that come first: it runs only when none of them becomes a PR."""
    candidates: tuple[LoadedFlow, ...] = ()
    """Not decided yet: the flows among which the router's model is to choose (`flow` is the first of them)."""
    routing: NodeResult | None = None
    """What the router decided for a task that names neither flow nor agent; signed as the job's first node."""

    @property
    def flows(self) -> tuple[LoadedFlow, ...]:
        """The flow, or those among which the router is to choose."""
        return self.candidates or (self.flow,)

    @property
    def job(self) -> str:
        return f"{self.id}.{self.attempt}"


def in_order(tasks: Sequence[Planned]) -> list[Planned]:
    """Priority, tier, then tasks of one flow and agent together; a task never before one that it needs."""

    def key(planned: Planned) -> tuple[object, ...]:
        return (-planned.task.priority, planned.task.tier, planned.flow.name, planned.task.agent or "", planned.id)

    by_id = {planned.id: planned for planned in tasks}
    ordered: dict[str, Planned] = {}
    for planned in sorted(tasks, key=key):
        _visit(planned, by_id, ordered, set())
    return list(ordered.values())


def _visit(planned: Planned, by_id: Mapping[str, Planned], ordered: dict[str, Planned], open_: set[str]) -> None:
    if planned.id in ordered or planned.id in open_:
        return
    open_.add(planned.id)
    for need in sorted(set(planned.task.needs) & by_id.keys()):
        _visit(by_id[need], by_id, ordered, open_)
    ordered.setdefault(planned.id, planned)


def hold_back_needs(tasks: Sequence[Planned], states: Mapping[str, TaskState]) -> list[Planned]:
    """Tasks whose needs are not merged wait, and say for what."""
    known = {planned.id for planned in tasks}
    found = []
    for planned in tasks:
        waits = [_wait(need, states, known) for need in planned.task.needs if not _merged(need, states)]
        if planned.runs and waits:
            planned = replace(planned, runs=False, why="no: waits for " + ", ".join(waits))
        found.append(planned)
    return found


def _merged(need: str, states: Mapping[str, TaskState]) -> bool:
    return need in states and states[need].state in ("merged", "unchanged")


def _wait(need: str, states: Mapping[str, TaskState], known: Collection[str]) -> str:
    if need in states:
        return f"{need} ({states[need].state})"
    return f"{need} ({'queued' if need in known else 'no such task'})"


def hold_back_collisions(tasks: Sequence[Planned]) -> list[Planned]:
    """Two tasks on one file: behind an open PR the later one waits; behind one of tonight it waits for its end."""
    open_prs = {path: planned for planned in tasks if planned.state == "pr" for path in planned.files}
    first: dict[str, str] = {}
    found = []
    for planned in tasks:
        pr = next((open_prs[path] for path in sorted(planned.files & open_prs.keys())), None)
        if planned.runs and pr is not None:
            planned = replace(planned, runs=False, why=f"no: waits for the open PR {pr.job} on the same files")
        elif planned.runs:
            after = tuple(dict.fromkeys(first[path] for path in sorted(planned.files & first.keys())))
            for path in planned.files:
                first.setdefault(path, planned.id)
            if after:
                why = f"yes: unless {_either(after)} becomes a PR first (the same files)"
                planned = replace(planned, after=after, why=why)
        found.append(planned)
    return found


def _either(ids: Collection[str]) -> str:
    return " or ".join(list(ids)[:3]) + (f" or {len(ids) - 3} more" if len(ids) > 3 else "")
