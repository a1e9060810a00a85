"""A spec as a question to a model, and its answer as wishes.

The model proposes; what it says becomes a task only where it names a specialist of this repository and files that git
tracks, as any line of a board (`intake`). It can set no command, flow or limit: a check that a model invented would be
run.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.day.intents import Roster
from pantheon_git.day.queue import meant_for
from pantheon_git.day.wish import PRIORITIES, Wish
from pantheon_git.errors import PantheonError
from pantheon_git.ledger.redact import Redactor
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.task import Acceptance

MAX_FILES = 150
"""Names of files in a question, those that the spec is about first; folders are counted besides."""
_SYSTEM = """\
You split a specification into small tasks for specialists. Each specialist does one narrow chore on files that exist.
Use only specialists and files of the lists. One task for one concern; leave out what no specialist does.
Answer with JSON only: {"tasks": [{"line": LINE OF THE SPECIFICATION, "agent": NAME, "paths": [FILE, FOLDER OR GLOB],
"goal": ONE SENTENCE, "acceptance": [WHAT MUST HOLD], "priority": "high" OR "medium" OR "low",
"needs": [NUMBERS OF EARLIER TASKS]}]}.
"""


@dataclass(frozen=True)
class Question:
    """What would be sent, all of it but the model's name."""

    messages: tuple[Mapping[str, str], ...]
    schema: Mapping[str, Any]
    redacted: Mapping[str, int]
    """Kind of secret → how many were taken out."""

    def body(self, model: str, max_tokens: int, plain: bool = False) -> dict[str, Any]:
        """A request to `/chat/completions`; `plain`: without a schema, for endpoints that know none."""
        shape = {"type": "json_schema", "json_schema": {"name": "tasks", "strict": True, "schema": self.schema}}
        return {
            "model": model, "messages": list(self.messages), "temperature": 0, "max_tokens": max_tokens,
            "stream": False, **({} if plain else {"response_format": shape}),
        }  # fmt: skip


def compose(spec: str, roster: Roster) -> Question:
    """The question about a spec, without secrets."""
    numbered = "\n".join(f"{number}| {line}" for number, line in enumerate(spec.splitlines(), 1))
    parts = (
        "Specialists:\n" + "\n".join(_specialist(agent) for agent in roster.agents.values()),
        "Files:\n" + "\n".join(_files(spec, roster)),
        f"Specification:\n{numbered}",
    )
    redactor, counts = Redactor(), Counter[str]()
    redactor.learn([spec.encode("utf-8", "surrogatepass")])
    messages = []
    for role, text in (("system", _SYSTEM), ("user", "\n\n".join(parts))):
        clean, found = redactor.text(text.encode("utf-8", "replace").decode())
        counts.update(found)
        messages.append({"role": role, "content": clean})
    return Question(tuple(messages), _schema(roster), dict(counts))


def _specialist(agent: Agent) -> str:
    kinds = f" ({', '.join(agent.queue.suffixes)})" if agent.queue.suffixes else ""
    return f"- {agent.name}{kinds}: {agent.description}"


def _files(spec: str, roster: Roster) -> list[str]:
    """Files whose name, stem or folder the spec mentions, then others that a specialist is meant for, then the
    folders."""
    words = set(re.findall(r"[\w.-]+", spec.casefold()))
    meant = {path for agent in roster.agents.values() for path in meant_for(roster.tracked, agent.name, agent.queue)}

    def distance(path: str) -> tuple[int, str]:
        parts = path.casefold().split("/")
        named = path in spec or parts[-1] in words or parts[-1].rpartition(".")[0] in words
        return (0 if named else 1 if set(parts[:-1]) & words else 2, path)

    names = sorted(meant, key=distance)
    counts = Counter(path.rpartition("/")[0] or "." for path in names[MAX_FILES:])
    return [*names[:MAX_FILES], *(f"{folder}/ ({number} more files)" for folder, number in sorted(counts.items()))]


def _schema(roster: Roster) -> dict[str, Any]:
    """JSON Schema of the answer, in the subset that every implementation knows; bounds are checked afterwards."""
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    task = {
        "line": {"type": "integer"}, "agent": {"enum": sorted(roster.agents)}, "paths": texts, "goal": text,
        "acceptance": texts, "priority": {"enum": ["high", "medium", "low"]},
        "needs": {"type": "array", "items": {"type": "integer"}},
    }  # fmt: skip
    one = {"type": "object", "properties": task, "required": list(task), "additionalProperties": False}
    tasks = {"type": "array", "items": one}
    return {"type": "object", "properties": {"tasks": tasks}, "required": ["tasks"], "additionalProperties": False}


def said(answer: Any) -> str:
    """The text of a chat completion. PantheonError where the answer has another shape."""
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise PantheonError("the endpoint's answer is no chat completion", "is the address that of an /v1?") from error
    if not isinstance(text, str) or not text.strip():
        raise PantheonError("the model answered nothing", "another model: --model NAME")
    if choice.get("finish_reason") == "length":
        raise PantheonError("the model was cut off before it had finished", "--max-tokens 8000, or a shorter spec")
    return text


def proposals(text: str, file: str) -> list[Wish]:
    """The model's tasks as wishes. PantheonError where there is no JSON in its answer; a task that is none is a wish
    that says so."""
    found = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        tasks = json.loads(found[0])["tasks"] if found else None
    except (ValueError, KeyError, TypeError) as error:
        raise PantheonError(f"the model's answer is not what was asked for: {error}: {text[:200]!r}",
                            "another model: --model NAME; or none: --no-model") from error  # fmt: skip
    if not isinstance(tasks, list):
        raise PantheonError(f"the model's answer holds no list of tasks: {text[:200]!r}", "another model: --model NAME")
    return [_proposal(number, task, file) for number, task in enumerate(tasks, 1)]


def _proposal(number: int, task: Any, file: str) -> Wish:
    if not isinstance(task, dict):
        return Wish(f"{file}:1", f"model:{number}", str(task)[:200], skip="no task: not an object")
    line = task.get("line") if isinstance(task.get("line"), int) else 1
    goal = " ".join(str(task.get("goal", "")).split())[:500]
    agent, paths = str(task.get("agent", "")), _texts(task.get("paths"))
    wish = Wish(f"{file}:{line}", f"model:{agent}:{goal.casefold()}", goal or "(no goal)", id=f"task {number}",
                agent=agent, paths=paths, priority=PRIORITIES.get(str(task.get("priority")), 0))  # fmt: skip
    wish.acceptance = tuple(Acceptance(text=one) for one in _texts(task.get("acceptance")))
    wish.needs = tuple(f"task {need}" for need in task.get("needs") or () if isinstance(need, int))
    if not goal or not agent or not paths:
        wish.skip = "no task: goal, agent or paths are missing"
    wish.mapped.append("proposed by the model")
    return wish


def _texts(value: Any) -> tuple[str, ...]:
    texts: Sequence[Any] = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return tuple(text for one in texts if isinstance(one, str) and (text := " ".join(one.split())[:500]))
