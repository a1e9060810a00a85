"""One thread that owns a continuous-batching pipeline: requests go in from anywhere, finished ones come out as futures.

The pipeline is not safe to call from several threads, and its prefix cache is looked up when a request is *added*. So
one thread adds, steps and collects, and it holds a request back while another one with the same beginning, never seen
before, is still being read: without that a night's first 32 jobs would each compute the same instructions.

OpenVINO finds a fault in a grammar only in the step that needs it, and a failed step leaves the pipeline undefined.
So the pipeline is then loaded anew and each request that was in it runs once more, alone: the one at fault fails, the
others never notice.

Nothing here imports OpenVINO: a pipeline is whatever has the four methods of `Pipeline`.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from pantheon_git.errors import EngineError

_PLACE = re.compile(r"^.*?\.\w+:\d+: *")
MAX_RELOADS = 16
"""A pipeline that fails more often than that is given up."""
PREFIX_TOKENS = 64
"""Requests that agree in so many first tokens are taken to share their instructions (two blocks of the cache)."""


class Handle(Protocol):
    def get_status(self) -> Any: ...
    def can_read(self) -> bool: ...
    def read_all(self) -> Sequence[Any]: ...
    def cancel(self) -> None: ...


class Pipeline(Protocol):
    """What `openvino_genai.ContinuousBatchingPipeline` offers, as far as it is used."""

    def add_request(self, request_id: int, input_ids: Any, generation_config: Any) -> Handle: ...
    def step(self) -> None: ...
    def has_non_finished_requests(self) -> bool: ...


@dataclass(frozen=True)
class Finished:
    """Token ids and log-probabilities as the pipeline gave them; times are `time.monotonic()` seconds."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    reason: str
    """`STOP`, `LENGTH` or `NONE`, the name in GenerationFinishReason."""
    submitted: float
    added: float
    first: float
    done: float


@dataclass(eq=False)
class Work:
    """One request on its way: token ids as the pipeline wants them, and their first ones as plain numbers."""

    tensor: Any
    prefix: tuple[int, ...]
    config: Any
    future: Future[Finished] = field(default_factory=Future)
    submitted: float = field(default_factory=time.monotonic)
    added: float = 0.0
    first: float = 0.0
    handle: Handle | None = None
    failed: EngineError | None = None
    """How the step ended that it was in; it then runs alone, and a second failure is its own."""


