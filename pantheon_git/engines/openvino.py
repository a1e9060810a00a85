"""The embedded engine: OpenVINO GenAI on the CPU, from one GGUF file, all requests of a night in one batch.

Precision is set to f32 for arithmetic and cache: with the defaults an answer depends on what else is in the batch
(9 of 16 the same; with f32 16 of 16). Prompts go in as token ids of the exact text: no chat template is applied twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.engines import gguf, models
from pantheon_git.engines.batcher import PREFIX_TOKENS, Batcher, Finished, Work
from pantheon_git.engines.echo import Memory, echoed
from pantheon_git.engines.protocol import Completion, Message, ModelInfo, Request, Score
from pantheon_git.errors import EngineError

PROPERTIES = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
INSTALL = "pip install 'pantheon-git[cpu]'"


@dataclass(frozen=True)
class Settings:
    cache_gb: int = 2
    """Most memory that keys and values may take; touched only as it fills. 2 GB: 46,000 tokens of the 135M model."""
    batch: int = 32
    """Requests computed together; more wait."""
    step_tokens: int = 1024
    """Most tokens computed in one step: longer prompts are read in pieces, so that running answers go on meanwhile."""


class OpenVinoEngine:
    """See `protocol.Engine`. The constructor returns when the model is loaded (about 3.5 s for the 135M model).

    `tokens_cached` is 0 in a completion: the pipeline does not say what its prefix cache held. Times are measured here:
    queue = from the call until the pipeline got the request, prefill = until the first token was seen after a step
    (this includes waiting for room inside the pipeline), decode = the rest.
    """

    name = "openvino"

    def __init__(self, model: str, settings: Settings | None = None) -> None:
        path = models.find(model)
        name = model if model in models.MODELS else path.stem
        self.model = ModelInfo(name, path, models.digest(path), gguf.context_tokens(path))
        self.settings = settings or Settings()
        self._genai = _import()
        self._memory = Memory()
        self._exact: Batcher | None = None
        self._tokenizer: Any = None
        self._eos = -1
        self._batcher = Batcher(lambda: self._load(prefix_caching=True), limit=self.settings.batch)

    def render(self, messages: Sequence[Message]) -> str:
        plain = [{"role": message.role, "content": message.content} for message in messages]
        return str(self._tokenizer.apply_chat_template(plain, add_generation_prompt=True))

    def count_tokens(self, text: str) -> int:
        return len(self._encode(text)) if text else 0

    async def complete(self, request: Request) -> Completion:
        ids = self._encode(request.prompt)
        self._must_fit(len(ids) + request.max_tokens, request.key)
        done = await self._run(self._batcher, ids, self._config(request))
        text, stopped = _cut(self._decode(done.ids), request.stop)
        return Completion(
            text=text,
            finish="stop" if stopped or done.reason == "STOP" else "length",
            tokens_in=len(ids),
            tokens_cached=0,
            tokens_out=len(done.ids),
            seconds_queue=done.added - done.submitted,
            seconds_prefill=done.first - done.added,
            seconds_decode=done.done - done.first,
            model_digest=self.model.digest,
        )

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        """Prompt and text are turned into tokens apart, so that the text's tokens do not depend on the prompt.

        One prefill and one token. What the prefix cache keeps from being echoed comes from `echo.Memory`, and where
        that does not know it (a text that `complete` itself wrote after the same prompt) from a second pipeline
        without a prefix cache, which is loaded when first needed (3.5 s, 170 MB).
        """
        head, tail = self._encode(prompt), self._encode(text)
        if not head or not tail:
            raise EngineError(f"{key or 'score'}: prompt and text must not be empty")
        ids, start = head + tail, len(head)
        self._must_fit(len(ids) + 1, key)
        wanted = range(start, len(ids))
        known = self._memory.recall(ids, start)
        if len(known) < len(wanted):
            known |= echoed(len(ids), (await self._run(self._batcher, ids, self._echo_config())).logprobs)
        if any(at not in known for at in wanted):
            known |= echoed(len(ids), (await self._run(await self._uncached(), ids, self._echo_config())).logprobs)
        self._memory.keep(ids, start, known)
        return Score(tuple(known[at] for at in wanted), self.model.digest)

    async def close(self) -> None:
        for batcher in (self._batcher, self._exact):
            if batcher is not None:
                await asyncio.to_thread(batcher.close)

    async def _run(self, batcher: Batcher, ids: list[int], config: Any) -> Finished:
        work = Work(_tensor(ids), tuple(ids[:PREFIX_TOKENS]), config)
        return await asyncio.wrap_future(batcher.submit(work))

    def _must_fit(self, tokens: int, key: str) -> None:
        if tokens > self.model.context_tokens:
            room = f"the {self.model.context_tokens} of {self.model.name}"
            raise EngineError(f"{key or 'request'}: {tokens} tokens do not fit {room}")

    async def _uncached(self) -> Batcher:
        if self._exact is None:
            self._exact = await asyncio.to_thread(
                Batcher, lambda: self._load(prefix_caching=False), limit=self.settings.batch, name="engine-exact"
            )
        return self._exact

    def _load(self, *, prefix_caching: bool) -> Any:
        scheduler = self._genai.SchedulerConfig()
        scheduler.cache_size = self.settings.cache_gb
        scheduler.max_num_seqs = self.settings.batch
        scheduler.max_num_batched_tokens = self.settings.step_tokens
        scheduler.enable_prefix_caching = prefix_caching
        pipeline = self._genai.ContinuousBatchingPipeline(str(self.model.path), scheduler, "CPU", PROPERTIES)
        self._tokenizer = pipeline.get_tokenizer()
        self._eos = pipeline.get_config().eos_token_id
        return pipeline

    def _config(self, request: Request) -> Any:
        config = self._genai.GenerationConfig()
        config.eos_token_id = self._eos
        config.apply_chat_template = False
        config.max_new_tokens = request.max_tokens
        if request.temperature > 0:
            config.do_sample, config.temperature, config.rng_seed = True, request.temperature, request.seed
        if request.stop:
            config.stop_strings = set(request.stop)
        if request.grammar is not None:
            config.structured_output_config = self._genai.StructuredOutputConfig(grammar=request.grammar)
        return config

    def _echo_config(self) -> Any:
        config = self._genai.GenerationConfig()
        config.eos_token_id = self._eos
        config.apply_chat_template = False
        config.max_new_tokens, config.echo, config.logprobs = 1, True, 1
        return config

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()
        return ids

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids))) if ids else ""


def _cut(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """The text before the first stop string, and whether there was one."""
    found = [at for at in (text.find(word) for word in stop if word) if at >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _import() -> Any:
    try:
        import openvino_genai
    except ImportError as error:
        raise EngineError(f"the openvino engine is not installed ({error})", INSTALL) from error
    return openvino_genai


def _tensor(ids: list[int]) -> Any:
    import numpy
    import openvino

    return openvino.Tensor(numpy.array([ids], dtype=numpy.int64))
