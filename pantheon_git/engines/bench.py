"""What the engine itself can do: the same requests given straight to the pipeline, without a night around them.

`straight` is the yardstick of `pantheon-git bench engine`: all requests of a recorded night at once through
`generate()`, which knows nothing of agents, jails or ledgers. `through` sends them through an open engine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pantheon_git.engines import models
from pantheon_git.engines.genai import Loaded, Settings, tensor
from pantheon_git.engines.openvino import cut, scoring_settings
from pantheon_git.engines.protocol import Engine, Request


@dataclass(frozen=True)
class Scored:
    """A likelihood that was asked for: of `text` after `prompt`."""

    prompt: str
    text: str


Asked = Request | Scored


@dataclass(frozen=True)
class Throughput:
    """`seconds` of wall time and `cpu_seconds` of this process, loading the model left out; `texts` of completions."""

    requests: int
    tokens_in: int
    tokens_out: int
    seconds: float
    cpu_seconds: float
    texts: tuple[str, ...]

    @property
    def tokens_per_second(self) -> float:
        """Generated tokens a second, the one generated in each scoring not counted."""
        return self.tokens_out / self.seconds if self.seconds else 0.0


def straight(model: str, asked: Sequence[Asked], settings: Settings | None = None) -> Throughput:
    """All completions in one `generate()`, then all scores in another (`openvino.py` says why they are apart), through
    freshly loaded pipelines with the engine's own settings."""
    chosen = settings or Settings()
    path = models.find(model)
    writing = Loaded(path, chosen)
    requests = [one for one in asked if isinstance(one, Request)]
    inputs = [writing.encode(one.prompt) for one in requests]
    scored = [writing.encode(one.prompt) + writing.encode(one.text) for one in asked if isinstance(one, Scored)]
    scoring = Loaded(path, scoring_settings(chosen), prefix_caching=False) if scored else None
    wall, cpu = time.perf_counter(), time.process_time()
    configs = [writing.config(one) for one in requests]
    results = writing.pipeline.generate([tensor(ids) for ids in inputs], configs) if requests else []
    if scoring is not None:
        scoring.pipeline.generate([tensor(ids) for ids in scored], [scoring.echo_config()] * len(scored))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    answers = [list(result.m_generation_ids[0]) for result in results]
    return Throughput(
        requests=len(asked),
        tokens_in=sum(map(len, [*inputs, *scored])),
        tokens_out=sum(map(len, answers)),
        seconds=wall,
        cpu_seconds=cpu,
        texts=tuple(cut(writing.decode(ids), one.stop)[0] for one, ids in zip(requests, answers, strict=True)),
    )


async def through(engine: Engine, asked: Sequence[Asked]) -> Throughput:
    """All of them at once through an open engine."""
    wall, cpu = time.perf_counter(), time.process_time()
    texts = await asyncio.gather(*(_ask(engine, one) for one in asked))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Throughput(
        requests=len(asked),
        tokens_in=sum(engine.count_tokens(_whole(one)) for one in asked),
        tokens_out=sum(count for count, _ in texts),
        seconds=wall,
        cpu_seconds=cpu,
        texts=tuple(text for one, (_, text) in zip(asked, texts, strict=True) if isinstance(one, Request)),
    )


async def _ask(engine: Engine, one: Asked) -> tuple[int, str]:
    if isinstance(one, Scored):
        await engine.score(one.prompt, one.text)
        return 0, ""
    completion = await engine.complete(one)
    return completion.tokens_out, completion.text


def _whole(one: Asked) -> str:
    return one.prompt if isinstance(one, Request) else one.prompt + one.text
