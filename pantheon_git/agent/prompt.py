"""The thick prompt: role and constraints, schema cards, conventions, examples; then goals and results of this document.

Everything that the documents of a night share comes first, so that the engine's prefix cache pays for it once.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pantheon_git.agent.actions import FINAL, Legal, render
from pantheon_git.agent.context import Piece
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.view import TaskView
from pantheon_git.engines.protocol import Message
from pantheon_git.tools import TOOLS

Pieces = Sequence[Piece]
EXAMPLES = "examples.toml"
_CONVENTIONS = 12
"""Entries of a list among the conventions that are shown."""


def messages(
    loaded: LoadedAgent, view: TaskView, legal: Sequence[Legal], pieces: Sequence[Piece], problems: Sequence[str]
) -> list[Message]:
    """The conversation up to the answer that is asked for now."""
    shared = [Message("system", system(loaded, view, legal)), *examples(loaded, legal)]
    return [*shared, Message("user", ask(view.goals, pieces, problems))]


def system(loaded: LoadedAgent, view: TaskView, legal: Sequence[Legal]) -> str:
    """Shared by all documents of a night that are in the same state."""
    parts = [loaded.prompt.strip(), *(card(option) for option in legal), conventions(loaded, view.params)]
    return "\n\n".join(part for part in parts if part)


def card(option: Legal) -> str:
    """The schema card of one action: what it is for, what the model fills in, and an example."""
    if option.name == FINAL:
        return f"Action {FINAL}: end here. Answer: {render(FINAL, dict.fromkeys(option.asked, '…'))}"
    tool = TOOLS[option.name]
    lines = [f"Action {option.name}: {tool.summary}"]
    for name, schema in option.asked.items():
        lines.append(f"- {name} ({schema.get('type', 'text')}): {schema.get('description', '')}".rstrip(": "))
    example = {name: tool.example[name] for name in option.asked if name in tool.example}
    if example:
        lines.append(f"Example: {render(option.name, example)}")
    return "\n".join(lines)


def conventions(loaded: LoadedAgent, params: Mapping[str, Any]) -> str:
    """The parameters that the manifest wants the model to see (`settings.conventions`)."""
    shown = [name for name in loaded.agent.settings.get("conventions", ()) if params.get(name)]
    return "\n".join(f"{label(name)}: {flat(params[name], _CONVENTIONS)}" for name in shown)


def examples(loaded: LoadedAgent, legal: Sequence[Legal]) -> list[Message]:
    """Worked examples of the agent's own (`examples.toml`), as earlier turns, for the actions that are legal now."""
    raw = tomllib.loads(loaded.files[EXAMPLES].decode()) if EXAMPLES in loaded.files else {}
    turns: list[Message] = []
    for example in raw.get("example", ()):
        option = next((option for option in legal if option.name == example["tool"]), None)
        if option is not None and set(option.asked) == set(example["args"]):
            pieces = [Piece(name, label(name), flat(value)) for name, value in example["show"].items()]
            turns.append(Message("user", ask((), pieces, ())))
            turns.append(Message("assistant", render(option.name, {n: example["args"][n] for n in option.asked})))
    return turns


def ask(goals: Sequence[str], pieces: Sequence[Piece], problems: Sequence[str]) -> str:
    """The document's own turn: results, goals, and what was wrong with the last answer."""
    lines = [f"{piece.label}: {piece.text}" for piece in pieces]
    lines += [f"Goal: {goal}" for goal in goals]
    lines += [f"Not accepted: {problem}" for problem in problems]
    return "\n".join(lines)


def pieces(results: Sequence[tuple[str, Mapping[str, Any]]], shown: Mapping[str, Sequence[str]]) -> list[Piece]:
    """The results as pieces of text, oldest first; `shown` limits a tool's result to some of its keys."""
    return [
        Piece(f"{tool}.{key}", label(key), text)
        for tool, result in results
        for key in shown.get(tool) or result
        if (text := flat(result.get(key))) != ""
    ]


def label(key: str) -> str:
    return key.replace("_", " ").capitalize()


def flat(value: Any, most: int = 1000) -> str:
    """One line: texts as they are, lists with semicolons, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "; ".join(flat(item) for item in value[:most])
    return "" if value is None else json.dumps(value, ensure_ascii=False)
