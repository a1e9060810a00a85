"""The DAG of one job: which nodes may start now. Pure: no clock, no files, no tasks.

Words and rules are those of GitHub Actions, made plain:
* `success()` (the default): every direct need succeeded; else the node is skipped.
* `failure()`: at least one ancestor, however far, failed; else skipped.
* `always()`: as soon as every need has ended, whatever its ending.
* `continue-on-error`: a failure of this node counts as success for those that need it and for the job.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pantheon_git.ledger.records import Verdict
from pantheon_git.spec.flow import Flow, Node, Retries

Status = Literal["success", "failure", "skipped"]


@dataclass(frozen=True)
class Step:
    """One copy of one node."""

    index: int
    """Position in the flow's topological order, from 1."""
    name: str
    """The node's name; of a matrix node with `-1`, `-2` … behind it."""
    spec: Node
    needs: tuple[str, ...]
    """Names of steps: a need on a matrix node is a need on every copy."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """`with`, and the matrix's values of this copy."""


def expand(flow: Flow) -> tuple[Step, ...]:
    """The flow's steps in topological order; ties in the order in which the file names them.

    The names of copies avoid those of other nodes, so that a step's name is unique in its job.
    """
    copies: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    taken = set(flow.nodes)
    for name, node in flow.nodes.items():
        copies[name] = [(name, {})] if not node.matrix else _copies(name, node, taken)
    steps: list[Step] = []
    for name in _topological(flow):
        node = flow.nodes[name]
        needs = tuple(copy for need in node.needs for copy, _ in copies[need])
        for copy, values in copies[name]:
            steps.append(Step(len(steps) + 1, copy, node, needs, {**node.with_, **values}))
    return tuple(steps)


def _copies(name: str, node: Node, taken: set[str]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    numbers = itertools.count(1)
    for values in itertools.product(*node.matrix.values()):
        copy = next(c for n in numbers if (c := f"{name}-{n}") not in taken)
        taken.add(copy)
        found.append((copy, dict(zip(node.matrix, values, strict=True))))
    return found


def _topological(flow: Flow) -> list[str]:
    order: list[str] = []
    left = list(flow.nodes)
    while left:
        ready = next(name for name in left if all(need in order for need in flow.nodes[name].needs))
        left.remove(ready)
        order.append(ready)
    return order


@dataclass(frozen=True)
class Decision:
    step: Step
    run: bool
    """False: the step is skipped."""
    reason: str = ""


def status_of(verdict: Verdict, step: Step) -> Status:
    """What a verdict means to the steps that need this one."""
    if verdict == "skip":
        return "skipped"
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


def ancestors(step: Step, by_name: Mapping[str, Step]) -> set[str]:
    found: set[str] = set()
    todo = list(step.needs)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += by_name[name].needs
    return found


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
