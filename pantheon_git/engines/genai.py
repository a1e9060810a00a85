"""The one module that imports OpenVINO GenAI: a pipeline loaded from a GGUF file, its tokenizer, its configurations.

Everything is set so that a request's answer does not depend on what else is computed beside it. Tried with 2026.4, 12
prompts alone, again, and in one batch: with f32 arithmetic and cache 5 of 12 answers stayed the same, because the CPU
plugin still rounds activations to 8 bits by groups wherever weights are stored in 4 bits (another kernel for one row
than for many). With that off too 12 of 12, at about a third more CPU time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon_git.engines.protocol import Message, Request
from pantheon_git.errors import EngineError

PROPERTIES = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
}
BLOCK = 32
"""Tokens in one block of the CPU's cache."""
INSTALL = "pip install 'pantheon-git[cpu]'"


@dataclass(frozen=True)
class Settings:
    cache_tokens: int = 12_288
    """Room for keys and values, 45 KB a token of the 135M model. A prefix cache fills it in a long night, whatever its
    size: more than the requests of a batch need only takes memory. One request must fit."""
    batch: int = 32
    """Requests computed together; more wait."""
    step_tokens: int = 1024
    """Most tokens computed in one step: longer prompts are read in pieces, so that running answers go on meanwhile."""


class Loaded:
    """A pipeline in memory (about 3.5 s and 270 MB for the 135M model). Only `pipeline` is bound to one thread."""

    def __init__(self, path: Path, settings: Settings, *, prefix_caching: bool = True) -> None:
        self.genai = genai()
        scheduler = self.genai.SchedulerConfig()
        scheduler.num_kv_blocks = -(-settings.cache_tokens // BLOCK)
        scheduler.max_num_seqs = settings.batch
        scheduler.max_num_batched_tokens = settings.step_tokens
        scheduler.enable_prefix_caching = prefix_caching
        self.pipeline: Any = self.genai.ContinuousBatchingPipeline(str(path), scheduler, "CPU", PROPERTIES)
        self.tokenizer: Any = self.pipeline.get_tokenizer()
        self._eos: int = self.pipeline.get_config().eos_token_id

    def render(self, messages: Sequence[Message]) -> str:
        plain = [{"role": message.role, "content": message.content} for message in messages]
        return str(self.tokenizer.apply_chat_template(plain, add_generation_prompt=True))

    def encode(self, text: str) -> list[int]:
        """Tokens of exactly this text: no token is added in front, special ones are known by their spelling."""
        if not text:
            return []
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids))) if ids else ""

    def config(self, request: Request) -> Any:
        config = self._greedy(request.max_tokens)
        if request.temperature > 0:
            config.do_sample, config.temperature, config.rng_seed = True, request.temperature, request.seed
        if request.stop:
            config.stop_strings = set(request.stop)
        if request.grammar is not None:
            config.structured_output_config = self.genai.StructuredOutputConfig(grammar=request.grammar)
        return config

    def echo_config(self) -> Any:
        """One token, with the log-probabilities of the prompt's own tokens."""
        config = self._greedy(1)
        config.echo, config.logprobs = True, 1
        return config

    def _greedy(self, max_tokens: int) -> Any:
        config = self.genai.GenerationConfig()
        config.eos_token_id = self._eos
        config.apply_chat_template = False
        config.max_new_tokens = max_tokens
        return config


def genai() -> Any:
    try:
        import openvino_genai
    except ImportError as error:
        raise EngineError(f"the openvino engine is not installed ({error})", INSTALL) from error
    return openvino_genai


def tensor(ids: Sequence[int]) -> Any:
    """Token ids as the pipeline takes them, shape [1, tokens]."""
    import numpy
    import openvino

    return openvino.Tensor(numpy.array([ids], dtype=numpy.int64))
