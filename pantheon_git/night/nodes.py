"""One attempt at one node: an agent in the jail, a reviewer over the change, or a built-in check."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from pantheon_git.agent import loop, reviewer
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.outcome import Outcome
from pantheon_git.agent.view import ChangeView, TaskView
from pantheon_git.errors import PantheonError
from pantheon_git.night.patch import render
from pantheon_git.night.room import Answer, JobState
from pantheon_git.spec.steps import Step

Kind = Literal["agent", "review", "check"]
_GRACE = 5.0
"""Seconds beyond its timeout in which a node may still end by itself."""


def kind_of(job: JobState, step: Step) -> Kind:
    loaded = _agent(job, step)
    if loaded is None:
        return "check"
    return "review" if loaded.agent.kind == "reviewer" else "agent"


async def attempt(job: JobState, step: Step) -> Answer:
    """Run the node once. Agents and commands keep the node's timeout themselves; what overruns it takes the job's jail
    with it, since it may still be at work in there. Expected errors become `error`; defects of ours are raised."""
    try:
        async with asyncio.timeout(step.spec.timeout + _GRACE):
            return await _run(job, step)
    except TimeoutError:
        if kind_of(job, step) != "review":
            await job.workspace.close()
        return Answer("error", f"ran out of its {step.spec.timeout:g} s", retry=False)
    except PantheonError as error:
        return Answer("error", f"{type(error).__name__}: {error.message}")


async def _run(job: JobState, step: Step) -> Answer:
    loaded = _agent(job, step)
    if loaded is not None:
        return await (_review if loaded.agent.kind == "reviewer" else _work)(job, step, loaded)
    check = job.services.checks.get(step.spec.uses)
    if check is None:
        return Answer("error", f"there is no agent or check {step.spec.uses!r}", retry=False)
    return await check(job, step)


def _agent(job: JobState, step: Step) -> LoadedAgent | None:
    return None if step.spec.uses in job.services.checks else job.services.plan.agents.get(step.spec.uses)


async def _work(job: JobState, step: Step, loaded: LoadedAgent) -> Answer:
    """A specialist: its tools run in the jail; afterwards the change is read once, and that is what all see."""
    view = TaskView(
        job=job.context.job,
        node=step.name,
        paths=tuple(sorted(job.planned.files)),
        params=_params(job, step),
        goals=_goals(job),
        limits=_limits(job),
    )
    engine = job.services.engine(loaded.agent.name)
    outcome = await loop.run(loaded, view, job.workspace.jail, engine, timeout=step.spec.timeout)
    snapshot = job.workspace.take_snapshot()
    answer = _answer(outcome, {"diff.patch": snapshot.patch})
    if snapshot.refused:
        first = "" if answer.verdict == "pass" else f"{answer.reason}; "
        return Answer("refused", first + "; ".join(snapshot.refused), answer.files, answer.predicate, retry=False)
    return answer


async def _review(job: JobState, step: Step, loaded: LoadedAgent) -> Answer:
    """A reviewer reads the change and nothing else; it has no jail and no tools."""
    snapshot = job.workspace.snapshot
    if not snapshot.changed:
        return Answer("skip", "nothing changed, so there is nothing to review")
    changes = tuple(
        ChangeView(
            job=job.context.job,
            node=step.name,
            path=edit.path.decode("utf-8", "surrogateescape"),
            before=edit.old.data if edit.old else None,
            after=edit.new.data if edit.new else None,
            patch=render([edit]),
            params=_params(job, step),
            goals=_goals(job),
            scope=job.planned.task.scope.paths,
        )
        for edit in snapshot.edits
    )
    outcome = await reviewer.review(loaded, changes, job.services.engine(loaded.agent.name))
    return _answer(outcome, {})


def _answer(outcome: Outcome, more: dict[str, bytes]) -> Answer:
    seconds = {part: float(outcome.metrics.get(f"seconds_{part}", 0)) for part in ("prefill", "decode")}
    return Answer(
        outcome.verdict,
        outcome.reason,
        {**outcome.files, **{name: data for name, data in more.items() if data}},
        {**outcome.predicate(), "engine_seconds": seconds},
        retry=outcome.transient or outcome.verdict == "fail",
    )


def _params(job: JobState, step: Step) -> dict[str, Any]:
    return {**job.services.conventions, **job.planned.task.params, **step.values}


def _goals(job: JobState) -> tuple[str, ...]:
    goal = job.planned.task.goal
    return (goal.summary, *(criterion.text for criterion in goal.acceptance))


def _limits(job: JobState) -> Any:
    """The job's limits less what it has used: tokens are counted over the whole job."""
    left = (job.limits.tokens or 1) - job.tokens_out
    return job.limits.model_copy(update={"tokens": max(1, left)})
