"""The thick prompt: role and constraints, schema cards, conventions, goals, examples; then this document's results.

Everything that the documents of a night share comes first, so that the engine's prefix cache pays for it once.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pantheon_git.agent.actions import FINAL, Legal, Sources, render
from pantheon_git.agent.context import Piece
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.view import TaskView
from pantheon_git.engines.protocol import Message

Pieces = Sequence[Piece]
EXAMPLES = "examples.toml"
_CONVENTIONS = 12
"""Entries of a list among the conventions that are shown."""


def messages(
    loaded: LoadedAgent, view: TaskView, legal: Sequence[Legal], pieces: Sequence[Piece], problems: Sequence[str]
) -> list[Message]:
    """The conversation up to the answer that is asked for now."""
    shared = [Message("system", system(loaded, view, legal)), *examples(loaded, legal)]
    said = ask(pieces, problems)
    whole = loaded.agent.loop.over == "task"  # no two runs share their goals: they are the user's turn
    return [*shared, Message("user", "\n".join(filter(None, (goals(view), said))) if whole else said)]


def system(loaded: LoadedAgent, view: TaskView, legal: Sequence[Legal]) -> str:
    """Shared by all documents of a night that are in the same state."""
    told = [option.use.instruct for option in legal]
    parts = [loaded.prompt.strip(), *(card(option) for option in legal), conventions(loaded, view.params), *told]
    last = "" if loaded.agent.loop.over == "task" else goals(view)
    return "\n\n".join(part for part in [*parts, last] if part)


def goals(view: TaskView) -> str:
    """Summary and acceptance criteria, echoed. A path of the task is called “this document”: tasks that differ in the
    path alone share their prompt up to the document, and a small model is not led astray by words of a path (on 65
    documents: own words .62 and ROUGE-L .394 so, .51 and .368 with the goals after the examples)."""
    said = "\n".join(f"Goal: {goal}" for goal in view.goals)
    for path in sorted(filter(None, view.paths), key=len, reverse=True):
        said = said.replace(path, "this document")
    return said


def card(option: Legal) -> str:
    """The schema card of one action: what it is for, what the model fills in, and an example."""
    tool = option.tool
    if tool is None:
        return f"Action {FINAL}: end here. Answer: {render(FINAL, dict.fromkeys(option.asked, '…'))}"
    lines = [f"Action {option.name}: {tool.summary}"]
    for name, schema in option.asked.items():
        kind = shape(schema) + (", may be left out" if name in option.use.optional else "")
        lines.append(f"- {name} ({kind}): {schema.get('description', '')}".rstrip(": "))
    example = {name: tool.example[name] for name in option.asked if name in tool.example}
    if len(example) == len(option.asked):
        lines.append(f"Example: {option.render(example)}")
    return "\n".join(lines)


def shape(schema: Mapping[str, Any]) -> str:
    """What a value looks like, in a few words: its type, the values of a choice, the keys of an object."""
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kind = str(schema.get("type", "text"))
    if kind == "array" and schema.get("items"):
        return f"array of {shape(schema['items'])}"
    if kind == "object" and schema.get("properties"):
        return "object with " + ", ".join(f"{name} ({shape(each)})" for name, each in schema["properties"].items())
    return kind


def conventions(loaded: LoadedAgent, params: Mapping[str, Any]) -> str:
    """The parameters that the manifest wants the model to see (`settings.conventions`)."""
    shown = [name for name in loaded.agent.settings.get("conventions", ()) if params.get(name)]
    return "\n".join(f"{label(name)}: {flat(params[name], _CONVENTIONS)}" for name in shown)


def examples(loaded: LoadedAgent, legal: Sequence[Legal]) -> list[Message]:
    """Worked examples of the agent's own (`examples.toml`), as earlier turns: for each, what this action shows of it,
    and the answer to what this action asks. Only where one action is legal: a choice of actions has no such examples.
    """
    if len(legal) != 1 or EXAMPLES not in loaded.files:
        return []
    option = legal[0]
    turns: list[Message] = []
    for example in tomllib.loads(loaded.files[EXAMPLES].decode()).get("example", ()):
        if set(option.asked) <= set(example["answer"]):
            shown = [Piece(name, name, example["show"][name]) for name in option.use.show if name in example["show"]]
            turns.append(Message("user", ask(shown, ())))
            answer = option.render({name: example["answer"][name] for name in option.asked})
            turns.append(Message("assistant", answer))
    return turns


def ask(pieces: Sequence[Piece], problems: Sequence[str]) -> str:
    """The document's own turn: results, and what was wrong with the last answer."""
    lines = [f"{piece.label}: {piece.text}" for piece in pieces]
    lines += [f"Not accepted: {problem}" for problem in problems]
    return "\n".join(lines)


def pieces(legal: Sequence[Legal], sources: Sources) -> list[Piece]:
    """What the results and the task show the model: what the legal actions ask to see, else the results whole."""
    shown = {name: source for option in legal for name, source in option.use.show.items()}
    if not shown:
        shown = {label(key): f"result.{tool}.{key}" for tool, result in sources.results.items() for key in result}
    found = ((name, source, flat(sources.find(source))) for name, source in shown.items())
    return [Piece(source.removeprefix("result."), name, text) for name, source, text in found if text]


def label(key: str) -> str:
    return key.replace("_", " ").capitalize()


def flat(value: Any, most: int = 1000) -> str:
    """One line: texts as they are, lists with semicolons, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "; ".join(flat(item) for item in value[:most])
    return "" if value is None else json.dumps(value, ensure_ascii=False)
