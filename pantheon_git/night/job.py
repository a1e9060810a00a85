"""One job: one jail on the base checkout, the flow's nodes as early as their needs allow, each signed as it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from pantheon_git.clock import Moment
from pantheon_git.errors import JailError
from pantheon_git.jail.protocol import JailSpec
from pantheon_git.ledger.records import JobContext, JobResult, NodeResult
from pantheon_git.night.events import NodeEnded, Tokens
from pantheon_git.night.nodes import attempt, kind_of
from pantheon_git.night.order import Planned
from pantheon_git.night.outcome import conclude
from pantheon_git.night.room import Answer, JobState, Services, caps, effective_limits
from pantheon_git.night.scheduler import Decision, Status, decide, finished, may_retry, status_of
from pantheon_git.night.votes import excused
from pantheon_git.night.workspace import Workspace
from pantheon_git.spec.steps import Step, expand


async def run_job(services: Services, planned: Planned, context: JobContext) -> JobResult:
    """Run the job to its end. A cancelled job leaves nothing behind; its task stays queued."""
    limits = effective_limits(services.plan, planned)
    spec = JailSpec(
        services.checkout,
        services.state / "jobs" / f"{services.night}-{planned.job}",
        shares=services.shares,
        caps=caps(services.plan, limits),
        params={**services.told(planned), **planned.task.params},
    )
    workspace = Workspace(
        spec,
        services.level,
        services.open_jail,
        services.collect,
        services.objects,
        services.plan.base_tree,
        planned.path,
    )
    job = JobState(services, planned, context, expand(planned.flow.flow), limits, workspace)
    ended: dict[str, Status] = {}
    if planned.routing is not None:
        predicate = {**planned.routing.predicate, "tree": services.plan.base_tree}
        job.signed.append(services.signer.sign_node(context, replace(planned.routing, predicate=predicate), None))
    try:
        async with workspace:
            await _within_wall_clock(job, ended)
    except JailError as error:
        return conclude(job, ended, f"the jail did not start: {error.message}")
    result = conclude(job, ended)
    services.offer(job, result.ending == "pr")
    return result


async def _within_wall_clock(job: JobState, ended: dict[str, Status]) -> None:
    running: dict[asyncio.Task[Answer], tuple[Step, Moment]] = {}
    try:
        async with asyncio.timeout(job.limits.wall_seconds):
            await _run_steps(job, ended, running)
    except TimeoutError:
        reason = f"the job's wall clock of {job.limits.wall_seconds:g} s ran out"
        for step, started in running.values():
            _record(job, ended, step, Answer("error", reason), started, 1)
        for step in job.steps:
            if step.name not in ended:
                _record(job, ended, step, Answer("skip", reason), Moment.here(), 1)
    finally:
        await job.workspace.close()


async def _run_steps(
    job: JobState, ended: dict[str, Status], running: dict[asyncio.Task[Answer], tuple[Step, Moment]]
) -> None:
    try:
        while not finished(job.steps, ended):
            names = {step.name for step, _ in running.values()}
            while decisions := decide(job.steps, ended, names):
                for decision in decisions:
                    names |= _begin(job, ended, running, decision)
            if not running:
                continue
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                step, started = running.pop(task)
                answer = task.result()
                _record(job, ended, step, answer, started, int(answer.predicate.get("attempts", 1)))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _begin(
    job: JobState,
    ended: dict[str, Status],
    running: dict[asyncio.Task[Answer], tuple[Step, Moment]],
    decision: Decision,
) -> set[str]:
    step = decision.step
    if decision.run:
        running[asyncio.create_task(_attempts(job, step))] = (step, Moment.here())
        return {step.name}
    _record(job, ended, step, Answer("skip", decision.reason), Moment.here(), 1)
    return set()


async def _attempts(job: JobState, step: Step) -> Answer:
    """The node's last attempt; what became of the earlier ones is in its predicate."""
    earlier: list[dict[str, Any]] = []
    while True:
        answer = await attempt(job, step)
        history = [*(past["verdict"] for past in earlier), answer.verdict]
        if not (answer.retry and may_retry(step.spec.retries, history) and await _ready_again(job, step)):
            more = {"earlier": earlier, "attempts": len(history)} if earlier else {}
            return replace(answer, predicate={**answer.predicate, **more})
        earlier.append({"verdict": answer.verdict, "reason": answer.reason})


async def _ready_again(job: JobState, step: Step) -> bool:
    """Whether the node can start from the state in which it first started.

    An agent's half-done writes go with its jail; that is possible as long as no other agent has written before it.
    """
    if kind_of(job, step) == "review":
        return True
    if kind_of(job, step) == "check":
        return job.workspace.alive
    if any(node.result.kind == "agent" for node in job.signed):
        return False
    try:
        await job.workspace.restart()
    except JailError:
        return False
    return True


def _record(
    job: JobState, ended: dict[str, Status], step: Step, answer: Answer, started: Moment, attempts: int
) -> None:
    """Sign the node at once: what is signed survives whatever happens to the rest."""
    result = NodeResult(
        index=step.index,
        name=step.name,
        uses=step.spec.uses,
        kind=kind_of(job, step),
        verdict=answer.verdict,
        reason=answer.reason,
        started=started.epoch,
        seconds=started.seconds,
        attempt=attempts,
        files=answer.files,
        predicate={**answer.predicate, "tree": job.workspace.snapshot.pr_tree},
    )
    previous = job.signed[-1].statement_sha256 if job.signed else None
    job.signed.append(job.services.signer.sign_node(job.context, result, previous))
    ended[step.name] = "success" if excused(job, result) else status_of(answer.verdict, step, answer.idle)
    emit = job.services.emit
    emit(NodeEnded(job.context.job, step.name, answer.verdict, answer.reason, result.seconds))
    tokens = answer.predicate.get("tokens")
    if isinstance(tokens, dict):
        job.tokens_out += int(tokens.get("out", 0))
        emit(Tokens(int(tokens.get("in", 0)), int(tokens.get("out", 0))))
