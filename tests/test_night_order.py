"""The order of a night, and what holds a task back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pantheon_git.night.order import LoadedFlow, Planned, hold_back_collisions, hold_back_needs, in_order
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.task import Task

FLOW = Flow.model_validate({"schema": 1, "nodes": {"n": {"uses": "noop"}}})


def planned(id_: str, state: str = "queued", flow: str = "f", files: tuple[str, ...] = (), **keys: Any) -> Planned:
    scope = {"paths": files or (id_,)}
    task = Task.model_validate({"schema": 1, "scope": scope, "goal": {"summary": id_}, **keys})
    loaded = LoadedFlow(flow, FLOW, "0" * 40, stock=False)
    path = f".pantheon/queue/{id_}.toml"
    files_ = frozenset(scope["paths"])
    return Planned(id_, path, "0" * 40, task, loaded, "", 1, state, state == "queued", "yes: queued", files_)


def ids(tasks: list[Planned]) -> list[str]:
    return [task.id for task in tasks]


def test_priority_then_tier_then_flow_then_id() -> None:
    """Higher priority first, easier tier first, and the tasks of one flow side by side."""
    tasks = [
        planned("a", flow="z"),
        planned("b", flow="y"),
        planned("c", flow="z"),
        planned("d", tier=2),
        planned("e", priority=1, tier=9),
    ]
    assert ids(in_order(tasks)) == ["e", "b", "a", "c", "d"]


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(1, 9), st.sets(st.integers(0, 7), max_size=3)), max_size=8))
def test_a_task_never_comes_before_one_that_it_needs(rows: list[tuple[int, int, set[int]]]) -> None:
    """For any needs without cycles the order is topological, complete and the same whatever order it is given."""
    tasks = [
        planned(f"t{n}", priority=p, tier=t, needs=[f"t{i}" for i in sorted(needs) if i < n])
        for n, (p, t, needs) in enumerate(rows)
    ]
    order = ids(in_order(tasks))
    assert sorted(order) == sorted(ids(tasks))
    assert all(order.index(need) < order.index(task.id) for task in tasks for need in task.task.needs)
    assert ids(in_order(tasks[::-1])) == order


def test_a_cycle_of_needs_is_listed_and_waits() -> None:
    """Tasks that need each other are neither lost nor run."""
    tasks = in_order([planned("a", needs=["b"]), planned("b", needs=["a"])])
    held = hold_back_needs(tasks, {})
    assert sorted(ids(held)) == ["a", "b"]
    assert not any(task.runs for task in held)


def test_needs_wait_for_a_merge_and_say_so() -> None:
    """Only a merged need lets a task run; each other one is named with its state."""
    states: Any = {"m": SimpleNamespace(state="merged"), "p": SimpleNamespace(state="pr")}
    tasks = [planned("a", needs=["m"]), planned("b", needs=["p", "q", "nobody"]), planned("q")]
    a, b, _ = hold_back_needs(tasks, states)
    assert a.runs
    assert (b.runs, b.why) == (False, "no: waits for p (pr), q (queued), nobody (no such task)")


def test_an_open_pr_on_the_same_file_holds_a_task_back() -> None:
    """The later task waits until a person has merged or rejected the PR."""
    tasks = hold_back_collisions([planned("new", files=("x",)), planned("old", state="pr", files=("x", "y"))])
    assert (tasks[0].runs, tasks[0].why) == (False, "no: waits for the open PR old.1 on the same files")


def test_two_tasks_of_one_night_on_one_file_say_so() -> None:
    """The second one is marked: it runs unless the first becomes a PR."""
    tasks = hold_back_collisions([planned("a", files=("x",)), planned("b", files=("x",)), planned("c", files=("y",))])
    assert [task.after for task in tasks] == [(), ("a",), ()]
    assert tasks[1].runs
    assert "unless a becomes a PR first" in tasks[1].why
