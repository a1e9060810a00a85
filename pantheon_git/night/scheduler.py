"""The DAG of one job: which nodes may start now. Pure: no clock, no files, no tasks.

Words and rules are those of GitHub Actions, made plain:
* `success()` (the default): every direct need succeeded; else the node is skipped.
* `failure()`: at least one ancestor, however far, failed; else skipped.
* `always()`: as soon as every need has ended, whatever its ending.
* `continue-on-error`: a failure of this node counts as success for those that need it and for the job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pantheon_git.ledger.records import Verdict
from pantheon_git.spec.flow import Retries
from pantheon_git.spec.steps import Step, ancestors

Status = Literal["success", "failure", "skipped"]


@dataclass(frozen=True)
class Decision:
    step: Step
    run: bool
    """False: the step is skipped."""
    reason: str = ""


def status_of(verdict: Verdict, step: Step, idle: bool = False) -> Status:
    """What a verdict means to the steps that need this one. `idle`: it was skipped because nothing was asked of it."""
    if verdict == "skip":
        return "success" if idle else "skipped"
    return "success" if verdict == "pass" or step.spec.continue_on_error else "failure"


def decide(steps: Sequence[Step], ended: Mapping[str, Status], running: Collection[str]) -> list[Decision]:
    """Every step that can be decided now: all its needs have ended, and it neither runs nor has ended.

    A skip may make further steps ready: call again after recording it, until the list is empty.
    """
    by_name = {step.name: step for step in steps}
    found = []
    for step in steps:
        if step.name in ended or step.name in running or not all(need in ended for need in step.needs):
            continue
        found.append(_decide(step, by_name, ended))
    return found


def _decide(step: Step, by_name: Mapping[str, Step], ended: Mapping[str, Status]) -> Decision:
    if step.spec.if_ == "always()":
        return Decision(step, True)
    if step.spec.if_ == "failure()":
        failed = sorted(name for name in ancestors(step, by_name) if ended[name] == "failure")
        return Decision(step, bool(failed), "" if failed else "no node before it failed")
    unmet = [f"{need} {'was skipped' if ended[need] == 'skipped' else 'failed'}"
             for need in step.needs if ended[need] != "success"]  # fmt: skip
    return Decision(step, not unmet, "; ".join(unmet))


def finished(steps: Sequence[Step], ended: Mapping[str, Status]) -> bool:
    return all(step.name in ended for step in steps)


def culprit(steps: Iterable[Step], ended: Mapping[str, Status]) -> Step | None:
    """The first step, in order, whose failure counts; None where the job as a whole succeeded."""
    return next((step for step in steps if ended.get(step.name) == "failure"), None)


def may_retry(retries: Retries, history: Sequence[Verdict]) -> bool:
    """Whether another attempt is due after `history`, the verdicts of the attempts so far, oldest first.

    `error` is transient and `fail` permanent, each with its own budget; a refusal is an answer and is never retried.
    """
    if not history or history[-1] not in ("error", "fail"):
        return False
    budget = retries.transient if history[-1] == "error" else retries.permanent
    return history.count(history[-1]) <= budget
