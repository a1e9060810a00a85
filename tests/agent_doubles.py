"""Doubles for tests of the agent room.

The jail here runs the tools in this process: the loop is what is tested, the jail has tests of its own.
The engine answers from a list, as the replay engine does from a record: greedy models are not needed to test the loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pantheon_git.engines.protocol import Completion, Message, ModelInfo, Request, Score
from pantheon_git.errors import EngineError
from pantheon_git.jail.protocol import ToolAnswer
from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import ToolError, Workspace


@dataclass
class InProcessJail:
    root: Path
    params: Mapping[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    level: str = "bubblewrap"
    tree: str = "copy"

    async def call(self, tool: str, args: Mapping[str, Any], timeout: float) -> ToolAnswer:
        self.calls.append((tool, dict(args)))
        started = time.monotonic()
        try:
            result = TOOLS[tool].run(Workspace(self.root, self.params), dict(args))
        except ToolError as error:
            return ToolAnswer(False, {"code": error.code, "message": error.message}, time.monotonic() - started)
        return ToolAnswer(True, result, time.monotonic() - started)

    async def close(self) -> None: ...


@dataclass
class ListedEngine:
    """Answers in order; a callable sees the request. Scores come from `scores`, by a substring of the text."""

    answers: Sequence[str | Callable[[Request], str]] = ()
    scores: Callable[[str, str], Sequence[float]] = lambda prompt, text: [-1.0] * max(1, len(text.split()))
    name: str = "listed"
    context: int = 2048
    finish: str = "stop"
    requests: list[Request] = field(default_factory=list)

    @property
    def model(self) -> ModelInfo:
        return ModelInfo("listed", Path("/nowhere"), "sha256:" + "0" * 64, self.context)

    def render(self, messages: Sequence[Message]) -> str:
        said = "".join(f"<|im_start|>{m.role}\n{m.content}<|im_end|>\n" for m in messages)
        return said + "<|im_start|>assistant\n"

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def complete(self, request: Request) -> Completion:
        number = len(self.requests)
        self.requests.append(request)
        if number >= len(self.answers):
            raise EngineError(f"no answer for {request.key}")
        answer = self.answers[number]
        text = answer(request) if callable(answer) else answer
        return Completion(text, self.finish, self.count_tokens(request.prompt), self.count_tokens(text),  # type: ignore[arg-type]
                          0.0, 0.01, 0.02, self.model.digest)  # fmt: skip

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        return Score(tuple(self.scores(prompt, text)), self.model.digest)

    async def close(self) -> None: ...
