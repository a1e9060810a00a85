"""What an observed call becomes in a test: statements that hold for it, and not for a stand-in that does nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pantheon_git.tools.ava.candidate import HELPERS, Assertion, Candidate
from pantheon_git.tools.ava.syntax import free, parse

_NATIVE = re.compile(
    r"Cannot (read|set|convert|destructure|mix|use|access)|is not (a function|iterable|defined|a constructor)|"
    r"is not valid JSON|"
    r"null \(|Unexpected|Invalid (regular|array|time|date)|Class (constructor|extends)|in JSON|^E[A-Z]{3,}:|"
    r"argument must be|private member|Reduce of empty|called on|The \"|read only|read-only|Assignment to"
)
"""Messages of the engine and of Node.js, which change from version to version."""
_KIND = {"boolean", "number", "string", "undefined", "null", "bigint"}


def helpers_of(assertions: Sequence[Assertion]) -> list[str]:
    """The names of Node.js's modules that they use, in order."""
    found: set[str] = set()
    for one in assertions:
        whole = [one.candidate.setup, one.candidate.after, *one.lines]
        found |= free(parse("async () => {\n" + "\n".join(whole) + "\n}")) & HELPERS.keys()
    return sorted(found)


def assertion(candidate: Candidate, outcome: Mapping[str, Any]) -> Assertion | None:
    """The assertion about a stable outcome; None where nothing can be said that tells it from a stand-in."""
    value = outcome["value"]
    if value["is"] == "error":
        return _error(candidate, value, bool(outcome.get("promise")))
    awaited = f"await {_operand(candidate.expr)}" if outcome.get("promise") else candidate.expr
    then = outcome.get("then")
    if candidate.then == "given" and value["is"] != "value":
        return None  # what tells it from a stand-in is a value that the statements would not hold
    if then and then["is"] == "value" and then["source"] not in ("undefined", "[]"):
        lines = [f"{awaited};"] if value.get("source") in (None, "undefined") else [_equal(awaited, value["source"])]
        lines += [*candidate.after.splitlines(), _equal(candidate.then, then["source"])]
        return Assertion(candidate, tuple(lines), "await " in "\n".join(lines), "value", then["source"])
    if candidate.then:
        return None
    if "loose" in outcome:
        made = _loose(awaited, value, outcome["loose"])
    elif outcome.get("promise") and value.get("source") == "undefined":
        made = [
            f"const result = {candidate.expr};",
            "t.is(typeof result.then, 'function');",
            "t.is(await result, undefined);",
        ]
    elif value["is"] == "value":
        made = [_equal(awaited, value["source"])]
    else:
        made = _shape(awaited, value)
    if not made:
        return None
    kind = "value" if (value["is"] == "value" and "loose" not in outcome) or value.get("items") else "shape"
    shown = str(value.get("items") or value.get("source") or value.get("type") or value["is"])
    return Assertion(candidate, tuple(made), bool(outcome.get("promise")) or "await " in "".join(made), kind, shown)


def _equal(expression: str, source: str) -> str:
    if source in ("true", "false"):
        return f"t.{source}({expression});"
    primitive = re.fullmatch(r"'(?:[^'\\]|\\.)*'|-?[\d.]+(?:e[+-]?\d+)?n?|undefined|null|Number\.\w+", source)
    return f"t.is({expression}, {source});" if primitive else f"t.deepEqual({expression}, {source});"


def _error(candidate: Candidate, value: Mapping[str, Any], promise: bool) -> Assertion | None:
    if not value["error"] or candidate.then:
        return None
    message = str(value["message"])
    own = not _NATIVE.search(message) and 0 < len(message) < 160
    parts = [f"instanceOf: {value['type']}"] if value["global"] else [f"name: {_quoted(str(value['name']))}"]
    parts += [f"message: {_quoted(message)}"] if own else []
    parts += [f"code: '{value['code']}'"] if not own and re.fullmatch(r"[A-Z_]+", str(value.get("code", ""))) else []
    expected = "{" + ", ".join(parts) + "}"
    expr = f"({candidate.expr})" if candidate.expr.startswith("{") else candidate.expr
    if promise:
        line = f"await t.throwsAsync(async () => {expr}, {expected});"
    else:
        line = f"t.throws(() => {expr}, {expected});"
    return Assertion(
        candidate,
        (line,),
        promise or "await " in candidate.expr,
        "error",
        f"{value['type']}{own}{message if own else ''}",
    )


def _loose(expression: str, one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """What two different values of one kind have in common."""
    kind = one.get("type", one["is"])
    if kind == "string":
        texts = [str(part.get("source", "")) for part in (one, two)]
        for name, pattern in (("[\\da-f]", r"'[\da-f]+'"), ("[\\w-]", r"'[\w-]+'")):
            if all(re.fullmatch(pattern, text) for text in texts) and len(texts[0]) == len(texts[1]) > 8:
                return [f"t.regex({expression}, /^{name}{{{len(texts[0]) - 2}}}$/);"]
        return [f"t.is(typeof {_operand(expression)}, 'string');"]
    if kind == "array":
        return [f"t.true(Array.isArray({expression}));"]
    if kind in _KIND:
        return [f"t.is(typeof {_operand(expression)}, '{kind}');"] if kind not in ("undefined", "null") else []
    return [f"t.is(typeof {_operand(expression)}, '{'function' if one['is'] == 'function' else 'object'}');"]


def _shape(expression: str, value: Mapping[str, Any]) -> list[str]:
    operand = _operand(expression)
    if value["is"] != "object":
        lines = [f"t.is(typeof {operand}, '{value['is']}');"]
        return [f"t.is({operand}.length, {value['length']});"] if value["is"] == "string" else lines
    if value.get("items"):
        if value.get("async"):
            return ["const items = [];", f"for await (const item of {expression}) {{\n\titems.push(item);\n}}",
                    _equal("items", value["items"])]  # fmt: skip
        return [_equal(f"[...{expression}]", value["items"])]
    fields = [(name, source) for name, source in value.get("fields", ()) if source != "undefined" and name != "version"]
    if value["type"] == "Object" and (
        short := [f"{n}: {s}" for n, s in fields if n.isidentifier() and len(s) < 60][:3]
    ):
        return [f"t.like({expression}, {{{', '.join(short)}}});"]
    if fields and value["type"] not in ("Object", "Array") and re.fullmatch(r"[A-Za-z$]\w*", fields[0][0]):
        return [
            _equal(
                f"({expression}).{fields[0][0]}" if " " in expression else f"{expression}.{fields[0][0]}", fields[0][1]
            )
        ]
    if value.get("keys") not in (None, "[]"):
        return [f"t.deepEqual(Object.keys({expression}), {value['keys']});"]
    if re.fullmatch(r"[A-Z]\w*", value["type"]):
        return [f"t.is({operand}.constructor.name, '{value['type']}');"]
    return []


def _operand(expression: str) -> str:
    """The expression where a member of it is read, or it is awaited or looked at by `typeof`."""
    plain = re.match(r"(new\s+)?[\w$]+[\w$.]*(\(|$)", expression) and not expression.startswith(("await ", "async "))
    joined = re.search(r"=>\s*[^{(]*$|\s[?:|&+*/<>=-]+\s", _outer(expression))
    return expression if plain and not joined else f"({expression})"


def _outer(expression: str) -> str:
    """The expression without what stands in brackets or quotes."""
    bare = re.sub(r"'(?:[^'\\]|\\.)*'", "''", expression)
    before = None
    while before != bare:
        before, bare = bare, re.sub(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}", "", bare)
    return bare


def _quoted(text: str) -> str:
    """A JavaScript string in single quotes."""
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
