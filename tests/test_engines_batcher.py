"""The thread that owns the pipeline: order, held-back requests, cancelling, failing and closing.

The pipeline is a stand-in: a real one cannot be made to fail in a chosen step, and this thread must stand exactly then.
What the real one does with these four methods is in test_engines_openvino.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from types import SimpleNamespace
from typing import Any

import pytest

from pantheon_git.engines.batcher import MAX_RELOADS, Batcher, Finished, Work
from pantheon_git.errors import EngineError

WAIT = 10.0


class Handle:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config, self.made, self.status = config, 0, "RUNNING"

    def get_status(self) -> Any:
        return SimpleNamespace(name=self.status)

    def can_read(self) -> bool:
        return self.made > 0

    def read_all(self) -> list[Any]:
        reason = SimpleNamespace(name="LENGTH")
        return [
            SimpleNamespace(generated_ids=[1] * self.made, generated_log_probs=[-0.5] * self.made, finish_reason=reason)
        ]

    def cancel(self) -> None:
        self.status = "CANCEL"


class Pipeline:
    """Gives each request one token a step, `tokens` in all; keeps what it was asked for in `log`."""

    def __init__(self, log: list[Any]) -> None:
        self.log, self.handles, self.gate = log, [], threading.Event()
        self.gate.set()

    def add_request(self, request_id: int, input_ids: Any, generation_config: Any) -> Handle:
        if generation_config.get("refused"):
            raise RuntimeError("refused")
        self.log.append(("add", input_ids, threading.current_thread().name))
        self.handles.append(Handle(generation_config))
        return self.handles[-1]

    def has_non_finished_requests(self) -> bool:
        return any(handle.status == "RUNNING" for handle in self.handles)

    def step(self) -> None:
        self.gate.wait(WAIT)
        running = [handle for handle in self.handles if handle.status == "RUNNING"]
        self.log.append(("step", len(running), threading.current_thread().name))
        if any(handle.config.get("breaks") for handle in running):
            raise RuntimeError(
                "Exception from src/grammar.cc:552:\n[07:44:53] /build/x/grammar.cc:552: rule is not defined\n"
            )
        for handle in running:
            handle.made += 1
            if handle.made >= handle.config.get("tokens", 3):
                handle.status = handle.config.get("ends", "FINISHED")


class World:
    def __init__(self, limit: int = 4) -> None:
        self.log: list[Any] = []
        self.pipelines: list[Pipeline] = []
        self.batcher = Batcher(self._load, limit=limit, name="owner")

    def _load(self) -> Pipeline:
        self.pipelines.append(Pipeline(self.log))
        return self.pipelines[-1]

    def ask(self, name: str, prefix: int | None = None, **config: Any) -> Future[Finished]:
        return self.batcher.submit(Work(name, (hash(name) if prefix is None else prefix,), config))

    def added(self) -> list[str]:
        return [entry[1] for entry in self.log if entry[0] == "add"]

    def held(self) -> Callable[[], None]:
        """Stop the pipeline before its next step; the answer lets it go on."""
        gate = self.pipelines[-1].gate
        gate.clear()
        return gate.set


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.batcher.close()


def test_requests_meet_in_one_batch_on_one_thread(world: World) -> None:
    """What comes in while a step runs joins the next one; only the owner touches the pipeline."""
    go_on = world.held()
    futures = [world.ask(f"r{n}") for n in range(4)]
    go_on()
    assert [len(future.result(WAIT).ids) for future in futures] == [3, 3, 3, 3]
    assert max(entry[1] for entry in world.log if entry[0] == "step") == 4
    assert {entry[2] for entry in world.log} == {"owner"}


def test_times_are_in_order(world: World) -> None:
    """Asked, added, first token, done."""
    done = world.ask("one").result(WAIT)
    assert done.submitted <= done.added <= done.first <= done.done <= time.monotonic()
    assert done.reason == "LENGTH"
    assert done.logprobs == (-0.5, -0.5, -0.5)


def test_no_more_than_the_limit_at_once_and_in_order(world: World) -> None:
    """The rest waits its turn, first come first served."""
    futures = [world.ask(f"r{n}") for n in range(11)]
    for future in futures:
        future.result(WAIT)
    assert world.added() == [f"r{n}" for n in range(11)]
    assert max(entry[1] for entry in world.log if entry[0] == "step") <= 4


def test_a_new_beginning_is_read_by_one_request_first(world: World) -> None:
    """Those that share it wait for the first token, others do not; once known, it holds nobody back."""
    go_on = world.held()
    first = world.ask("a", prefix=7)
    same, other = world.ask("b", prefix=7), world.ask("c", prefix=8)
    go_on()
    for future in (first, same, other):
        future.result(WAIT)
    order = [entry[1] for entry in world.log if entry[0] == "add" or entry == ("step", 1, "owner")]
    assert order.index("c") < order.index("b")
    go_on = world.held()
    later = [world.ask(name, prefix=7) for name in "def"]
    go_on()
    for future in later:
        future.result(WAIT)
    assert ("step", 3, "owner") in world.log


def test_cancelling_a_waiting_request(world: World) -> None:
    """It never reaches the pipeline."""
    go_on = world.held()
    running = [world.ask(f"r{n}") for n in range(4)]
    waiting = world.ask("never")
    assert waiting.cancel()
    go_on()
    for future in running:
        future.result(WAIT)
    world.ask("last").result(WAIT)
    assert "never" not in world.added()


def test_cancelling_a_running_request_frees_its_place(world: World) -> None:
    """It leaves the batch after the step that runs; the others go on."""
    endless = [world.ask(f"e{n}", tokens=10**9) for n in range(4)]
    while len(world.added()) < 4:
        time.sleep(0.001)
    assert endless[0].cancel()
    assert len(world.ask("next").result(WAIT).ids) == 3
    assert world.pipelines[0].handles[0].status == "CANCEL"
    with pytest.raises(CancelledError):
        endless[0].result(WAIT)


def test_one_broken_request_fails_alone(world: World) -> None:
    """A failed step loses the pipeline, not the night: it is loaded anew and the innocent ones are answered."""
    go_on = world.held()
    good, bad, more = world.ask("good"), world.ask("bad", breaks=True), world.ask("more")
    go_on()
    assert len(good.result(WAIT).ids) == 3
    assert len(more.result(WAIT).ids) == 3
    with pytest.raises(EngineError, match=r"^the model engine failed: rule is not defined$"):
        bad.result(WAIT)
    assert 2 <= len(world.pipelines) <= 3
    assert len(world.ask("after").result(WAIT).ids) == 3


def test_a_refused_request_fails_alone(world: World) -> None:
    """The same where the pipeline does not even take it."""
    go_on = world.held()
    before = world.ask("first")
    good, bad, more = world.ask("good"), world.ask("bad", refused=True), world.ask("more")
    go_on()
    with pytest.raises(EngineError, match="refused"):
        bad.result(WAIT)
    assert [len(future.result(WAIT).ids) for future in (before, good, more)] == [3, 3, 3]


def test_a_request_that_the_pipeline_gives_up(world: World) -> None:
    """No memory for it, say: an error of this request."""
    with pytest.raises(EngineError, match="ignored"):
        world.ask("big", ends="IGNORED").result(WAIT)


def test_a_pipeline_that_always_fails_is_given_up(world: World) -> None:
    """After so many new starts everything fails, and nobody is left waiting."""
    futures = [world.ask(f"r{n}", breaks=True) for n in range(MAX_RELOADS + 4)]
    for future in futures:
        with pytest.raises(EngineError):
            future.result(WAIT)
    with pytest.raises(EngineError):
        world.ask("later").result(WAIT)
    assert len(world.pipelines) <= MAX_RELOADS + 1


def test_closing_fails_what_is_unfinished(world: World) -> None:
    """Nobody waits for ever; asking a closed engine is an error; closing twice is none."""
    future = world.ask("long", tokens=10**9)
    world.batcher.close()
    with pytest.raises(EngineError, match="closed"):
        future.result(WAIT)
    with pytest.raises(EngineError, match="closed"):
        world.ask("later")
    world.batcher.close()


def test_a_model_that_does_not_load() -> None:
    """The constructor says why."""

    def load() -> Pipeline:
        raise RuntimeError("Exception from src/x.cpp:12:\nunsupported tensor type Q5_0")

    with pytest.raises(EngineError, match="unsupported tensor type Q5_0") as caught:
        Batcher(load, limit=1)
    assert caught.value.hint == "pantheon-git doctor"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_leaves_nobody_waiting() -> None:
    """An exception that nobody foresaw ends the thread; its callers hear of it."""

    def load() -> Pipeline:
        raise ZeroDivisionError

    with pytest.raises(EngineError, match="closed"):
        Batcher(load, limit=1)
