"""The model's own probabilities, with the real model: the same alone and in the middle of a night's traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pantheon_git.engines import models, open_engine
from pantheon_git.engines.protocol import Engine, Request
from pantheon_git.errors import EngineError

TEXT = "Bees need a dry hive, food in winter and somebody who looks in once a week."
GRAMMAR = r'root ::= "{\"description\": \"" [^"\\\n]+ "\"}"'


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        models.find(models.DEFAULT)
    except EngineError as error:
        pytest.skip(f"{error.message}; pantheon-git model fetch")
    pytest.importorskip("openvino_genai", reason="pip install 'pantheon-git[cpu]'")
    opened = open_engine("openvino", model=models.DEFAULT)
    yield opened
    asyncio.run(opened.close())


@pytest.mark.model
def test_scores_are_the_same_alone_and_among_others(engine: Engine) -> None:
    """Scores and grammar-bound completions in flight together give what each score gives alone, bit for bit."""
    prompts = [f"Page {n} of a book about bees.\n\nIt says: " for n in range(6)]

    async def work() -> None:
        alone = [await engine.score(prompt, TEXT) for prompt in prompts]
        writing = [engine.complete(Request(prompt, 24, grammar=GRAMMAR)) for prompt in prompts]
        found = await asyncio.gather(*writing, *(engine.score(prompt, TEXT) for prompt in prompts))
        assert list(found[len(prompts) :]) == alone

    asyncio.run(work())


@pytest.mark.model
def test_sense_is_likelier_than_nonsense(engine: Engine) -> None:
    """The words in their order are likelier than shuffled, and likelier after a text that holds them."""

    async def work() -> tuple[float, float, float]:
        shuffled = " ".join(sorted(TEXT.split()))
        scores = [
            await engine.score("A sentence: ", TEXT),
            await engine.score("A sentence: ", shuffled),
            await engine.score(f"{TEXT}\nThe same again: ", TEXT),
        ]
        return scores[0].mean, scores[1].mean, scores[2].mean

    plain, mixed, given = asyncio.run(work())
    assert mixed < plain < given < 0.0
