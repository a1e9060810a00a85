"""The grammar of one answer: only the tools that are legal now, only the arguments that are asked, nothing free.

EBNF as xgrammar reads it. No white space outside texts (a small model loops on it), no bounded repeats (they make
decoding ten times slower): lengths are bounded by tokens and checked afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pantheon_git.agent.actions import Legal, is_text, render

_JSON = {
    "line": r"""line ::= ([^"\\\x00-\x1f\x7f] | "\\" ["\\])+""",
    "sentence": r"""sentence ::= ([^"\\.!?\x00-\x1f\x7f] | "\\" ["\\] | [.!?] [^" \\.!?\x00-\x1f\x7f])+ [.]""",
    "text": r"""text ::= ([^"\\\x00-\x1f\x7f] | "\\" ["\\/nt])+""",
    "string": r"""string ::= "\"" ([^"\\\x00-\x1f\x7f] | "\\" ["\\/nt])* "\"" """.rstrip(),
    "number": r"""number ::= "-"? [0-9]+ ("." [0-9]+)?""",
    "integer": r"""integer ::= "-"? [0-9]+""",
    "boolean": r"""boolean ::= "true" | "false" """.rstrip(),
    "any": r"""any ::= string | number | boolean | "null" | "[" (any ("," any)*)? "]" """
    r"""| "{" (string ":" any ("," string ":" any)*)? "}" """.rstrip(),
}
_NEEDS = {"any": ("string", "number", "boolean")}
_PLAIN = {
    "line": r"""line ::= [^ \x00-\x1f\x7f] [^\x00-\x1f\x7f]*""",
    "sentence": r"""sentence ::= [^ .!?\x00-\x1f\x7f] ([^.!?\x00-\x1f\x7f] | [.!?] [^ .!?\x00-\x1f\x7f])+ [.]""",
    "text": r"""text ::= [^ \x00-\x1f\x7f] ([^\x00-\x08\x0b-\x1f\x7f])*""",
}
"""A stop within a sentence is followed by something other than a space (`Node.js`, `2.5`): no second sentence."""


@dataclass(frozen=True)
class Constraint:
    """What of the answer is certain already, and the grammar of the rest."""

    prefix: str
    """Given to the model as the beginning of its own answer, at the price of reading instead of writing."""
    grammar: str
    plain: tuple[str, str] | None = None
    """Tool and argument, where the answer is the argument's text alone."""

    def whole(self, said: str) -> str:
        """The action that the model's words make, as JSON."""
        return render(self.plain[0], {self.plain[1]: said.strip()}) if self.plain else self.prefix + said


def constrain(legal: list[Legal], calls: int = 1) -> Constraint:
    """The constraint of an answer that takes one of the legal actions; with `calls` above 1 a list of tool calls, which
    may be empty where the final action is legal too."""
    used: set[str] = set()
    if calls > 1:
        tools = [option for option in legal if not option.final]
        one = f"({' | '.join(_action(option, used, opening=True) for option in tools)})"
        empty = "?" if len(tools) < len(legal) else ""
        return Constraint("[", _grammar([f'({one} ("," {one})*){empty} "]"'], used))
    if len(legal) == 1 and (name := legal[0].plain):
        form = legal[0].use.form.get(name, "line")
        openings = legal[0].use.openings.get(name, ())
        body = f"{_choice(openings)} {form}" if openings else form
        return Constraint("", _grammar([body], {form}, _PLAIN), (legal[0].name, name))
    if len(legal) == 1 and legal[0].certain:
        head, first = _head(legal[0])
        body = _arguments(legal[0], used, skip=first)
        return Constraint(head, _grammar([body], used))
    return Constraint('{"tool":"', _grammar([_action(option, used) for option in legal], used))


def _head(option: Legal) -> tuple[str, bool]:
    """The text before the first asked value; the opening quote of a text belongs to it (True)."""
    name = option.certain[0]
    quoted = is_text(option.asked[name])
    return f'{{"tool":{json.dumps(option.name)},"args":{{{json.dumps(name)}:' + ('"' if quoted else ""), quoted


def _action(option: Legal, used: set[str], opening: bool = False) -> str:
    start = _literal(('{"tool":"' if opening else "") + f'{option.name}","args":{{')
    if option.certain:
        return f"{start} {_literal(json.dumps(option.certain[0]) + ':')} {_arguments(option, used, skip=False)}"
    pairs = {name: _pair(option, name, used) for name in option.asked}
    return f"{start} {_members({}, pairs)} {_literal('}}')}" if pairs else f"{start} {_literal('}}')}"


def _arguments(option: Legal, used: set[str], skip: bool) -> str:
    """The asked values, from that of the first certain one on; `skip`: its opening quote is written already."""
    first, *others = option.certain
    parts = [_value(option, first, used, skip)]
    parts += [f'"," {_pair(option, name, used)}' for name in others]
    parts += [f'("," {_pair(option, name, used)})?' for name in option.asked if name not in option.certain]
    return " ".join([*parts, _literal("}}")])


def _pair(option: Legal, name: str, used: set[str]) -> str:
    return f"{_literal(json.dumps(name) + ':')} {_value(option, name, used, skip=False)}"


def _value(option: Legal, name: str, used: set[str], skip: bool) -> str:
    schema = option.asked[name]
    if not is_text(schema):
        return _json(schema, used)
    form = option.use.form.get(name, "line")
    used.add(form)
    openings = [json.dumps(text, ensure_ascii=False)[1:-1] for text in option.use.openings.get(name, ())]
    begin = [] if skip else [r'"\""']
    return " ".join([*begin, *([_choice(openings)] if openings else []), form, r'"\""'])


def _json(schema: Mapping[str, Any], used: set[str]) -> str:
    """Any value that the schema (`type`, `enum`, `items`, `properties`, `required`) allows; keys in the schema's order,
    those that are required first."""
    if "enum" in schema:
        return _choice(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        item = _json(schema.get("items") or {"type": "string"}, used)
        return f'"[" ({item} ("," {item})*)? "]"'
    if kind == "object" and schema.get("properties"):
        pairs = {name: f"{_literal(json.dumps(name) + ':')} {_json(value, used)}"
                 for name, value in schema["properties"].items()}  # fmt: skip
        certain = {name: pair for name, pair in pairs.items() if name in schema.get("required", ())}
        return f'"{{" {_members(certain, {name: pair for name, pair in pairs.items() if name not in certain})} "}}"'
    name = str(kind) if kind in ("string", "number", "integer", "boolean") else "any"
    used.update((name, *_NEEDS.get(name, ())))
    return name


def _members(certain: Mapping[str, str], optional: Mapping[str, str]) -> str:
    """The members of an object: all the certain ones, then any of the optional ones in order, commas between."""
    rest = list(optional.values())
    if certain:
        return " ".join([' "," '.join(certain.values()), *(f'("," {pair})?' for pair in rest)])
    begun = (" ".join([pair, *(f'("," {other})?' for other in rest[number + 1 :])]) for number, pair in enumerate(rest))
    return f"({' | '.join(begun)})?" if rest else ""


def _choice(texts: Iterable[str]) -> str:
    return "(" + " | ".join(_literal(text) for text in texts) + ")"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _grammar(bodies: list[str], used: set[str], base: Mapping[str, str] = _JSON) -> str:
    return "\n".join([f"root ::= {' | '.join(bodies)}", *(base[name] for name in sorted(used))]) + "\n"
