"""One attempt at one node: an agent in the jail, a reviewer over the change, or a built-in check."""

from __future__ import annotations

import asyncio
from typing import Literal

from pantheon_git.agent.load import LoadedAgent
from pantheon_git.errors import PantheonError
from pantheon_git.night.candidates import best_of
from pantheon_git.night.room import Answer, JobState
from pantheon_git.night.work import review, work
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
    if loaded is not None and loaded.agent.kind == "reviewer":
        return await review(job, step, loaded)
    if loaded is not None:
        return await (best_of if step.spec.best_of > 1 else work)(job, step, loaded)
    check = job.services.checks.get(step.spec.uses)
    if check is None:
        return Answer("error", f"there is no agent or check {step.spec.uses!r}", retry=False)
    return await check(job, step)


def _agent(job: JobState, step: Step) -> LoadedAgent | None:
    return None if step.spec.uses in job.services.checks else job.services.plan.agents.get(step.spec.uses)
