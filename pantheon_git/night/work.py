"""What the agents of a flow do in a job: a specialist works in the jail, a reviewer reads the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pantheon_git.agent import loop, reviewer
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.outcome import Outcome
from pantheon_git.agent.view import ChangeView, TaskView
from pantheon_git.night.patch import Edit, render
from pantheon_git.night.room import Answer, JobState
from pantheon_git.spec.steps import Step


async def work(job: JobState, step: Step, loaded: LoadedAgent, candidate: int = 1) -> Answer:
    """A specialist: its tools run in the jail; afterwards the change is read once, and that is what all see.

    `candidate`: its number among those of a node with `best-of`; they share what is left of the job's tokens.
    """
    left, params = (job.limits.tokens or 1) - job.tokens_out, _params(job, step)
    view = TaskView(
        job=job.context.job,
        node=step.name if candidate == 1 else f"{step.name}+{candidate}",
        paths=subjects(loaded.agent.loop.over, job.planned.files, params),
        params=params,
        goals=_goals(job),
        files=tuple(sorted(job.planned.files)),
        checks=tuple(a.check for a in job.planned.task.goal.acceptance if a.check is not None),
        limits=job.limits.model_copy(update={"tokens": max(1, left // step.spec.best_of)}),
        candidate=candidate,
    )
    engine = job.services.engine(loaded.agent.name)
    outcome = await loop.run(loaded, view, job.workspace.jail, engine, timeout=step.spec.timeout)
    snapshot = job.workspace.take_snapshot()
    answer = _answer(outcome, {"diff.patch": snapshot.patch})
    if snapshot.refused:
        first = "" if answer.verdict == "pass" else f"{answer.reason}; "
        return Answer("refused", first + "; ".join(snapshot.refused), answer.files, answer.predicate, retry=False)
    return answer


async def review(job: JobState, step: Step, loaded: LoadedAgent, candidate: int | None = None) -> Answer:
    """A reviewer reads the change and nothing else; it has no jail and no tools. `candidate`: the number of the
    candidate that it judges; None where the job's change is what it judges."""
    snapshot = job.workspace.snapshot
    if not snapshot.changed:
        return Answer("skip", "nothing changed, so there is nothing to review")
    scope = job.planned.task.scope.paths
    return await review_edits(job, step, loaded, snapshot.edits, scope, candidate)


async def review_edits(
    job: JobState,
    step: Step,
    loaded: LoadedAgent,
    edits: Sequence[Edit],
    scope: tuple[str, ...],
    number: int | None = None,
) -> Answer:
    """The one way in which reviewers are asked: of a job's change, of a candidate's, and of a plant. `number` tells
    several questions of one node apart, and no model sees it."""
    changes = tuple(
        ChangeView(
            job=job.context.job,
            node=step.name if number is None else f"{step.name}+{number}",
            path=edit.path.decode("utf-8", "surrogateescape"),
            before=edit.old.data if edit.old else None,
            after=edit.new.data if edit.new else None,
            patch=render([edit]),
            params=_params(job, step),
            goals=_goals(job),
            scope=scope,
        )
        for edit in edits
    )
    outcome = await reviewer.review(loaded, changes, job.services.engine(loaded.agent.name))
    return _answer(outcome, {})


def subjects(over: str, files: Iterable[str], params: Mapping[str, Any]) -> tuple[str, ...]:
    """What the agent's machine runs once for (`loop.over` of its manifest), each once and in order."""
    if over == "task":
        return ("",)
    if over == "scope":
        return tuple(sorted(files))
    named = params.get(over.partition(".")[2], ())
    return tuple(dict.fromkeys([named] if isinstance(named, str) else map(str, named)))


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
    return {**job.services.told(job.planned), **job.planned.task.params, **step.values}


def _goals(job: JobState) -> tuple[str, ...]:
    goal = job.planned.task.goal
    return (goal.summary, *(criterion.text for criterion in goal.acceptance))
