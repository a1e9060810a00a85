"""What a run leaves behind: every turn, every call, every number; and the way back to answers for a replay."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.agent.actions import Action
from pantheon_git.engines.protocol import Completion

PROMPTS, CALLS, METRICS, INPUT, OUTPUT = (
    "llm_prompt.txt", "tool_calls.jsonl", "metrics.json", "input.json", "output.json")  # fmt: skip


@dataclass
class Record:
    """Grows with the run; `files` turns it into the artifact. A line's `turn` is the request's key: under that name it
    would be taken for a secret, by what keeps secrets out of the ledger."""

    turns: list[str] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    cuts: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(
            ("steps", "tool_calls", "forced_calls", "failures", "tokens_in", "tokens_out", "seconds_queue",
             "seconds_prefill", "seconds_decode", "seconds_tools"), 0)
    )  # fmt: skip
    digests: dict[str, str | None] = field(default_factory=dict)

    def answered(self, key: str, state: str, prompt: str, said: Completion) -> None:
        """A turn of the model: the exact prompt and the exact answer."""
        self.turns.append(f"=== {key} · state {state} · {said.tokens_in} tokens ===\n{prompt}\n")
        self.turns.append(f"=== {key} · answer · {said.tokens_out} tokens, {said.finish} ===\n{said.text}\n")
        self.lines.append({"turn": key, "state": state, "who": "model", "answer": said.text, "finish": said.finish,
                           "tokens_in": said.tokens_in, "tokens_out": said.tokens_out,
                           "prompt_chars": len(prompt)})  # fmt: skip
        self.count(tokens_in=said.tokens_in, tokens_out=said.tokens_out)
        self.count(seconds_queue=said.seconds_queue, seconds_prefill=said.seconds_prefill)
        self.count(seconds_decode=said.seconds_decode)
        self.digests = {"model": said.model_digest, "adapter": said.adapter_digest}

    def called(self, action: Action, ok: bool, result: Mapping[str, Any], seconds: float) -> None:
        """A call of a tool and what came back."""
        who = "machine" if action.forced else "model"
        self.lines.append({"tool": action.name, "args": dict(action.args), "forced": action.forced, "who": who,
                           "asked": list(action.asked), "ok": ok, "result": dict(result),
                           "seconds": round(seconds, 6)})  # fmt: skip
        self.count(tool_calls=1, forced_calls=int(action.forced), seconds_tools=seconds)

    def rejected(self, key: str, why: str) -> None:
        self.lines.append({"turn": key, "who": "machine", "rejected": why})

    def count(self, **more: float) -> None:
        for name, value in more.items():
            self.numbers[name] += value

    def files(self) -> dict[str, bytes]:
        """The prompts and the calls; empty files are left out."""
        calls = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines)
        made = {PROMPTS: "".join(self.turns), CALLS: calls}
        return {name: utf8(text) for name, text in made.items() if text}

    @property
    def prompt_sha256(self) -> str:
        """Of llm_prompt.txt: what was asked and said, word for word."""
        return hashlib.sha256(utf8("".join(self.turns))).hexdigest()


def utf8(text: str) -> bytes:
    """Lone surrogates (undecodable bytes of a path) become escapes: a file of the artifact is always valid UTF-8."""
    return text.encode("utf-8", "backslashreplace")


def json_bytes(data: Any) -> bytes:
    """JSON as it stands in artifacts: readable, sorted, UTF-8."""
    return utf8(json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def answers_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """What the model said in a recorded node, by key, for the replay engine.

    A completion is its raw text; a score is the JSON list of its log-probabilities. Of a node with `best-of` also what
    was said for the candidates that were not chosen.
    """
    found: dict[str, str] = {}
    for line in b"".join(data for name, data in files.items() if name.endswith(CALLS)).decode().splitlines():
        said = json.loads(line)
        if "answer" in said:
            found[said["turn"]] = said["answer"]
        elif "logprobs" in said:
            found[said["turn"]] = json.dumps(said["logprobs"])
    return found
