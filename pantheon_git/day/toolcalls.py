"""`bench tools`: which tools a model calls, and with what, through the loop that specialists run in.

The cases have the form of the Berkeley Function Calling Leaderboard, single turn (Patil et al., "The Berkeley Function
Calling Leaderboard", ICML 2025): a question and functions; right is one call, several at once, or none at all. The
functions do not exist, so nothing is run and there is no jail: what the loop would call is written down.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pantheon_git.agent import loop
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.outcome import Outcome
from pantheon_git.agent.view import TaskView
from pantheon_git.engines.protocol import Engine
from pantheon_git.errors import PantheonError
from pantheon_git.jail.protocol import ToolAnswer
from pantheon_git.spec.agent import Agent
from pantheon_git.tools.protocol import Tool

CASES = "cases.jsonl"
MOST_CALLS = 8
AT_ONCE = 8
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}
PROMPT = """You answer a question by calling actions. Call the action that does what is asked, more than once or
several of them where the question asks for several things, with the values that the question gives. Where no action
does what is asked, or the question lacks a value that is needed, call none.
Answer with a list of calls: [{"tool": ACTION, "args": {ARGUMENT: VALUE}}], or [] for none."""


@dataclass
class Figures:
    cases: int = 0
    called: int = 0
    declined: int = 0
    failed: int = 0
    """Answers that were no list of calls that the functions' schemas allow; they count as no call."""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0
    cpu_seconds: float = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Paper:
    """In place of a jail: a call is written down and answered with nothing, since its function does not exist."""

    level: str = "none"
    tree: str = "none"
    calls: list[dict[str, Any]] = field(default_factory=list)

    async def call(self, tool: str, args: Mapping[str, Any], timeout: float) -> ToolAnswer:
        self.calls.append({"name": tool, "arguments": dict(args)})
        return ToolAnswer(True, {}, 0.0)

    async def close(self) -> None: ...


def load_cases(folder: Path) -> list[dict[str, Any]]:
    """Rows of `cases.jsonl`: `id`, `question` (turns of messages), `function` (a list of functions)."""
    file = folder / CASES
    if not file.is_file():
        raise PantheonError(f"{file}: no such file", "pantheon-git bench tools --help")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


async def bench_tools(
    cases: Sequence[Mapping[str, Any]], engine: Engine, told: Callable[[str], None]
) -> tuple[Figures, list[dict[str, Any]]]:
    """Ask the engine about every case; figures, and a row for each: `id`, `calls`."""
    figures, slots, started, cpu = Figures(), asyncio.Semaphore(AT_ONCE), time.monotonic(), time.process_time()

    async def one(case: Mapping[str, Any]) -> dict[str, Any]:
        async with slots:
            calls, outcome = await ask(case, engine)
        figures.cases += 1
        figures.called += bool(calls)
        figures.declined += not calls and outcome.verdict == "pass"
        figures.failed += outcome.verdict != "pass"
        figures.tokens_in += int(outcome.metrics["tokens_in"])
        figures.tokens_out += int(outcome.metrics["tokens_out"])
        told(f"{figures.cases} of {len(cases)}")
        return {"id": case["id"], "calls": calls}

    rows = await asyncio.gather(*map(one, cases))
    figures.seconds, figures.cpu_seconds = time.monotonic() - started, time.process_time() - cpu
    return figures, rows


async def ask(case: Mapping[str, Any], engine: Engine) -> tuple[list[dict[str, Any]], Outcome]:
    """One case: the calls that the loop makes of the model's answer, and how the loop ended."""
    tools = {tool.name: tool for tool in map(_tool, case["function"])}
    paper = _Paper()
    asked = "\n".join(message["content"] for message in case["question"][0])
    view = TaskView(job=f"{case['id']}.1", node="call", paths=("",), goals=(asked,))
    outcome = await loop.run(_agent(tools), view, paper, engine, tools=tools)  # type: ignore[arg-type]
    return (paper.calls if outcome.verdict == "pass" else []), outcome


def _agent(tools: Mapping[str, Tool]) -> LoadedAgent:
    """A manifest in which every function may be called, and the end is possible at once."""
    used = {}
    for name, tool in tools.items():
        needed = list(tool.input.get("required", ()))
        optional = [argument for argument in tool.input.get("properties", {}) if argument not in needed]
        used[name] = {"ask": [*needed, *optional], "optional": optional,
                      "form": dict.fromkeys(tool.input.get("properties", {}), "text")}  # fmt: skip
    manifest = {
        "name": "bench.tools", "version": "1", "description": "Calls functions.", "runtime": {"origin": "local"},
        "loop": {"over": "task", "calls": MOST_CALLS, "max_tool_calls": MOST_CALLS, "max_steps": 1, "max_failures": 0},
        "states": {"start": {"tools": dict.fromkeys(tools, "start"), "final": True}},
        "tools": used,
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    return LoadedAgent(Agent.model_validate(manifest), PROMPT, f"sha256:{digest}")


def _tool(function: Mapping[str, Any]) -> Tool:
    schema = json_schema(function["parameters"])
    return Tool(function["name"], function.get("description", ""), schema, lambda workspace, arguments: {})


def json_schema(value: Any) -> Any:
    """The leaderboard's schema language, which has Python's names of types, as JSON Schema."""
    if isinstance(value, list):
        return [json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: json_schema(item) for key, item in value.items() if key != "type"}
    kind = value.get("type")
    if isinstance(kind, dict):  # a parameter that is called `type`
        return {**made, "type": json_schema(kind)}
    kind = _TYPES.get(kind, kind) if isinstance(kind, str) else kind
    return {**made, "type": kind} if kind else made
