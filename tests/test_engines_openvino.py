"""The embedded engine with the real model: exact prompts, grammars, stops, and one answer whatever runs beside it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from pantheon_git.engines import bench, models, open_engine
from pantheon_git.engines.openvino import cut
from pantheon_git.engines.protocol import Completion, Engine, Message, Request
from pantheon_git.errors import EngineError
from tests.engines_kit import SENTENCE, need_model, prompts

pytestmark = pytest.mark.model
T = TypeVar("T")
TEXT = "Bees need a dry hive, food in winter and somebody who looks in once a week."


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def engine(loop: asyncio.Runner) -> Iterator[Engine]:
    """One engine for the module: loading takes seconds, and nothing that is tested here changes it."""
    need_model()
    opened = open_engine("auto", model=models.DEFAULT)
    yield opened
    loop.run(opened.close())


@pytest.fixture
def run(loop: asyncio.Runner) -> Callable[[Awaitable[T]], T]:
    async def await_it(work: Awaitable[T]) -> T:
        return await work

    return lambda work: loop.run(await_it(work))


def ask(engine: Engine, prompt: str, **options: object) -> Request:
    return Request(engine.render([Message("user", prompt)]), **{"max_tokens": 24, **options})  # type: ignore[arg-type]


def test_says_what_it_is(engine: Engine) -> None:
    """Name, file, digest and context of the model that answers."""
    source = models.MODELS[models.DEFAULT]
    assert engine.name == "openvino"
    assert engine.model.name == source.name
    assert engine.model.digest == f"sha256:{source.sha256}"
    assert engine.model.path == models.find(source.name)
    assert engine.model.context_tokens == 8192


def test_renders_the_models_own_template(engine: Engine) -> None:
    """The text ends where the assistant's answer begins; the person's words stay as they are."""
    text = engine.render([Message("system", "Be brief."), Message("user", 'Größe "x"\n\\n {{ 1 }}')])
    assert text == (
        '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nGröße "x"\n\\n {{ 1 }}<|im_end|>\n'
        "<|im_start|>assistant\n"
    )


def test_counts_tokens_of_the_exact_text(engine: Engine) -> None:
    """No token is added, and a special one counts as one."""
    assert engine.count_tokens("") == 0
    assert engine.count_tokens("<|im_start|>") == 1
    assert engine.count_tokens("Hello world") == 2
    assert engine.count_tokens("a " * 1000) >= 1000


def test_completes(engine: Engine, run: Callable[[Awaitable[Completion]], Completion]) -> None:
    """Text, token counts, digest, and times that are none of them negative."""
    request = ask(engine, "What is git?")
    done = run(engine.complete(request))
    assert done.text.strip()
    assert done.finish == "length"
    assert done.tokens_in == engine.count_tokens(request.prompt)
    assert done.tokens_out == 24
    assert done.model_digest == engine.model.digest
    assert min(done.seconds_queue, done.seconds_prefill, done.seconds_decode) >= 0.0


def test_a_prompt_is_sent_as_it_stands(engine: Engine, run: Callable[[Awaitable[Completion]], Completion]) -> None:
    """No chat template is put around it: the model goes on in mid-sentence, and from a prefix of its own answer."""
    assert run(engine.complete(Request("The capital of France is", 1))).text.strip() == "Paris"
    begun = engine.render([Message("user", "What is the capital of France?")]) + "The capital of France is"
    assert run(engine.complete(Request(begun, 1))).text.strip() == "Paris"


def test_the_grammar_binds(engine: Engine, run: Callable[[Awaitable[Completion]], Completion]) -> None:
    """What the grammar allows comes out, parses, and ends by itself."""
    done = run(engine.complete(ask(engine, "Describe a bicycle.", grammar=SENTENCE, max_tokens=120)))
    assert done.finish == "stop"
    assert list(json.loads(done.text)) == ["description"]
    choice = 'root ::= "{\\"tool\\":\\"" ("inspect" | "write") "\\"}"'
    assert json.loads(run(engine.complete(ask(engine, "Which tool?", grammar=choice))).text)["tool"] in (
        "inspect",
        "write",
    )


def test_a_broken_grammar_fails_alone(engine: Engine, run: Callable[[Awaitable[list[object]]], list[object]]) -> None:
    """The request at fault hears why; those in the same batch get the answer that they get without it."""
    good = [ask(engine, f"Count to {n}.", grammar=SENTENCE, max_tokens=8) for n in (3, 4)]
    bad = ask(engine, "x", grammar="root ::= nowhere")

    async def work() -> list[object]:
        found: list[object] = list(
            await asyncio.gather(*map(engine.complete, [good[0], bad, good[1]]), return_exceptions=True)
        )
        return [*found, *[(await engine.complete(one)).text for one in good]]

    first, error, second, *alone = run(work())
    assert isinstance(error, EngineError)
    assert 'Rule "nowhere" is not defined' in error.message
    assert isinstance(first, Completion)
    assert isinstance(second, Completion)
    assert [first.text, second.text] == alone


def test_stops_before_a_stop_string(engine: Engine, run: Callable[[Awaitable[Completion]], Completion]) -> None:
    """Also in the middle of a token; the stop string itself is not part of the text."""
    whole = run(engine.complete(ask(engine, "Name three rivers.", max_tokens=40)))
    word = whole.text[10:14]
    done = run(engine.complete(ask(engine, "Name three rivers.", max_tokens=40, stop=("\x00", word))))
    assert whole.text.startswith(done.text)
    assert word not in done.text
    assert done.finish == "stop"
    assert done.tokens_out < whole.tokens_out


def test_sampling_follows_its_seed(engine: Engine, run: Callable[[Awaitable[list[str]]], list[str]]) -> None:
    """With a temperature the same seed gives the same text, another one another; alone and beside others."""
    asked = [ask(engine, "Tell a story.", temperature=1.0, seed=seed, max_tokens=12) for seed in (1, 1, 2)]

    async def work() -> list[str]:
        alone = [(await engine.complete(one)).text for one in asked]
        return [*alone, *[done.text for done in await asyncio.gather(*map(engine.complete, asked))]]

    texts = run(work())
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]
    assert texts[3:] == texts[:3]


def test_the_same_alone_and_in_a_batch(engine: Engine, run: Callable[[Awaitable[object]], object]) -> None:
    """Twelve prompts, half of them under a grammar: alone, all at once, and straight through a fresh pipeline, whose
    cache is cold; four of them alone once more with a warm one. The same words each time."""
    asked = [
        Request(prompt, 10, grammar=SENTENCE if number % 2 else None) for number, prompt in enumerate(prompts(engine))
    ]

    async def work() -> None:
        alone = [(await engine.complete(one)).text for one in asked]
        again = [(await engine.complete(one)).text for one in asked[:4]]
        batch = await bench.through(engine, asked)
        straight = await asyncio.to_thread(bench.straight, models.DEFAULT, asked)
        assert again == alone[:4]
        assert list(batch.texts) == alone
        assert list(straight.texts) == alone
        assert len(set(alone)) > 6, "the prompts do not tell answers apart"
        assert straight.requests == batch.requests == 12
        assert (straight.tokens_in, straight.tokens_out) == (batch.tokens_in, batch.tokens_out)
        assert min(straight.tokens_per_second, batch.tokens_per_second) > 0.0

    run(work())


def test_scores_are_the_same_alone_and_among_others(engine: Engine, run: Callable[[Awaitable[object]], object]) -> None:
    """Scores and grammar-bound completions in flight together give what each score gives alone, bit for bit."""
    pages = [f"Page {n} of a book about bees.\n\nIt says: " for n in range(4)]

    async def work() -> None:
        alone = [await engine.score(page, TEXT) for page in pages]
        writing = [engine.complete(Request(page, 12, grammar=SENTENCE)) for page in pages]
        found = await asyncio.gather(*writing, *(engine.score(page, TEXT) for page in pages))
        assert list(found[len(pages) :]) == alone

    run(work())


def test_sense_is_likelier_than_nonsense(engine: Engine, run: Callable[[Awaitable[list[float]]], list[float]]) -> None:
    """The words in their order are likelier than shuffled, and likelier after a text that holds them."""
    shuffled = " ".join(sorted(TEXT.split()))

    async def work() -> list[float]:
        asked = [("A sentence: ", TEXT), ("A sentence: ", shuffled), (f"{TEXT}\nThe same again: ", TEXT)]
        return [(await engine.score(prompt, text)).mean for prompt, text in asked]

    plain, mixed, given = run(work())
    assert mixed < plain < given < 0.0


def test_cancelling_frees_the_engine(engine: Engine, run: Callable[[Awaitable[object]], object]) -> None:
    """A request that nobody waits for stops costing time, running or still waiting."""

    async def work() -> None:
        long = [asyncio.create_task(engine.complete(ask(engine, f"{n}", max_tokens=4000))) for n in range(40)]
        await asyncio.sleep(0.5)
        for task in long:
            task.cancel()
        began = time.monotonic()
        await engine.complete(ask(engine, "Hello", max_tokens=2))
        assert time.monotonic() - began < 10.0
        assert all(
            isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*long, return_exceptions=True)
        )

    run(work())


@pytest.mark.parametrize(
    ("prompt", "tokens", "said"), [("", 5, "prompt is empty"), ("word " * 50, 9000, "do not fit the 8192")]
)
def test_requests_that_cannot_be_answered(
    engine: Engine, run: Callable[[Awaitable[object]], object], prompt: str, tokens: int, said: str
) -> None:
    """Said with the request's key, before anything is computed."""
    with pytest.raises(EngineError, match=f"t.1/write/1: .*{said}"):
        run(engine.complete(Request(prompt, tokens, key="t.1/write/1")))


