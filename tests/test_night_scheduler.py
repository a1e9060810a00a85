"""The DAG logic of a job, by property and by example."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pantheon_git.ledger.records import Verdict
from pantheon_git.night.scheduler import Status, culprit, decide, finished, may_retry, status_of
from pantheon_git.spec.flow import Flow, Retries
from pantheon_git.spec.steps import Step, ancestors, expand


def flow(**nodes: dict[str, Any]) -> Flow:
    return Flow.model_validate(
        {"schema": 1, "nodes": {name.replace("_", "-"): {"uses": "noop", **node} for name, node in nodes.items()}}
    )


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Any DAG of up to eight nodes with any conditions, in any order of the file."""
    names = [f"n{i}" for i in range(draw(st.integers(1, 8)))]
    nodes: dict[str, Any] = {}
    for number, name in enumerate(names):
        nodes[name] = {
            "uses": "noop",
            "needs": draw(st.lists(st.sampled_from(names[:number]), unique=True)) if number else [],
            "if": draw(st.sampled_from(["success()", "failure()", "always()"])),
            "continue-on-error": draw(st.booleans()),
        }
        if draw(st.integers(0, 4)) == 0:
            nodes[name]["matrix"] = {"a": [1, 2], "b": draw(st.sampled_from([[1], [1, 2]]))}
    order = draw(st.permutations(names))
    return Flow.model_validate({"schema": 1, "nodes": {name: nodes[name] for name in order}})


def play(steps: tuple[Step, ...], verdicts: dict[str, Verdict], seed: int) -> tuple[dict[str, Status], list[str]]:
    """Run a flow as the job does, ending running steps in an arbitrary order; returns endings and the order started."""
    chance = random.Random(seed)
    ended: dict[str, Status] = {}
    running: set[str] = set()
    started: list[str] = []
    by_name = {step.name: step for step in steps}
    while not finished(steps, ended):
        while decisions := decide(steps, ended, running):
            for decision in decisions:
                assert all(need in ended for need in decision.step.needs), "nothing starts before its needs ended"
                if decision.run:
                    running.add(decision.step.name)
                    started.append(decision.step.name)
                else:
                    ended[decision.step.name] = "skipped"
        if running:
            name = chance.choice(sorted(running))
            running.remove(name)
            ended[name] = status_of(verdicts[name], by_name[name])
    return ended, started


@given(flows(), st.data())
def test_endings_do_not_depend_on_the_order_in_which_nodes_end(a_flow: Flow, data: st.DataObject) -> None:
    """Every step ends, at most once, and the endings are those of the rules, whatever finishes first."""
    steps = expand(a_flow)
    verdicts = {s.name: data.draw(st.sampled_from(["pass", "fail", "error", "refused"])) for s in steps}
    ended, started = play(steps, verdicts, 1)
    again, _ = play(steps, verdicts, 2)
    assert ended == again
    assert len(started) == len(set(started))
    by_name = {step.name: step for step in steps}
    for step in steps:
        ran = step.name in started
        if step.spec.if_ == "success()":
            assert ran == all(ended[need] == "success" for need in step.needs)
        elif step.spec.if_ == "failure()":
            assert ran == any(ended[name] == "failure" for name in ancestors(step, by_name))
        else:
            assert ran


@given(flows())
def test_expand_is_topological_and_complete(a_flow: Flow) -> None:
    """Steps are numbered from 1, needs come first, names are unique, and a matrix has one copy per combination."""
    steps = expand(a_flow)
    assert [step.index for step in steps] == list(range(1, len(steps) + 1))
    assert len({step.name for step in steps}) == len(steps)
    place = {step.name: step.index for step in steps}
    assert all(place[need] < step.index for step in steps for need in step.needs)
    expected = 0
    for node in a_flow.nodes.values():
        combos = 1
        for values in node.matrix.values():
            combos *= len(values)
        expected += combos
    assert len(steps) == expected


def test_ready_nodes_start_together() -> None:
    """Both reviewers are ready as soon as what they need has ended: nothing waits for a place in the list."""
    steps = expand(flow(check={}, peer_a={"needs": ["check"]}, peer_b={"needs": ["check"]}))
    assert [d.step.name for d in decide(steps, {}, ())] == ["check"]
    assert [d.step.name for d in decide(steps, {"check": "success"}, ())] == ["peer-a", "peer-b"]
    assert [d.step.name for d in decide(steps, {"check": "success"}, {"peer-a"})] == ["peer-b"]


def test_a_failure_skips_what_needs_it_and_says_so() -> None:
    """The skipped node names the need that failed, and so on down the line."""
    steps = expand(flow(a={}, b={"needs": ["a"]}, c={"needs": ["b"]}, rescue={"needs": ["c"], "if": "failure()"}))
    (b,) = decide(steps, {"a": "failure"}, ())
    assert (b.run, b.reason) == (False, "a failed")
    (c,) = decide(steps, {"a": "failure", "b": "skipped"}, ())
    assert (c.run, c.reason) == (False, "b was skipped")
    (rescue,) = decide(steps, {"a": "failure", "b": "skipped", "c": "skipped"}, ())
    assert rescue.run
    found = culprit(steps, {"a": "failure", "b": "skipped", "c": "skipped", "rescue": "success"})
    assert found is not None
    assert found.name == "a"


def test_matrix_values_reach_the_copy_beside_with() -> None:
    """A copy has `with` and its own combination, and who needs the node needs all copies."""
    steps = expand(flow(m={"with": {"x": 0}, "matrix": {"a": [1, 2]}}, after={"needs": ["m"]}, **{"m-1": {}}))
    values = {step.name: dict(step.values) for step in steps if step.spec.matrix}
    assert values == {"m-2": {"x": 0, "a": 1}, "m-3": {"x": 0, "a": 2}}
    assert next(step for step in steps if step.name == "after").needs == ("m-2", "m-3")


@pytest.mark.parametrize(
    ("transient", "permanent", "history", "again"),
    [
        (1, 0, ["error"], True),
        (1, 0, ["error", "error"], False),
        (0, 2, ["fail", "fail"], True),
        (0, 2, ["fail", "fail", "fail"], False),
        (1, 1, ["error", "fail"], True),
        (1, 1, ["error", "fail", "error"], False),
        (5, 5, ["refused"], False),
        (5, 5, ["pass"], False),
    ],
)
def test_retries(transient: int, permanent: int, history: list[Verdict], again: bool) -> None:
    """Failures of the machinery and of the work have separate budgets; refusals are never retried."""
    assert may_retry(Retries(transient=transient, permanent=permanent), history) is again


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"best-of": 9}, "less than or equal to 8"),
        ({"best-of": 0}, "greater than or equal to 1"),
        ({"best-of": 2, "uses": "check.command"}, "check.command is a check; only an agent has candidates"),
        ({"best-of": 2, "matrix": {"a": [1, 2]}}, "best-of and matrix exclude each other"),
        ({"best-of": 2, "retries": {"permanent": 1}}, "the candidates are the retries"),
    ],
)
def test_best_of_stands_alone(keys: dict[str, Any], said: str) -> None:
    """One to eight candidates, of an agent, without what would multiply them."""
    with pytest.raises(ValidationError, match=re.escape(said)):
        flow(write={"uses": "doc.frontmatter", **keys})
    assert (
        flow(write={"uses": "doc.frontmatter", "best-of": 8, "retries": {"transient": 3}}).nodes["write"].best_of == 8
    )
