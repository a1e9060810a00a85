"""Which job starts when, and when a group of finished ones is committed. Knows jobs by their plan, not what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pantheon_git import clock
from pantheon_git.ledger.records import JobResult
from pantheon_git.night.deadline import Deadline
from pantheon_git.night.order import Planned

GROUP_JOBS, GROUP_SECONDS = 16, 2.0
"""A group is committed when it has this many jobs, or its first has waited this long, or nothing runs any more."""


ERRORS_IN_A_ROW = 8
"""So many jobs whose machinery broke, one after another: the rest would fare no better, and stays queued."""


@dataclass(frozen=True)
class PutOff:
    """A task that this night did not run, and why; it stays queued."""

    id: str
    why: str


@dataclass
class Dispatch:
    """Runs `tasks` in order, at most `width` at once, never two on one file.

    `start` runs one job to its result; `commit` writes a group and must be short: nothing else happens meanwhile.
    `failed` makes the result of a job that died of a defect of ours, so that one defect does not cost the night.
    """

    tasks: Sequence[Planned]
    width: int
    start: Callable[[Planned], Awaitable[JobResult]]
    commit: Callable[[Sequence[JobResult]], None]
    failed: Callable[[Planned, BaseException], JobResult]
    deadline: Deadline
    stop: asyncio.Event
    sick: Callable[[BaseException | None], str] = lambda error: ""
    """Whether the machine is why a job went wrong (`trouble.Reserve.sick`): the job then counts as not run."""
    put_off: list[PutOff] = field(default_factory=list)
    trouble: str = ""
    """Why the night was given up: a full disk; an engine that died, seen by so many errors in a row."""

    def __post_init__(self) -> None:
        self._waiting = list(self.tasks)
        self._running: dict[asyncio.Task[JobResult], Planned] = {}
        self._busy: dict[str, Planned] = {}
        self._claimed: dict[str, str] = {}
        self._pending: list[JobResult] = []
        self._since = 0.0
        self._errors = 0

    async def run(self) -> None:
        """Until every task has run or is put off. On `stop`, and at the deadline, running jobs are cut off."""
        stopping = asyncio.create_task(self.stop.wait())
        try:
            while self._waiting or self._running:
                self._start_what_fits()
                if not self._running:
                    break
                await asyncio.wait({*self._running, stopping}, timeout=self._patience(),
                                   return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
                self._reap()
                if self.stop.is_set() or self.trouble or self.deadline.left(clock.steady()) == 0:
                    break
        finally:
            stopping.cancel()
            await self._cut_off()
            self._flush()
        self._put_off_the_rest()

    def _start_what_fits(self) -> None:
        later: list[Planned] = []
        for place, planned in enumerate(self._waiting):
            if len(self._running) >= self.width or not self.deadline.allows(clock.steady()):
                later += self._waiting[place:]
                break
            claimed = next((self._claimed[path] for path in planned.files if path in self._claimed), None)
            if claimed is not None:
                self.put_off.append(PutOff(planned.id, f"waits for the PR {claimed} of this night on the same files"))
            elif not planned.files.isdisjoint(self._busy):
                later.append(planned)
            else:
                self._busy.update(dict.fromkeys(planned.files, planned))
                self._running[asyncio.ensure_future(self.start(planned))] = planned
        self._waiting = later

    def _patience(self) -> float | None:
        now = clock.steady()
        waits = [self._since + GROUP_SECONDS - now] if self._pending else []
        left = self.deadline.left(now)
        waits += [left] if left is not None else []
        return max(0.0, min(waits)) if waits else None

    def _reap(self) -> None:
        for task in [task for task in self._running if task.done()]:
            planned = self._running.pop(task)
            for path in planned.files:
                self._busy.pop(path, None)
            if task.cancelled():
                self._waiting.insert(0, planned)
                continue
            error = task.exception()
            went_well = error is None and task.result().ending in ("pr", "unchanged")
            if not went_well and (why := self.sick(error)):
                self.trouble = self.trouble or why
                self._waiting.insert(0, planned)
                continue
            result = task.result() if error is None else self.failed(planned, error)
            self.deadline.saw(result.seconds)
            self._errors = self._errors + 1 if result.ending == "error" else 0
            if self._errors >= ERRORS_IN_A_ROW:
                self.trouble = f"{self._errors} jobs in a row broke down, the last because {result.reason}"
            if result.ending == "pr":
                self._claimed.update(dict.fromkeys(planned.files, result.context.job))
            self._since = self._since if self._pending else clock.steady()
            self._pending.append(result)
        due = len(self._pending) >= GROUP_JOBS or clock.steady() - self._since >= GROUP_SECONDS
        if due or not (self._running or self._waiting):
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            group, self._pending = self._pending, []
            self.commit(group)
            if self._waiting or self._running:  # what is written is safe; is it wise to go on?
                self.trouble = self.trouble or self.sick(None)

    async def _cut_off(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
            self._reap()

    def _put_off_the_rest(self) -> None:
        stopped = "the night was stopped" if self.stop.is_set() else "no time left before the deadline"
        why = self.trouble or stopped
        self.put_off += [PutOff(planned.id, f"not reached: {why}") for planned in self._waiting]
        self._waiting = []