def test_a_text_that_is_too_long_to_score(engine: Engine, run: Callable[[Awaitable[object]], object]) -> None:
    """Scores have a cache of their own, smaller than the model's context: what does not fit is refused at once."""
    with pytest.raises(EngineError, match=r"t\.1/peer-a/1: .* do not fit the 4096"):
        run(engine.score("word " * 4200, "text", "t.1/peer-a/1"))


def test_a_file_that_openvino_cannot_load(tmp_path: Path) -> None:
    """A cut-off model is an expected error; OpenVINO itself would end the process with a segmentation fault."""
    need_model()
    path = tmp_path / "half.gguf"
    with models.find(models.DEFAULT).open("rb") as whole:
        path.write_bytes(whole.read(2**21))
    with pytest.raises(EngineError, match="cut off, 2097152 bytes of 98362432"):
        open_engine("openvino", model=str(path))


@pytest.mark.parametrize(
    ("text", "stop", "found"),
    [
        ("one.two", (".",), ("one", True)),
        ("one.two", ("two", "e."), ("on", True)),
        ("one", (".",), ("one", False)),
        ("one", ("",), ("one", False)),
    ],
)
def test_cut(text: str, stop: tuple[str, ...], found: tuple[str, bool]) -> None:
    """The earliest stop string counts; an empty one never does."""
    assert cut(text, stop) == found


def test_a_closed_engine_says_so(engine: Engine, run: Callable[[Awaitable[object]], object]) -> None:
    """Closing ends what is in flight with an error, and twice is fine. Last of all: nobody needs it after."""

    async def work() -> None:
        flying = asyncio.create_task(engine.complete(Request("Once upon a time", 4000)))
        await asyncio.sleep(0.2)
        await engine.close()
        await engine.close()
        with pytest.raises(EngineError, match="closed"):
            await flying
        with pytest.raises(EngineError, match="closed"):
            await engine.complete(Request("Once", 1))

    run(work())
