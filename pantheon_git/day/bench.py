"""`bench engine`: tokens a second of the model through a whole night, over the same requests given straight to it.

The night's engine is wrapped by a recorder; afterwards the recorded requests go straight into a fresh pipeline with
nothing around them: no jail, no tools, no signatures. Both figures come from one run on one machine, so that their
ratio means something where the figures alone do not.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from pantheon_git.engines.bench import Asked, Scored, straight
from pantheon_git.engines.protocol import Completion, Engine, Message, ModelInfo, Request, Score
from pantheon_git.errors import PantheonError
from pantheon_git.night.run import NightOptions, Wiring, run_night
from pantheon_git.repo.git import Git

T = TypeVar("T")


@dataclass
class Recorder:
    """An engine that passes everything on and remembers it. Seconds are of the monotonic clock."""

    inner: Engine
    asked: list[Asked] = field(default_factory=list)
    tokens_out: int = 0
    first: float = 0.0
    """When the first request came in."""
    last: float = 0.0
    """When the last answer went out."""
    idle: float = 0.0
    """Between the two, with no request in flight."""
    name: str = field(init=False)
    model: ModelInfo = field(init=False)
    _in_flight: int = 0

    def __post_init__(self) -> None:
        self.name, self.model = self.inner.name, self.inner.model

    def render(self, messages: Sequence[Message]) -> str:
        return self.inner.render(messages)

    def count_tokens(self, text: str) -> int:
        return self.inner.count_tokens(text)

    async def complete(self, request: Request) -> Completion:
        done = await self._passed_on(request, self.inner.complete(request))
        self.tokens_out += done.tokens_out
        return done

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        return await self._passed_on(Scored(prompt, text), self.inner.score(prompt, text, key))

    async def close(self) -> None:
        await self.inner.close()

    async def _passed_on(self, asked: Asked, work: Coroutine[Any, Any, T]) -> T:
        self.asked.append(asked)
        now = time.monotonic()
        self.first = self.first or now
        if not self._in_flight and self.last:
            self.idle += now - self.last
        self._in_flight += 1
        try:
            return await work
        finally:
            self._in_flight -= 1
            self.last = time.monotonic()


@dataclass(frozen=True)
class EngineBench:
    """Night: from the first request to the last answer. Straight: all at once. Loading the model is in neither."""

    jobs: int
    requests: int
    tokens_out: int
    night_seconds: float
    idle_seconds: float
    straight_tokens_out: int
    straight_seconds: float

    @property
    def night_rate(self) -> float:
        """Tokens a second."""
        return self.tokens_out / self.night_seconds

    @property
    def straight_rate(self) -> float:
        return self.straight_tokens_out / self.straight_seconds

    @property
    def ratio(self) -> float:
        return self.night_rate / self.straight_rate

    def as_json(self) -> dict[str, Any]:
        rates = {"night_rate": self.night_rate, "straight_rate": self.straight_rate, "ratio": self.ratio}
        return {**asdict(self), **rates}


async def bench_engine(git: Git, options: NightOptions) -> EngineBench:
    """Run the night of a repository with the recorder in it, then its requests straight. PantheonError where the night
    asked the model nothing."""
    recorders: list[Recorder] = []

    def recorded(engine: Engine) -> Engine:
        recorders.append(Recorder(engine))
        return recorders[-1]

    result = await run_night(git, options, wiring=Wiring(engine=recorded))
    if len(recorders) != 1 or not recorders[0].asked:
        raise PantheonError(f"the night used {len(recorders)} engines and asked nothing that could be measured")
    night = recorders[0]
    found = straight(str(options.model_path or night.model.name), night.asked)
    return EngineBench(
        jobs=len(result.jobs),
        requests=len(night.asked),
        tokens_out=night.tokens_out,
        night_seconds=night.last - night.first,
        idle_seconds=night.idle,
        straight_tokens_out=found.tokens_out,
        straight_seconds=found.seconds,
    )
