"""What every engine offers. Variants sit in an explicit dict (`engines/__init__.py`), no base class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ModelInfo:
    name: str
    path: Path
    digest: str
    """`sha256:…` of the model file."""
    context_tokens: int
    adapter_digest: str | None = None


@dataclass(frozen=True)
class Request:
    prompt: str
    """The exact text, chat template applied (`Engine.render`)."""
    max_tokens: int
    grammar: str | None = None
    """EBNF (xgrammar's dialect) that the answer must match; None: free text."""
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    key: str = ""
    """`JOB/NODE/STEP`: how the replay engine finds the recorded answer."""
    control: str | None = None
    """The answer in place of the model's own in a control run: built from the first computed candidate."""


@dataclass(frozen=True)
class Completion:
    text: str
    finish: Literal["stop", "length"]
    tokens_in: int
    tokens_out: int
    seconds_queue: float
    seconds_prefill: float
    seconds_decode: float
    model_digest: str
    adapter_digest: str | None = None


@dataclass(frozen=True)
class Score:
    """Natural-log probabilities that the model gives each token of `text` after `prompt`."""

    logprobs: tuple[float, ...]
    model_digest: str
    adapter_digest: str | None = None

    @property
    def mean(self) -> float:
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else 0.0


class Engine(Protocol):
    """Batched text generation. Every method may be called from many tasks at once; errors are EngineError."""

    name: str
    model: ModelInfo

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text under the model's own chat template, ending where the assistant's answer begins."""

    def count_tokens(self, text: str) -> int: ...

    async def complete(self, request: Request) -> Completion: ...

    async def score(self, prompt: str, text: str, key: str = "") -> Score: ...

    async def close(self) -> None: ...
