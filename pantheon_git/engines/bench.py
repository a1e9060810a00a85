"""What the engine itself can do: the same requests given straight to the pipeline, without a night around them.

`straight` is the yardstick of `pantheon-git bench engine`: all requests of a recorded night at once through
`generate()`, which knows nothing of agents, jails or ledgers. `through` sends them through an open engine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.engines import models
from pantheon_git.engines.genai import Loaded, Settings, tensor
from pantheon_git.engines.openvino import cut
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
    """All of them in one `generate()` of a pipeline with the engine's settings, freshly loaded: its cache is empty."""
    loaded = Loaded(models.find(model), settings or Settings())
    inputs = [loaded.encode(_whole(one)) for one in asked]
    configs = [loaded.config(one) if isinstance(one, Request) else loaded.echo_config() for one in asked]
    wall, cpu = time.perf_counter(), time.process_time()
    results = loaded.pipeline.generate([tensor(ids) for ids in inputs], configs)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    answers = [_answer(loaded, one, result) for one, result in zip(asked, results, strict=True)]
    return Throughput(
        requests=len(asked),
        tokens_in=sum(map(len, inputs)),
        tokens_out=sum(count for count, _ in answers),
        seconds=wall,
        cpu_seconds=cpu,
        texts=tuple(text for one, (_, text) in zip(asked, answers, strict=True) if isinstance(one, Request)),
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


def _answer(loaded: Loaded, one: Asked, result: Any) -> tuple[int, str]:
    """Tokens and text of one `EncodedGenerationResult`."""
    if isinstance(one, Scored):
        return 0, ""
    ids = list(result.m_generation_ids[0])
    return len(ids), cut(loaded.decode(ids), one.stop)[0]
