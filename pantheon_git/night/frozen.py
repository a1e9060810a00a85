"""Which frozen queue a night runs, and what it holds back: what was not frozen does not run.

The latest queue that was frozen for the target decides, and no older one comes back. In doubt nothing runs: a queue
that is not what was signed, that is missed, or whose commit the target does not hold, stops the night.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pantheon_git.agent.load import LoadedAgent
from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import anchor, frozen, read
from pantheon_git.ledger.frozen import Frozen
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.layout import FROZEN
from pantheon_git.night.order import LoadedFlow, Planned
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs
from pantheon_git.spec.frozen import FrozenJob

AGAIN = "pantheon-git freeze"
Rule = Literal["if-present", "required", "off"]


@dataclass(frozen=True)
class Tonight:
    """What a night goes by."""

    frozen: Frozen | None = None
    """None: the queue as committed."""
    said: str = ""
    """Why, in a line for the person."""


def tonight(git: Git, objects: Objects, target: str, base: str, rule: Rule, policy: str | None) -> Tonight:
    """The frozen queue that a night for `target` at the commit `base` runs. `rule`: that commit's policy has it; its
    blob is `policy`. A policy that was turned `off` after a queue was frozen does not set the night free: only a person
    does, by the next freeze or by --drop. PantheonError where the policy requires a frozen queue and there is none, or
    where the latest may not be relied on."""
    refs, branch = read_refs(git, FROZEN), target.removeprefix("refs/heads/")
    whole = f"the queue is what {branch} holds at {base[:12]}"
    _nothing_missed(git, refs)
    found = _latest(git, objects, refs, target)
    if rule == "off" and (found is None or found.dropped or found.queue.policy == policy):
        return Tonight(None, f"{whole}; the policy takes no notice of frozen queues" if refs else "")
    if found is None or found.dropped:
        if rule == "required":
            why = f"the latest, {found.name}, was withdrawn by {found.dropped}" if found else "there is none"
            raise PantheonError(f"the policy asks for a frozen queue for {branch}, and {why}", AGAIN)
        return Tonight(None, f"no frozen queue: {whole}")
    if not anchor.is_ancestor(git, found.queue.commit, base):
        raise PantheonError(
            f"the frozen queue {found.name} is that of {found.queue.commit[:12]}, which {branch} at {base[:12]} does "
            "not hold: its history was rewritten since",
            f"{AGAIN}, or pantheon-git freeze --drop",
        )
    if rule != "required" and _is_done(git, objects, found):
        return Tonight(None, f"the frozen queue {found.name} is done: {whole}")
    return Tonight(found, describe(found))


def describe(found: Frozen) -> str:
    """One line about a frozen queue."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.when))
    count = len(found.queue.jobs)
    jobs = f"{count} job{'s' * (count != 1)} at {found.queue.commit[:12]}"
    return f"frozen queue {found.name}: {jobs}, {found.who}, {when}"


def _nothing_missed(git: Git, refs: Mapping[str, str]) -> None:
    """TamperedError where a frozen queue that was seen here is gone or stands further back: an older one would run."""
    marks = anchor.marks_file(git)
    for ref, mark in sorted(anchor.read_marks(marks).items()):
        if ref.startswith(FROZEN) and (verdict := anchor.moved_back(git, ref, mark, refs.get(ref))) is not None:
            raise TamperedError(str(verdict), f"pantheon-git verify; only if it was you: rm '{marks}'")


def _latest(git: Git, objects: Objects, refs: Mapping[str, str], target: str) -> Frozen | None:
    """The latest for the target, verified, as all later ones for other branches are."""
    keys = trusted(git, objects).keys if refs else None
    return next((found for found in frozen.all_frozen(git, objects, keys) if found.queue.target == target), None)


def _is_done(git: Git, objects: Objects, found: Frozen) -> bool:
    """Whether every job of it has ended."""
    ended = {job for night in read.nights(git, objects) for jobs in night.endings.values() for job in jobs}
    return all(job.job in ended for job in found.queue.jobs)


def hold_back_unfrozen(
    tasks: Sequence[Planned], found: Frozen, policy: str | None, agents: Mapping[str, LoadedAgent]
) -> list[Planned]:
    """Tasks that would run and are not in the frozen queue just so wait, and say why. `policy`: oid of tonight's."""
    by_task = {job.id: job for job in found.queue.jobs}
    named = f"the queue {found.name} was frozen"
    held = []
    for task in tasks:
        why = _why_not(task, by_task.get(task.id), agents) if task.runs else ""
        if task.runs and not why and policy != found.queue.policy:
            why = "the policy was changed"
        missing = f"no: not in the frozen queue {found.name}; {AGAIN}"
        told = missing if why == _MISSING else f"no: {why} since {named}; {AGAIN}"
        held.append(replace(task, runs=False, why=told) if why else task)
    return held


_MISSING = "missing"


def _why_not(task: Planned, job: FrozenJob | None, agents: Mapping[str, LoadedAgent]) -> str:
    if job is None:
        return _MISSING
    if task.revision != job.revision:
        return "it was edited"
    if task.job != job.job:
        return f"attempt {task.attempt} was asked for"
    flows = {flow.name: flow.oid for flow in task.flows}
    if flows != job.flows:
        return f"its flow ({', '.join(flows)}) was changed"
    used = digests(task.flows, agents)
    changed = [name for name in sorted(used.keys() | job.agents.keys()) if used.get(name) != job.agents.get(name)]
    return f"the agent {changed[0]} was changed" if changed else ""


def digests(flows: Sequence[LoadedFlow], agents: Mapping[str, LoadedAgent]) -> dict[str, str]:
    """Digest of every agent that the flows use."""
    uses = {node.uses for flow in flows for node in flow.flow.nodes.values()}
    return {name: agents[name].digest for name in sorted(uses & agents.keys())}
