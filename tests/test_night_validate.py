"""The rules of `plan.validate`: each fault is a sentence that names field and value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pantheon_git.night.order import LoadedFlow, Planned
from pantheon_git.night.validate import Facts, task_faults
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.policy import Policy
from pantheon_git.spec.task import Task

SCHEMA = {"type": "object", "properties": {"tone": {"enum": ["dry", "warm"]}}, "required": [],
          "additionalProperties": False}  # fmt: skip


def agent(name: str, schema: dict[str, Any]) -> Agent:
    data = {"schema": 1, "name": name, "version": "1", "description": "x", "runtime": {"origin": "local"},
            "states": {"start": {"final": True}}, "contract": {"input": schema}}  # fmt: skip
    return Agent.model_validate(data)


def facts(uses: tuple[str, ...] = ("plan.validate", "writer"), **keys: Any) -> Facts:
    flow = Flow.model_validate({"schema": 1, "nodes": {f"n{i}": {"uses": use} for i, use in enumerate(uses)}})
    data = {"schema": 1, "scope": {"paths": ["docs/*.md"]}, "goal": {"summary": "x"}, **keys}
    task = Task.model_validate(data)
    loaded = LoadedFlow("f", flow, "0" * 40, stock=False)
    planned = Planned("t", "t.toml", "0" * 40, task, loaded, "", 1, "queued", True, "", frozenset({"docs/a.md"}))
    agents = {"writer": agent("writer", SCHEMA), "second": agent("second", {"properties": {"depth": {}}})}
    builtin = frozenset({"plan.validate", "check.acceptance"})
    return Facts(planned, agents, builtin, Policy(), {"docs/a.md": 10}, {})


def with_flow(nodes: dict[str, Any]) -> Facts:
    """The facts of a task whose flow has these nodes."""
    plain = facts()
    loaded = LoadedFlow("f", Flow.model_validate({"schema": 1, "nodes": nodes}), "0" * 40, stock=False)
    judge = agent("judge", {}).model_copy(update={"kind": "reviewer"})
    return replace(plain, planned=replace(plain.planned, flow=loaded), agents={**plain.agents, "judge": judge})


def test_a_well_posed_task_has_no_fault() -> None:
    """Scope, limits, parameters and agents all fit."""
    assert task_faults(facts(params={"tone": "dry"}, limits={"steps": 3})) == []


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"scope": {"paths": ["docs/a.md", "docs/nope.md"]}}, "nothing in the base commit matches 'docs/nope.md'"),
        ({"limits": {"steps": 999}}, "limits.steps: 999 asked, the policy allows 20"),
        ({"limits": {"wall_seconds": 901}}, "limits.wall_seconds: 901.0 asked"),
        ({"params": {"tone": "loud"}}, "params.tone: 'loud' is not one of"),
        ({"params": {"tune": "dry"}}, "'tune' was unexpected"),
        ({"goal": {"summary": "x", "acceptance": [{"text": "t", "check": "true"}]}}, "no node that uses check.accept"),
        ({"goal": {"summary": "x", "acceptance": [{"text": "t", "check": "a 'b"}]}}, "No closing quotation"),
        ({"uses": ("writer", "wrlter")}, "there is no agent or check 'wrlter'"),
        ({"agent": "second"}, "the flow f does not use 'second'"),
        ({"uses": ("writer", "second"), "params": {"speed": 1}}, "params.speed: no agent of the flow knows it"),
    ],
)
def test_each_fault_names_field_and_value(keys: dict[str, Any], fault: str) -> None:
    """One thing wrong, one fault that says it."""
    found = task_faults(facts(**keys))
    assert any(fault in text for text in found), found


def test_candidates_only_of_the_first_specialist() -> None:
    """A reviewer has none, and nothing may write before them; a specialist that waits for them is no hindrance."""
    nodes = {"a": {"uses": "writer", "best-of": 2}, "b": {"uses": "second", "needs": ["a"]}}
    assert task_faults(with_flow(nodes)) == []
    nodes = {"a": {"uses": "writer"}, "b": {"uses": "second", "needs": ["a"], "best-of": 2}}
    assert "nodes.b.best-of: candidates start from the base commit, and a may write" in task_faults(with_flow(nodes))[0]
    beside = {"a": {"uses": "writer", "best-of": 2}, "b": {"uses": "second"}}
    assert "and b may write before them" in task_faults(with_flow(beside))[0]
    judge = {"a": {"uses": "writer"}, "r": {"uses": "judge", "needs": ["a"], "best-of": 2}}
    assert "judge is a reviewer" in task_faults(with_flow(judge))[0]


def test_all_faults_at_once() -> None:
    """Nothing is found only after something else was mended."""
    assert len(task_faults(facts(limits={"steps": 999, "tokens": 99999}, params={"tone": 1}))) == 3


def test_the_scope_is_small_enough_and_may_be_new_where_the_flow_says_so() -> None:
    """More files or bytes than the node allows are a fault; `new-files` lets a scope name what is not there yet."""
    big = replace(facts(), sizes={f"docs/{n}.md": 1 for n in range(201)})
    assert "201 files, at most 200" in task_faults(big)[0]
    assert "bytes, at most 5" in task_faults(replace(facts(), settings={"max-bytes": 5}))[0]
    new = facts(scope={"paths": ["docs/new.md"]})
    assert task_faults(new)
    assert task_faults(replace(new, settings={"new-files": True})) == []
