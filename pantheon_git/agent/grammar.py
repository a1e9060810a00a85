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
    "number": r"""number ::= "-"? [0-9]+ ("." [0-9]+)?""",
    "integer": r"""integer ::= "-"? [0-9]+""",
}
_PLAIN = {
    "line": r"""line ::= [^ \x00-\x1f\x7f] [^\x00-\x1f\x7f]*""",
    "sentence": r"""sentence ::= [^ .!?\x00-\x1f\x7f] ([^.!?\x00-\x1f\x7f] | [.!?] [^ .!?\x00-\x1f\x7f])+ [.]""",
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


def constrain(legal: list[Legal]) -> Constraint:
    """The constraint of an answer that takes one of the legal actions."""
    used: set[str] = set()
    if len(legal) == 1 and (name := legal[0].plain):
        form = legal[0].use.form.get(name, "line")
        openings = legal[0].use.openings.get(name, ())
        body = f"{_choice(openings)} {form}" if openings else form
        return Constraint("", _grammar([body], {form}, _PLAIN), (legal[0].name, name))
    if len(legal) == 1 and legal[0].asked:
        head, first = _head(legal[0])
        body = _arguments(legal[0], used, skip=first)
        return Constraint(head, _grammar([body], used))
    return Constraint('{"tool":"', _grammar([_action(option, used) for option in legal], used))


def _head(option: Legal) -> tuple[str, bool]:
    """The text before the first asked value; the opening quote of a text belongs to it (True)."""
    name = next(iter(option.asked))
    quoted = is_text(option.asked[name])
    return f'{{"tool":{json.dumps(option.name)},"args":{{{json.dumps(name)}:' + ('"' if quoted else ""), quoted


def _action(option: Legal, used: set[str]) -> str:
    start = _literal(f'{option.name}","args":{{')
    if not option.asked:
        return f"{start} {_literal('}}')}"
    first = next(iter(option.asked))
    return f"{start} {_literal(json.dumps(first) + ':')} {_arguments(option, used, skip=False)}"


def _arguments(option: Legal, used: set[str], skip: bool) -> str:
    """The asked values in order, from the first value on; `skip`: its opening quote is written already."""
    parts: list[str] = []
    for number, (name, schema) in enumerate(option.asked.items()):
        if number:
            parts.append(_literal(f",{json.dumps(name)}:"))
        parts.append(_value(option, name, schema, used, skip and number == 0))
    return " ".join([*parts, _literal("}}")])


def _value(option: Legal, name: str, schema: Mapping[str, Any], used: set[str], skip: bool) -> str:
    if "enum" in schema:
        return _choice(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        used.add("line")
        return r'"[" "\"" line "\"" ("," "\"" line "\"")* "]"'
    if kind == "boolean":
        return '("true" | "false")'
    if kind in ("integer", "number"):
        used.add(kind)
        return str(kind)
    form = option.use.form.get(name, "line")
    used.add(form)
    openings = [json.dumps(text, ensure_ascii=False)[1:-1] for text in option.use.openings.get(name, ())]
    begin = [] if skip else [r'"\""']
    return " ".join([*begin, *([_choice(openings)] if openings else []), form, r'"\""'])


def _choice(texts: Iterable[str]) -> str:
    return "(" + " | ".join(_literal(text) for text in texts) + ")"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _grammar(bodies: list[str], used: set[str], base: Mapping[str, str] = _JSON) -> str:
    return "\n".join([f"root ::= {' | '.join(bodies)}", *(base[name] for name in sorted(used))]) + "\n"
