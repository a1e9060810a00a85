"""A choice among given options by likelihood: the model writes nothing, so that it cannot answer anything else.

Each option's description is scored after what was asked and after nothing; the difference, summed over its tokens, is
what the question says for it (pointwise mutual information; Church and Hanks 1990). The best is taken only where it
stands clear of the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.record import INPUT, OUTPUT, Record, json_bytes
from pantheon_git.agent.reviewer import CONTROL
from pantheon_git.engines.protocol import Engine


@dataclass(frozen=True)
class Choice:
    option: str | None
    """None: no option stands clear of the others."""
    reason: str
    files: Mapping[str, bytes]
    """input.json, llm_prompt.txt, tool_calls.jsonl, output.json."""
    signed: Mapping[str, Any]
    """For the node's statement: agent, model, digest of the prompts, tokens."""


async def choose(
    loaded: LoadedAgent, goal: str, paths: Sequence[str], options: Mapping[str, str], engine: Engine, key: str
) -> Choice:
    """`options`: name → description. `key`: `JOB/NODE`, under which a replay finds the scores. EngineError where the
    engine dies."""
    settings, record = loaded.agent.settings, Record()
    shown = ", ".join(paths[: settings["paths_shown"]])
    words = goal.encode("utf-8", "replace")[: settings["goal_bytes"]].decode("utf-8", "ignore")
    prompt = loaded.prompt.replace("{paths}", shown.replace("{", "(")).replace("{goal}", " ".join(words.split()))
    gains: dict[str, float] = {}
    for name, description in options.items():
        text = settings["scored"].replace("{description}", " ".join(description.split()))
        given = await _score(record, engine, prompt, text, f"{key}/{name}-given")
        alone = await _score(record, engine, settings["alone"], text, f"{key}/{name}-alone")
        gains[name] = given - alone
    option, reason = _decide(gains, float(settings["min_margin"]), engine.model.digest)
    agent, said = loaded.agent, {name: round(gain, 4) for name, gain in gains.items()}
    about = {"name": agent.name, "version": agent.version, "digest": loaded.digest}
    asked = {"goal": goal, "paths": list(paths), "flows": dict(options)}
    told = {"agent": about, "chosen": option, "by": "model", "reason": reason, "nats": said, "settings": settings}
    signed = {
        "agent": about,
        "model": {"name": engine.model.name, "digest": engine.model.digest, "adapter": engine.model.adapter_digest},
        "prompt_sha256": record.prompt_sha256,
        "tokens": {"in": int(record.numbers["tokens_in"]), "out": 0},
    }
    files = {**record.files(), INPUT: json_bytes(asked), OUTPUT: json_bytes(told)}
    return Choice(option, reason, files, signed)


def _decide(gains: Mapping[str, float], margin: float, digest: str) -> tuple[str | None, str]:
    (best, first), (other, second) = sorted(gains.items(), key=lambda one: (-one[1], one[0]))[:2]
    if digest == CONTROL:
        return None, f"{' and '.join(sorted(gains))} would do, and a control night has no model to choose"
    apart = f"{first - second:.1f} nats before {other}, {margin:g} are asked for"
    if first - second < margin:
        return None, f"{best} fits best, but only {apart}"
    return best, f"the model: {best} fits best, {apart}"


async def _score(record: Record, engine: Engine, prompt: str, text: str, key: str) -> float:
    found = await engine.score(prompt, text, key)
    record.turns.append(f"=== {key} · scored ===\n{prompt}\n=== {key} · text ===\n{text}\n")
    record.lines.append({"turn": key, "who": "model", "logprobs": list(found.logprobs)})
    record.count(steps=1, tokens_in=engine.count_tokens(prompt) + len(found.logprobs))
    return sum(found.logprobs)
