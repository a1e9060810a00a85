"""The control: the first computed candidate in place of every answer of the model, to see what the model earns."""

from __future__ import annotations

from collections.abc import Sequence

from pantheon_git.engines.protocol import Completion, Message, ModelInfo, Request, Score
from pantheon_git.engines.replay import estimate, info, plain
from pantheon_git.errors import EngineError


class ControlEngine:
    """Answers `Request.control`. Every token scores 0 (probability 1): no likelihood ever speaks against a text.

    It loads no tokenizer: `count_tokens` estimates one token for four characters.
    """

    name = "control"

    def __init__(self) -> None:
        self.model: ModelInfo = info("control")

    def render(self, messages: Sequence[Message]) -> str:
        return plain(messages)

    def count_tokens(self, text: str) -> int:
        return estimate(text)

    async def complete(self, request: Request) -> Completion:
        if request.control is None:
            raise EngineError(f"{request.key or 'request'}: no control answer was given")
        return Completion(
            text=request.control,
            finish="stop",
            tokens_in=estimate(request.prompt),
            tokens_out=estimate(request.control),
            seconds_queue=0.0,
            seconds_prefill=0.0,
            seconds_decode=0.0,
            model_digest=self.model.digest,
        )

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        return Score((0.0,) * estimate(text), self.model.digest)

    async def close(self) -> None:
        return
