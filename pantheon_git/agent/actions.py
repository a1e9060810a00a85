"""The actions of the machine: which are legal in a state, what is bound, and what the model's answer says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from pantheon_git.spec.agent import Agent
from pantheon_git.spec.agent import Tool as Use
from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import Tool

FINAL = "final"
"""The name of the final action in an answer: `{"tool":"final","args":{…}}`. No tool may be called so."""
_MISSING = object()


@dataclass(frozen=True)
class Legal:
    """One action that is legal now."""

    name: str
    """A tool's name, or `final`."""
    use: Use
    bound: Mapping[str, Any]
    """Arguments that the model neither sees nor fills in."""
    asked: Mapping[str, Mapping[str, Any]]
    """Argument → JSON Schema of what the model is asked for. None: the call is forced."""
    schema: Mapping[str, Any]
    """JSON Schema of all the arguments together."""
    tool: Tool | None = None
    """None: the final action."""

    @property
    def forced(self) -> bool:
        return not self.asked

    @property
    def final(self) -> bool:
        return self.name == FINAL

    @property
    def certain(self) -> tuple[str, ...]:
        """Asked arguments that the model may not leave out."""
        return tuple(name for name in self.asked if name not in self.use.optional)

    @property
    def plain(self) -> str | None:
        """The one asked text whose value alone is the answer, where the manifest wants that."""
        names = list(self.asked)
        return names[0] if self.use.plain and len(names) == 1 and is_text(self.asked[names[0]]) else None

    def render(self, args: Mapping[str, Any]) -> str:
        """The action as the model writes it: compact JSON without free white space, or the one text."""
        return str(args[self.plain]) if self.plain else render(self.name, args)


@dataclass(frozen=True)
class Action:
    """A parsed action: a call of a tool, or the end."""

    name: str
    args: Mapping[str, Any]
    forced: bool = False
    asked: tuple[str, ...] = ()

    @property
    def final(self) -> bool:
        return self.name == FINAL


@dataclass(frozen=True)
class Sources:
    """Where bound arguments come from: the task, and the latest result of each tool."""

    path: str
    params: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    goal: str = ""
    files: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    def get(self, source: str) -> Any:
        """`task.path`, `task.goal`, `task.files`, `task.checks`, `task.params.KEY` or `result.TOOL.KEY` (a tool's name
        has dots itself); else `_MISSING`. A key may be followed by others, and by the number of an entry in a list."""
        own = {"path": self.path, "goal": self.goal, "files": list(self.files), "checks": list(self.checks)}
        if source.startswith("task.") and (name := source.removeprefix("task.")) in own:
            return own[name]
        if source.startswith("task.params."):
            return _dig(self.params, source.removeprefix("task.params.").split("."))
        rest = source.removeprefix("result.")
        for tool, result in self.results.items():
            if rest.startswith(f"{tool}."):
                return _dig(result, rest.removeprefix(f"{tool}.").split("."))
        return _MISSING

    def find(self, source: str, default: Any = None) -> Any:
        value = self.get(source)
        return default if value is _MISSING else value


def _dig(value: Any, keys: list[str]) -> Any:
    for key in keys:
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, Mapping) and key in value:
            value = value[key]
        else:
            return _MISSING
    return value


def legal_actions(agent: Agent, state: str, sources: Sources, tools: Mapping[str, Tool] = TOOLS) -> list[Legal]:
    """What the manifest allows in `state`, tools in its order, the final action last."""
    here = agent.states[state]
    done = here.final and (here.final_when is None or bool(sources.find(here.final_when)))
    usable = () if done and here.final_when else here.tools
    found = [_legal(name, agent.tools[name], tools[name].input, sources, tools[name]) for name in usable]
    if done:
        found.append(_legal(FINAL, agent.final, agent.contract.output or {"type": "object"}, sources))
    return found


