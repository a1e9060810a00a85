"""What a freeze would hold: the queued tasks of a commit that have no fault, and why the others stay outside."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pantheon_git.day.check import check
from pantheon_git.day.snapshot import of_commit
from pantheon_git.errors import PantheonError
from pantheon_git.ledger.redact import Redactor
from pantheon_git.night.frozen import digests
from pantheon_git.night.order import Planned
from pantheon_git.night.plan import Plan, make_plan
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.frozen import FrozenJob, FrozenQueue

QUEUE = ".pantheon/queue/"
_MARKS = {"??": "is not tracked", " D": "is deleted here, and not in the commit"}


@dataclass(frozen=True)
class Draft:
    """A frozen queue before it is signed."""

    queue: FrozenQueue
    planned: dict[str, Planned]
    """Job → what the plan says of it."""
    left: dict[str, str] = field(default_factory=dict)
    """Task → why it is not frozen."""
    faults: list[str] = field(default_factory=list)
    """All that `check` finds in the commit."""
    uncommitted: list[str] = field(default_factory=list)
    """What of the work tree is not in the commit, each with how: it would not run."""


def draft(git: Git, objects: Objects, target: str, name: str, only: Collection[str] = ()) -> Draft:
    """The queue of the target's tip as a frozen one called `name`. `only`: ids of the tasks wanted; empty: all.
    PantheonError for an id that the commit does not hold."""
    plan = make_plan(git, objects, target, thaw=True)
    if unknown := sorted(set(only) - {task.id for task in plan.tasks}):
        raise PantheonError(
            f"no such task in the queue at {plan.base[:12]}: {', '.join(unknown)}", "pantheon-git run --dry-run"
        )
    faults = check(of_commit(git, plan.base)).faults
    left, wanted = {}, []
    for task in plan.tasks:
        own = [fault for fault in faults if fault.startswith(f"{task.path}:")]
        if only and task.id not in only:
            left[task.id] = "not asked for"
        elif task.state != "queued":
            left[task.id] = task.why.removeprefix("no: ")
        elif own:
            left[task.id] = own[0]
        else:
            wanted.append(task)
    jobs = tuple(_job(plan, task) for task in sorted(wanted, key=lambda task: task.id))
    queue = FrozenQueue(name, target, plan.base, plan.policy_oid, jobs)
    return Draft(queue, {task.job: task for task in wanted}, left, faults, list(_uncommitted(git)))


def _job(plan: Plan, task: Planned) -> FrozenJob:
    content, _ = Redactor().values(task.task.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    flows = {flow.name: flow.oid for flow in task.flows}
    return FrozenJob(task.job, task.revision, flows, digests(task.flows, plan.agents), content)


def _uncommitted(git: Git) -> Iterator[str]:
    """Of the work tree that one stands in; none in a bare repository."""
    if git.work_tree is None:
        return
    args = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--", ".pantheon", "agents")
    for line in git.run("-C", str(git.work_tree), *args).out.split(b"\0"):
        if line:
            mark, path = line[:2].decode("ascii", "replace"), os.fsdecode(line[3:])
            yield f"{path}: {_MARKS.get(mark, 'was changed')}, so it would not run: commit it first"