class Batcher:
    """Runs the pipeline that `load` makes. The constructor returns once it is loaded, or raises EngineError."""

    def __init__(self, load: Callable[[], Pipeline], *, limit: int, name: str = "engine") -> None:
        self._limit = limit
        self._waiting: deque[Work] = deque()
        self._running: list[Work] = []
        self._seen: set[tuple[int, ...]] = set()
        self._next_id = 0
        self._wake = threading.Condition()
        self._closing = False
        self._broken: EngineError | None = None
        loaded: Future[None] = Future()
        self._thread = threading.Thread(target=self._own, args=(load, loaded), name=name, daemon=True)
        self._thread.start()
        if loaded.exception():  # waits
            self._thread.join()
        loaded.result()

    def submit(self, work: Work) -> Future[Finished]:
        """The future of this request; cancelling it takes the request out of the queue or out of the batch."""
        with self._wake:
            if self._broken:
                raise self._broken
            if self._closing:
                raise EngineError("the engine is closed")
            self._waiting.append(work)
            self._wake.notify()
        return work.future

    def close(self) -> None:
        """Stop, fail what is unfinished, free the pipeline; returns when the thread has ended. Safe to call twice."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _own(self, load: Callable[[], Pipeline], loaded: Future[None]) -> None:
        """The thread: load, serve, and load again after a failure."""
        try:
            pipeline: Pipeline | None = load()
            loaded.set_result(None)
            for _ in range(MAX_RELOADS):
                assert pipeline is not None  # noqa: S101
                failure = self._serve(pipeline)
                if failure is None:
                    return
                self._requeue(failure)
                pipeline = None  # freed before the next one takes its memory
                pipeline = load()
            raise EngineError(f"the model engine failed {MAX_RELOADS} times and is given up", "pantheon-git doctor")
        except (RuntimeError, OSError, EngineError) as error:  # RuntimeError is all that OpenVINO ever raises
            failure = error if isinstance(error, EngineError) else _failure(error)
            if not loaded.done():
                loaded.set_exception(failure)
            self._fail(failure)
        finally:  # whatever happened, nobody may be left waiting
            closed = EngineError("the engine was closed before it answered")
            if not loaded.done():
                loaded.set_exception(closed)
            self._fail(closed)

    def _serve(self, pipeline: Pipeline) -> EngineError | None:
        """Until the engine is closed (None) or a step fails."""
        while self._wait_for_work():
            try:
                self._admit(pipeline)
                if pipeline.has_non_finished_requests():
                    pipeline.step()
            except RuntimeError as error:
                return _failure(error)
            self._collect()
        return None

    def _wait_for_work(self) -> bool:
        """False when it is time to end."""
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._waiting or self._running)
            return not self._closing

    def _admit(self, pipeline: Pipeline) -> None:
        taken = self._next()
        self._running += taken  # first, so that a failure finds them all
        for work in taken:
            self._next_id += 1
            work.added = time.monotonic()
            work.handle = pipeline.add_request(self._next_id, work.tensor, work.config)

    def _next(self) -> list[Work]:
        """Those that may start now, oldest first; what is held back keeps its place."""
        reading = {work.prefix for work in self._running if not work.first}
        taken: list[Work] = []
        held: deque[Work] = deque()
        with self._wake:
            while self._waiting and self._room(taken):
                work = self._waiting.popleft()
                if work.future.cancelled():
                    continue
                alone = not self._running and not taken
                if (work.failed and not alone) or (work.prefix in reading and work.prefix not in self._seen):
                    held.append(work)
                else:
                    reading.add(work.prefix)
                    taken.append(work)
            self._waiting.extendleft(reversed(held))
        return taken

    def _room(self, taken: list[Work]) -> bool:
        inside = [*self._running, *taken]
        return len(inside) < self._limit and not any(work.failed for work in inside)

    def _requeue(self, failure: EngineError) -> None:
        """After a failed step: the handles are void; each request gets its one more chance."""
        again, self._running = self._running, []
        for work in again:
            if work.failed:
                _answer(work, failure)
                continue
            work.failed, work.handle, work.first = failure, None, 0.0
            with self._wake:
                self._waiting.append(work)
        self._seen.clear()

    def _collect(self) -> None:
        now = time.monotonic()
        for work in list(self._running):
            assert work.handle is not None  # noqa: S101 -- set in _admit, for mypy
            if work.future.cancelled():
                work.handle.cancel()
                self._running.remove(work)
                continue
            status = work.handle.get_status().name
            if not work.first and (status != "RUNNING" or work.handle.can_read()):
                work.first = now
                self._seen.add(work.prefix)
            if status == "RUNNING":
                continue
            self._running.remove(work)
            if status == "FINISHED":
                _answer(work, _finished(work, now))
            else:
                _answer(work, EngineError(f"the model engine gave a request up ({status.lower()})"))

    def _fail(self, error: EngineError) -> None:
        with self._wake:
            self._broken = self._broken or error
            unfinished = [*self._running, *self._waiting]
            self._running.clear()
            self._waiting.clear()
        for work in unfinished:
            if work.handle is not None:
                work.handle.cancel()
            _answer(work, error)


def _answer(work: Work, answer: Finished | EngineError) -> None:
    if not work.future.set_running_or_notify_cancel():
        return  # nobody waits any more
    if isinstance(answer, EngineError):
        work.future.set_exception(answer)
    else:
        work.future.set_result(answer)


def _finished(work: Work, now: float) -> Finished:
    assert work.handle is not None  # noqa: S101
    (output,) = work.handle.read_all()
    return Finished(
        ids=tuple(output.generated_ids),
        logprobs=tuple(output.generated_log_probs),
        reason=output.finish_reason.name,
        submitted=work.submitted,
        added=work.added,
        first=work.first,
        done=now,
    )


def _failure(error: Exception) -> EngineError:
    """OpenVINO's messages begin with places in its own build; the last line says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    what = _PLACE.sub("", lines[-1])[:400]
    return EngineError(f"the model engine failed: {what}", "pantheon-git doctor")
