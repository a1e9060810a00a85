"""Answers from a record: how a failed job is run again by day, and how most tests drive real flows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pantheon_git.engines.protocol import Completion, Message, ModelInfo, Request, Score
from pantheon_git.errors import EngineError

CONTEXT_TOKENS = 8192


def info(name: str) -> ModelInfo:
    """The model of an engine that has none: the digest says so, and can be taken for no model file's."""
    return ModelInfo(name, Path(), f"none:{name}", CONTEXT_TOKENS)


def plain(messages: Sequence[Message]) -> str:
    """ChatML, which both embedded model families use."""
    turns = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages)
    return turns + "<|im_start|>assistant\n"


def estimate(text: str) -> int:
    """Tokens of a text where no tokenizer is loaded: one for four characters, rounded up."""
    return -(-len(text) // 4)


class ReplayEngine:
    """`answers`: request key -> recorded completion, or for a score the recorded log-probabilities as a JSON list.

    Any model name may stand in the record: `model` is told by whoever opens the replay, so that artifacts made in it
    carry the digest of the model that once answered.
    """

    name = "replay"

    def __init__(self, answers: Mapping[str, str], model: ModelInfo | None = None) -> None:
        self.answers = answers
        self.model = model or info("replay")

    def render(self, messages: Sequence[Message]) -> str:
        return plain(messages)

    def count_tokens(self, text: str) -> int:
        return estimate(text)

    async def complete(self, request: Request) -> Completion:
        text = self._recorded(request.key)
        return Completion(
            text=text,
            finish="stop",
            tokens_in=estimate(request.prompt),
            tokens_out=estimate(text),
            seconds_queue=0.0,
            seconds_prefill=0.0,
            seconds_decode=0.0,
            model_digest=self.model.digest,
            adapter_digest=self.model.adapter_digest,
        )

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        recorded = self._recorded(key)
        try:
            numbers = json.loads(recorded)
        except ValueError as error:
            raise EngineError(f"the record of {key} holds no scores: {recorded[:60]!r}") from error
        if not isinstance(numbers, list) or not all(isinstance(one, int | float) for one in numbers):
            raise EngineError(f"the record of {key} holds no scores: {recorded[:60]!r}")
        return Score(tuple(float(one) for one in numbers), self.model.digest, self.model.adapter_digest)

    async def close(self) -> None:
        return

    def _recorded(self, key: str) -> str:
        if key not in self.answers:
            known = ", ".join(sorted(self.answers)[:5]) or "nothing"
            raise EngineError(f"the record has no answer for {key!r} (it has {known})", "pantheon-git trace TASK")
        return self.answers[key]
