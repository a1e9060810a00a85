"""How an agent's run ends: the stop reason, the verdict that follows from it, and the files of the artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pantheon_git.ledger.records import Verdict


class StopReason(StrEnum):
    """Every way out of the loop. There is no other."""

    FINAL = "final"
    """The agent finished; for a reviewer: it has judged."""
    REFUSED = "refused"
    """A tool said that the work is not safe to do."""
    INPUT = "input"
    """The task's parameters break the agent's contract."""
    MAX_STEPS = "max-steps"
    MAX_TOOL_CALLS = "max-tool-calls"
    MAX_FAILURES = "max-failures"
    DEADLINE = "deadline"
    TOKENS = "tokens"
    """The job's budget of written tokens is used up."""
    CONTEXT = "context"
    """The prompt does not fit the model, however much is cut."""
    ENGINE = "engine"
    JAIL = "jail"


_VERDICTS: Mapping[StopReason, Verdict] = {
    StopReason.FINAL: "pass",
    StopReason.REFUSED: "refused",
    StopReason.ENGINE: "error",
    StopReason.JAIL: "error",
}
"""All others are an honest `fail`."""


@dataclass(frozen=True)
class Stop:
    """Why a run stopped, in a word and in a sentence."""

    reason: StopReason
    detail: str = ""
    output: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        return _VERDICTS.get(self.reason, "fail")

    @property
    def sentence(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


@dataclass(frozen=True)
class Outcome:
    """What one run of an agent came to."""

    stop: StopReason
    verdict: Verdict
    """For a specialist it follows from `stop`; a reviewer that finished passes or fails."""
    reason: str
    """One line for the ledger's note."""
    output: Mapping[str, Any]
    files: Mapping[str, bytes]
    """The artifact: input.json, llm_prompt.txt, tool_calls.jsonl, output.json (or review.json), metrics.json."""
    metrics: Mapping[str, Any]
    authorship: Mapping[str, str]
    """Field → who wrote it: `model`, `model-copied` (the model's answer stands word for word in what it was shown),
    `tool`, `fallback`, `kept`. For several documents the keys are `PATH:FIELD`."""
    transient: bool = False
    """The machinery failed, not the work: another attempt may go well."""
    signed: Mapping[str, Any] = field(default_factory=dict)
    """Agent, model, digest of the prompts, limits: what the statement says besides."""

    def predicate(self) -> dict[str, Any]:
        """For `NodeResult.predicate`."""
        tokens = {name: self.metrics.get(f"tokens_{name}", 0) for name in ("in", "out")}
        return {**self.signed, "authorship": dict(self.authorship), "tokens": tokens, "stop": self.stop.value}
