"""The steps of a flow: matrix nodes copied, in topological order. What the night runs and what the gate expects."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.spec.flow import Flow, Node


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


def ancestors(step: Step, by_name: Mapping[str, Step]) -> set[str]:
    found: set[str] = set()
    todo = list(step.needs)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += by_name[name].needs
    return found


def rivals(step: Step, steps: Iterable[Step], specialists: Collection[str]) -> list[str]:
    """Steps of other specialists that may write before `step` has ended: those that do not wait for it."""
    by_name = {one.name: one for one in steps}
    others = [one for one in by_name.values() if one.spec.uses in specialists and one.name != step.name]
    return [one.name for one in others if step.name not in ancestors(one, by_name)]
