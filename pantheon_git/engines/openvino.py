"""The embedded engine: OpenVINO GenAI on the CPU, from one GGUF file, all requests of a night in one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pantheon_git.engines import gguf, models
from pantheon_git.engines.batcher import PREFIX_TOKENS, Batcher, Finished, Pipeline, Work
from pantheon_git.engines.genai import Loaded, Settings, genai, tensor
from pantheon_git.engines.protocol import Completion, Message, ModelInfo, Request, Score
from pantheon_git.errors import EngineError

SCORES = 8
"""Texts scored together; more bring nothing, because reading keeps the cores busy by itself."""


SCORE_TOKENS = 4096
"""Longest prompt and text together that can be scored. The cache of a pipeline without prefix caching fills too."""


class OpenVinoEngine:
    """See `protocol.Engine`. The constructor returns when the model is loaded.

    What its prefix cache held of a request the pipeline does not say, so no such figure is recorded. Times are measured
    here: queue = from the call until the pipeline got the request, prefill = until the first token was seen after a
    step (this includes waiting for room inside the pipeline), decode = the rest.
    """

    name = "openvino"

    def __init__(self, model: str, settings: Settings | None = None) -> None:
        genai()  # before the model is looked for: an engine that is missing is the nearer trouble
        path = models.find(model)
        name = model if model in models.MODELS else path.stem
        if model not in models.MODELS:
            gguf.check_whole(path)
        self.model = ModelInfo(name, path, models.digest_read(path), gguf.context_tokens(path))
        self.settings = settings or Settings()
        self._loaded: Loaded | None = None
        self._batcher = Batcher(self._load, limit=self.settings.batch)
        self._scorer: Batcher | None = None
        self._scorer_lock = asyncio.Lock()

    def render(self, messages: Sequence[Message]) -> str:
        return self._model.render(messages)

    def count_tokens(self, text: str) -> int:
        return len(self._model.encode(text))

    async def complete(self, request: Request) -> Completion:
        ids = self._model.encode(request.prompt)
        if not ids:
            raise EngineError(f"{request.key or 'request'}: the prompt is empty")
        self._must_fit(len(ids) + request.max_tokens, request.key)
        done = await _run(self._batcher, ids, self._model.config(request))
        text, stopped = cut(self._model.decode(done.ids), request.stop)
        return Completion(
            text=text,
            finish="stop" if stopped or done.reason == "STOP" else "length",
            tokens_in=len(ids),
            tokens_out=len(done.ids),
            seconds_queue=done.added - done.submitted,
            seconds_prefill=done.first - done.added,
            seconds_decode=done.done - done.first,
            model_digest=self.model.digest,
        )

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        """Prompt and text are turned into tokens apart, so that the text's tokens do not depend on the prompt.

        Scores have a pipeline of their own (loaded when first needed: 3.5 s, 170 MB). An echo is right only in a batch
        of echoes: in a step with any other request it brought the probabilities of other rows, about -10 a token (12 of
        12 texts, beside 6 completions; openvino-genai 2026.4), and a cached prefix is not echoed at all. Echoes among
        themselves are bit for bit those of each text alone, and 8 at a time take a fifth less CPU than one by one.
        """
        head, tail = self._model.encode(prompt), self._model.encode(text)
        if not head or not tail:
            raise EngineError(f"{key or 'score'}: prompt and text must not be empty")
        ids = head + tail
        self._must_fit(len(ids) + 1, key, SCORE_TOKENS)
        done = await _run(await self._scoring(), ids, self._model.echo_config())
        # A placeholder for token 0, one number for each further token, one for the generated token.
        if len(done.logprobs) != len(ids) + 1:
            raise EngineError(f"{key or 'score'}: {len(done.logprobs)} log-probabilities for {len(ids)} tokens")
        return Score(tuple(done.logprobs[len(head) : -1]), self.model.digest)

    async def close(self) -> None:
        for batcher in (self._batcher, self._scorer):
            if batcher is not None:
                await asyncio.to_thread(batcher.close)

    @property
    def _model(self) -> Loaded:
        assert self._loaded is not None  # noqa: S101 -- the constructor waits for it
        return self._loaded

    def _load(self) -> Pipeline:
        self._loaded = Loaded(self.model.path, self.settings)
        pipeline: Pipeline = self._loaded.pipeline
        return pipeline

    def _load_scoring(self) -> Pipeline:
        pipeline: Pipeline = Loaded(self.model.path, scoring_settings(self.settings), prefix_caching=False).pipeline
        return pipeline

    async def _scoring(self) -> Batcher:
        async with self._scorer_lock:
            if self._scorer is None:
                self._scorer = await asyncio.to_thread(Batcher, self._load_scoring, limit=SCORES, name="score")
        return self._scorer

    def _must_fit(self, tokens: int, key: str, most: int | None = None) -> None:
        room = min(self.model.context_tokens, most or self.settings.cache_tokens)
        if tokens > room:
            raise EngineError(f"{key or 'request'}: {tokens} tokens do not fit the {room} of {self.model.name}")


async def _run(batcher: Batcher, ids: list[int], config: object) -> Finished:
    work = Work(tensor(ids), tuple(ids[:PREFIX_TOKENS]), config)
    return await asyncio.wrap_future(batcher.submit(work))


def scoring_settings(settings: Settings) -> Settings:
    """Nothing is kept between scores. An echo needs a probability for each word of the vocabulary and each token of a
    step: 200 KB a token, so small steps. Of 48 texts, 12,300 tokens: 700 MB in steps of 256 with room for 4,096 tokens,
    1,220 MB in steps of 1,024 with room for 12,288; no slower."""
    return replace(settings, batch=SCORES, step_tokens=256, cache_tokens=SCORE_TOKENS)


def cut(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """The text before the first stop string, and whether there was one."""
    found = [at for at in (text.find(word) for word in stop if word) if at >= 0]
    return (text[: min(found)], True) if found else (text, False)
