"""The router's rules, in their order."""

from __future__ import annotations

from typing import Any

import pytest

from pantheon_git.night.router import route
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.task import Task


def flow(*uses: str) -> Flow:
    return Flow.model_validate({"schema": 1, "nodes": {f"n{i}": {"uses": use} for i, use in enumerate(uses)}})


def agent(name: str, kind: str = "specialist") -> Agent:
    data: dict[str, Any] = {"schema": 1, "name": name, "version": "1", "kind": kind, "description": "x",
                            "runtime": {"origin": "local"}, "states": {"start": {"final": True}}}  # fmt: skip
    return Agent.model_validate(data)


AGENTS = {a.name: a for a in (agent("doc.frontmatter"), agent("code.header"), agent("review.peerA", "reviewer"))}
FLOWS = {
    "doc.frontmatter": flow("plan.validate", "doc.frontmatter", "review.peerA", "merge-gate"),
    "headers": flow("code.header", "review.peerA"),
}


def task(**keys: Any) -> Task:
    return Task.model_validate({"schema": 1, "scope": {"paths": ["x"]}, "goal": {"summary": "x"}, **keys})


@pytest.mark.parametrize(
    ("keys", "files", "flow_name", "reason"),
    [
        ({"flow": "headers"}, ["a.md"], "headers", "named by the task"),
        ({"flow": "doc.frontmater"}, ["a.md"], None, "did you mean 'doc.frontmatter'"),
        ({"agent": "doc.frontmatter"}, ["a.py"], "doc.frontmatter", "bears the agent's name"),
        ({"agent": "code.header"}, ["a.py"], "headers", "the only flow that uses the agent code.header"),
        ({"agent": "review.peerA"}, ["a.py"], None, "2 flows use the agent review.peerA"),
        ({"agent": "nobody"}, ["a.py"], None, "no flow uses the agent nobody"),
        ({}, ["docs/a.md", "b.MDX"], "doc.frontmatter", "works on files of the kind doc"),
        ({}, ["src/a.py"], "headers", "kind code"),
        ({}, ["a.py", "a.md"], None, "of no single kind"),
        ({}, ["LICENSE"], None, "of no single kind"),
    ],
)
def test_rules(keys: dict[str, Any], files: list[str], flow_name: str | None, reason: str) -> None:
    """Named flow, then agent, then kind of file; a reason always, and no guess where two would do."""
    found = route(task(**keys), files, FLOWS, AGENTS)
    assert found.flow == flow_name
    assert reason in found.reason
