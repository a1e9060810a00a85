"""A flow: a DAG of nodes in `.pantheon/flows/NAME.toml`, in the words of GitHub Actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from pantheon_git.spec.base import Name, Spec

BUILTIN = frozenset(
    (
        *("agree", "merge-gate", "noop", "plan.validate"),
        *("check.acceptance", "check.ava", "check.command", "check.frontmatter", "check.header"),
        *("check.pytest-stub", "check.rename"),
        *("test.ava", "test.command", "test.pytest"),
    )
)
"""What `uses` may name besides an agent: the names of `night.checks.CHECKS` (a test compares)."""


class Retries(Spec):
    transient: int = Field(1, ge=0, le=5)
    """Attempts after a failure of the machinery: an engine that died, a jail that did not start."""
    permanent: int = Field(0, ge=0, le=5)
    """Attempts after an honest failure of the node's own work."""


class Node(Spec):
    uses: Name
    """An agent (a folder in `agents/`) or a built-in check."""
    needs: tuple[Name, ...] = ()
    if_: Literal["success()", "failure()", "always()"] = Field("success()", alias="if")
    timeout: float = Field(600, gt=0)
    """Seconds."""
    retries: Retries = Retries()
    matrix: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """One copy of the node for each combination; the values arrive in `with`."""
    continue_on_error: bool = Field(False, alias="continue-on-error")
    best_of: int = Field(1, alias="best-of", ge=1, le=8)
    """Candidates of a specialist, each in a jail of its own: the first answers greedily, the others are sampled. The
    flow's checks and reviewers behind the node judge each; the best goes on, all are kept in the artifact. The node
    must be the flow's first specialist, without `matrix` and `retries.permanent` (candidates are the retries)."""
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Parameters of the agent or check."""

    @model_validator(mode="after")
    def _best_of_stands_alone(self) -> Node:
        if self.best_of > 1:
            if self.uses in BUILTIN:
                raise ValueError(f"best-of: {self.uses} is a check; only an agent has candidates")
            if self.matrix:
                raise ValueError("best-of and matrix exclude each other: write a node for each combination")
            if self.retries.permanent:
                raise ValueError("best-of and retries.permanent exclude each other: the candidates are the retries")
        return self


class Flow(Spec):
    schema_: Literal[1] = Field(1, alias="schema")
    description: str = ""
    nodes: dict[Name, Node] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_a_dag(self) -> Flow:
        if "route" in self.nodes:
            raise ValueError("nodes.route: this is the router's own node; give yours another name")
        for name, node in self.nodes.items():
            for need in node.needs:
                if need not in self.nodes:
                    raise ValueError(f"nodes.{name}.needs: there is no node {need!r}")
        if cycle := find_cycle({n: node.needs for n, node in self.nodes.items()}):
            raise ValueError("nodes need each other in a cycle: " + " → ".join(cycle))
        return self


def find_cycle(needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The first cycle as a path that ends where it began, or an empty list. Depth-first, three colours."""
    done: set[str] = set()
    for start in needs:
        path: list[str] = []
        if found := _walk(start, needs, path, done):
            return found
    return []


def _walk(node: str, needs: Mapping[str, tuple[str, ...]], path: list[str], done: set[str]) -> list[str]:
    if node in path:
        return [*path[path.index(node) :], node]
    if node in done:
        return []
    path.append(node)
    for need in needs.get(node, ()):
        if found := _walk(need, needs, path, done):
            return found
    path.pop()
    done.add(node)
    return []
