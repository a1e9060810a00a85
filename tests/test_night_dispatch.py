"""Jobs start in order, side by side, never two on one file; groups are committed; stops and deadlines lose nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from typing import Any

import pytest

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.records import Ending, JobContext, JobResult
from pantheon_git.night.deadline import Deadline, parse_until
from pantheon_git.night.dispatch import Dispatch
from pantheon_git.night.order import LoadedFlow, Planned
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.task import Task

FLOW = LoadedFlow("f", Flow.model_validate({"schema": 1, "nodes": {"n": {"uses": "noop"}}}), "0" * 40, stock=False)


def planned(id_: str, *files: str) -> Planned:
    task = Task.model_validate({"schema": 1, "scope": {"paths": files}, "goal": {"summary": id_}})
    path = f".pantheon/queue/{id_}.toml"
    return Planned(id_, path, "0" * 40, task, FLOW, "", 1, "queued", True, "", frozenset(files))


def result(task: Planned, ending: Ending = "pr", seconds: float = 0.01) -> JobResult:
    context = JobContext("n", task.job, task.id, task.revision, 1, "f", "0" * 40, "b", "refs/heads/main")
    return JobResult(context, (), ending, "", None, "t", {}, "", "", time.time(), seconds)


class Night:
    """A dispatch over jobs that only sleep, with a record of what happened."""

    def __init__(self, tasks: Sequence[Planned], width: int = 2, **keys: Any) -> None:
        self.running: set[str] = set()
        self.most = 0
        self.order: list[str] = []
        self.groups: list[list[str]] = []
        self.endings: dict[str, Ending] = keys.pop("endings", {})
        self.seconds: float = keys.pop("seconds", 0.01)
        self.slow: dict[str, float] = keys.pop("slow", {})
        self.stop = asyncio.Event()
        deadline = Deadline.at(keys.pop("until", None))
        self.dispatch = Dispatch(tasks, width, self.start, self.commit, self.failed, deadline, self.stop)

    async def start(self, task: Planned) -> JobResult:
        self.running.add(task.id)
        self.order.append(task.id)
        self.most = max(self.most, len(self.running))
        try:
            await asyncio.sleep(self.slow.get(task.id, self.seconds))
            if task.id == "bug":
                raise KeyError("a defect")
            return result(task, self.endings.get(task.id, "pr"), self.seconds)
        finally:
            self.running.remove(task.id)

    def commit(self, group: Sequence[JobResult]) -> None:
        self.groups.append([r.context.task for r in group])

    def failed(self, task: Planned, error: BaseException) -> JobResult:
        return result(task, "error")

    @property
    def committed(self) -> list[str]:
        return [id_ for group in self.groups for id_ in group]


def test_side_by_side_in_order_and_all_committed() -> None:
    """`width` jobs run at once, they start in the plan's order, and each is committed exactly once."""
    night = Night([planned(f"t{i}", f"f{i}") for i in range(40)], width=4)
    asyncio.run(night.dispatch.run())
    assert night.most == 4
    assert night.order == [f"t{i}" for i in range(40)]
    assert sorted(night.committed) == sorted(night.order)
    assert max(len(group) for group in night.groups) <= 16 + 4
    assert len(night.groups) < 10, "grouped"


def test_one_file_never_has_two_jobs() -> None:
    """The later task waits for the earlier one's end: put off when that became a PR, run when it did not."""
    tasks = [planned("a", "x"), planned("b", "x", "y"), planned("c", "z"), planned("d", "z")]
    night = Night(tasks, width=4, endings={"c": "failed"})
    asyncio.run(night.dispatch.run())
    assert night.order == ["a", "c", "d"]
    assert [(p.id, p.why) for p in night.dispatch.put_off] == [
        ("b", "waits for the PR a.1 of this night on the same files")
    ]


def test_a_defect_in_one_job_is_that_jobs_ending() -> None:
    """An exception of ours ends its job as an error; the others run on."""
    night = Night([planned("bug", "x"), planned("b", "y")])
    asyncio.run(night.dispatch.run())
    assert sorted(night.committed) == ["b", "bug"]


def test_stop_cuts_running_jobs_and_commits_what_is_done() -> None:
    """After a stop the finished are committed, the running are cut off and stay queued with the rest."""
    slow = {f"t{i}": 60.0 for i in range(4, 10)}
    night = Night([planned(f"t{i}", f"f{i}") for i in range(10)], width=2, slow=slow)

    async def scenario() -> None:
        running = asyncio.create_task(night.dispatch.run())
        while night.running != {"t4", "t5"}:
            await asyncio.sleep(0.01)
        night.stop.set()
        await running

    asyncio.run(scenario())
    assert night.committed == ["t0", "t1", "t2", "t3"]
    assert sorted(p.id for p in night.dispatch.put_off) == [f"t{i}" for i in range(4, 10)]
    assert {p.why for p in night.dispatch.put_off} == {"not reached: the night was stopped"}
    assert not night.running


def test_a_night_whose_machinery_is_broken_is_given_up() -> None:
    """After eight errors in a row the rest stays queued, with the reason; an error now and then changes nothing."""
    tasks = [planned(f"t{i:02}", f"f{i}") for i in range(20)]
    night = Night(tasks, width=1, endings={task.id: "error" for task in tasks})
    asyncio.run(night.dispatch.run())
    assert night.committed == [f"t{i:02}" for i in range(8)]
    assert {p.why.split(",")[0] for p in night.dispatch.put_off} == {"not reached: 8 jobs in a row broke down"}
    night = Night(tasks, width=1, endings={task.id: "error" for task in tasks if task.id != "t04"})
    asyncio.run(night.dispatch.run())
    assert len(night.committed) == 13


def test_no_job_starts_that_would_not_end_before_the_deadline() -> None:
    """Jobs take half of what is left: one or two start, none is cut off, the rest is not reached."""
    night = Night([planned(f"t{i}", f"f{i}") for i in range(10)], width=1, seconds=0.5, until=time.time() + 1.4)
    asyncio.run(night.dispatch.run())
    assert night.committed == night.order
    assert 1 <= len(night.order) <= 2
    assert {p.why for p in night.dispatch.put_off} == {"not reached: no time left before the deadline"}


def test_a_job_that_runs_into_the_deadline_is_cut_off() -> None:
    """The first jobs have no history to be judged by: at the deadline they are stopped and stay queued."""
    night = Night([planned("a", "x")], seconds=5, until=time.time() + 0.1)
    start = time.time()
    asyncio.run(night.dispatch.run())
    assert time.time() - start < 1
    assert night.committed == []
    assert [p.id for p in night.dispatch.put_off] == ["a"]


def test_until_is_the_next_such_time() -> None:
    """06:00 asked at 23:00 is tomorrow's, asked at 05:00 today's; other texts are refused by name."""
    evening = dt.datetime(2026, 11, 25, 23, 0)
    assert parse_until("06:00", evening) == dt.datetime(2026, 11, 26, 6, 0)
    assert parse_until("23:30", evening) == dt.datetime(2026, 11, 25, 23, 30)
    for text in ("6:00", "25:00", "dawn", "06:00:00"):
        with pytest.raises(PantheonError, match="--until"):
            parse_until(text, evening)