def _legal(name: str, use: Use, schema: Mapping[str, Any], sources: Sources, tool: Tool | None = None) -> Legal:
    wanted = use.ask if use.ask_when is None else [a for a in use.ask if a in sources.find(use.ask_when, ())]
    values = {argument: sources.get(source) for argument, source in use.bind.items() if argument not in wanted}
    bound = {argument: value for argument, value in values.items() if value is not _MISSING}
    properties = schema.get("properties", {})
    return Legal(name, use, bound, {argument: properties.get(argument, {}) for argument in wanted}, schema, tool)


def forced(legal: list[Legal]) -> Action | None:
    """The one action that is possible, if nothing is asked of the model for it."""
    if len(legal) == 1 and legal[0].forced:
        return Action(legal[0].name, legal[0].bound, forced=True)
    return None


def parse(text: str, legal: list[Legal]) -> Action | str:
    """The action that an answer says, its bound arguments filled in; or what is wrong with it, for the model."""
    said = _loads(text)
    return _action(said.value, legal) if isinstance(said, _Said) else said


def parse_calls(text: str, legal: list[Legal], most: int) -> list[Action] | str:
    """The actions of an answer that is a list of calls; an empty one is the final action, where that is legal."""
    said = _loads(text)
    if not isinstance(said, _Said):
        return said
    if not isinstance(said.value, list) or len(said.value) > most:
        return f'the answer must be a list of at most {most} calls: [{{"tool": NAME, "args": {{…}}}}]'
    if not said.value:
        end = next((option for option in legal if option.final), None)
        return [Action(FINAL, end.bound)] if end else "at least one call is needed here"
    found = [_action(call, [option for option in legal if not option.final]) for call in said.value]
    faults = [each for each in found if isinstance(each, str)]
    return "; ".join(faults) if faults else [each for each in found if isinstance(each, Action)]


@dataclass(frozen=True)
class _Said:
    value: Any


def _loads(text: str) -> _Said | str:
    try:
        return _Said(json.loads(text))
    except ValueError as error:
        return f"the answer is not complete JSON ({error})"


def _action(said: Any, legal: list[Legal]) -> Action | str:
    if not isinstance(said, dict) or set(said) != {"tool", "args"} or not isinstance(said["args"], dict):
        return 'the answer must be {"tool": NAME, "args": {…}}'
    here = next((option for option in legal if option.name == said["tool"]), None)
    if here is None:
        return f"{said['tool']!r} cannot be used now; use one of: {', '.join(option.name for option in legal)}"
    extra = sorted(set(said["args"]) - set(here.asked))
    if extra:
        return f"{here.name} does not ask for: {', '.join(extra)}"
    args = {**said["args"], **here.bound}
    faults = faults_of(args, here.schema)
    return "; ".join(faults) if faults else Action(here.name, args, asked=tuple(here.asked))


def faults_of(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Where `value` breaks `schema` (JSON Schema 2020-12), one line each."""
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    return [f"{'.'.join(map(str, error.path)) or 'arguments'}: {error.message}" for error in errors]


def control_answer(legal: list[Legal], sources: Sources, number: int = 1, calls: int = 1) -> str:
    """The answer in place of the model's own: the first action, each argument its first computed candidate. `number`:
    of which candidate of a node with `best-of`; the second takes the second, and so on, as far as there are any."""
    first = legal[0]
    if calls > 1 and legal[-1].final:
        return "[]"
    said = first.render({name: _nth(sources.find(first.use.draft.get(name, "")), number) for name in first.certain})
    return f"[{said}]" if calls > 1 else said


def is_text(schema: Mapping[str, Any]) -> bool:
    return schema.get("type", "string") == "string" and "enum" not in schema


def render(name: str, args: Mapping[str, Any]) -> str:
    return json.dumps({"tool": name, "args": dict(args)}, ensure_ascii=False, separators=(",", ":"))


def _nth(candidates: Any, number: int) -> Any:
    if isinstance(candidates, list):
        return candidates[number - 1 if number <= len(candidates) else 0] if candidates else ""
    return "" if candidates is None else candidates
