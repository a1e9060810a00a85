"""Calls to try: first broad, from types, names and defaults, then again in the light of what the first ones did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pantheon_git.tools.ava.candidate import RECORD, Candidate
from pantheon_git.tools.ava.exports import Export, Parameter
from pantheon_git.tools.ava.types import Types, fitting, shaped
from pantheon_git.tools.ava.values import ANY, FUNCTIONS, KINDS, kinds_of_error, kinds_of_name, mixed

_MOST, _WIDE, _METHODS = 48, 12, 24
_OPTION = re.compile(r"\b(?:options|opts|config|settings|option)\??\.(\w+)")
_SPREAD = re.compile(r"\{((?:\s*\w+(?:\s*:\s*[^,{}]+)?,)+)\s*\.\.\.(?:options|opts|config|settings)\s*,?\s*\}")
_DEFAULTS = (
    (r"'.*'|\".*\"", "string"),
    (r"-?[\d_.]+|Number\.\w+|.*Infinity", "number"),
    (r"true|false|!\w+", "boolean"),
    (r"\[.*", "string[]"),
    (r".*=>.*", "() => void"),
    (r"process\.env", "Record<string, string>"),
    (r"process\.cwd\(\)|process\.\w+", "string"),
)
"""Source text of a default → the type that it suggests."""


@dataclass(frozen=True)
class Subject:
    """All that is known of a module before it is called."""

    exports: Mapping[str, Export]
    found: Mapping[str, Any]
    """Export → what `probe.mjs` says of it: kind, length, members, statics."""
    locals: Mapping[str, str]
    types: Types
    strings: Sequence[str] = field(default=())


def broad(subject: Subject, name: str) -> list[Candidate]:
    """The first calls of one export."""
    seen, local = subject.found[name], subject.locals[name]
    export = subject.exports.get(name, Export(name))
    if seen["kind"] == "value":
        return list(_value(name, local, seen))
    if seen["kind"] == "class":
        overloads = subject.types.functions.get(f"{export.local or name}.constructor", [])
        listed = _argument_lists(subject, overloads or [export.parameters], export)
        made = [Candidate(f"new {local}({', '.join(args)})", (name,), origin, group=name) for args, origin in listed]
        statics = [one for one in seen["statics"] if not one.startswith("_")]
        return [*made[:16], *(c for one in statics[:8] for c in _static(subject, name, export, one))]
    listed = _argument_lists(subject, _overloads(subject, name, export, seen["length"]), export)
    made = [Candidate(f"{local}({', '.join(args)})", (name,), origin, group=name) for args, origin in listed]
    wrong = [Candidate(f"{local}({args})", (name,), "wrong", group=name) for args in ("", "null", "42", "'?'", "{}")]
    return _once([*made[:_MOST], *wrong])


def deeper(subject: Subject, name: str, tried: Sequence[tuple[Candidate, Mapping[str, Any]]]) -> list[Candidate]:
    """More calls of one export: `tried` says what the first ones came to."""
    if subject.found[name]["kind"] == "class":
        return _once(list(_instances(subject, name, tried)))
    more: list[Candidate] = []
    for candidate, outcome in tried:
        value = outcome.get("value", {})
        if value.get("is") == "function" and len(more) < 60:
            more += [replace(candidate, expr=f"{candidate.expr}({argument})")
                     for argument in ("", "'foo bar'", "1", "[1, 2, 3]", "{a: 1}", "x => x", "'a'", "'b'")]  # fmt: skip
        if "exit" in outcome.get("effects", ()):
            more.append(_exiting(candidate))
        more += _watching(candidate, outcome)
    return _once([*more, *_asked(subject, name, tried)])[:120]


def _value(name: str, local: str, seen: Mapping[str, Any]) -> Iterator[Candidate]:
    yield Candidate(local, (name,), "typed", group=name)
    for key in [key for key in seen.get("keys", ()) if re.fullmatch(r"[A-Za-z_$][\w$]*", key)][:12]:
        yield Candidate(f"{local}.{key}", (name,), "guess", group=name)
        for args in ("", "'foo bar'", "1", "[1, 2]"):
            yield Candidate(f"{local}.{key}({args})", (name,), "guess", group=name)


def _overloads(subject: Subject, name: str, export: Export, length: int) -> list[tuple[Parameter, ...]]:
    declared = subject.types.functions.get(name) or subject.types.functions.get(export.local) or []
    own = export.parameters or tuple(Parameter("") for _ in range(length))
    if not declared:
        return [own]
    typed = [tuple(_joined(one, own[i] if i < len(own) else None) for i, one in enumerate(over)) for over in declared]
    return typed[:4]


def _joined(typed: Parameter, own: Parameter | None) -> Parameter:
    return typed if own is None else replace(typed, default=typed.default or own.default, keys=typed.keys or own.keys)


def _static(subject: Subject, name: str, export: Export, method: str) -> Iterator[Candidate]:
    known = dict(export.members).get(method, ())
    for args, origin in _argument_lists(subject, [known], export)[:6]:
        yield Candidate(
            f"{subject.locals[name]}.{method}({', '.join(args)})", (name,), origin, group=f"{name}.{method}"
        )


def _argument_lists(
    subject: Subject, overloads: Sequence[tuple[Parameter, ...]], export: Export
) -> list[tuple[tuple[str, ...], str]]:
    """Argument lists with their origin: one parameter varied at a time, then several at once."""
    found: dict[tuple[str, ...], str] = {}
    for parameters in overloads:
        rows = _unlike([_values(subject, one, export) for one in parameters[:5]])
        required = sum(not one.optional and not one.rest for one in parameters)
        base = [row[0][0] if row else "undefined" for row in rows]
        found.setdefault(tuple(base[:required]), "typed" if rows else "kind")
        width = max((len(row) for row in rows), default=0)
        for number in range(min(width, _WIDE)):
            for place, row in enumerate(rows):
                if number < len(row):
                    value, origin = row[number]
                    args = [*base[: max(required, place + 1)]]
                    args[place : place + 1] = [value]
                    found.setdefault(tuple(args), origin)
            diagonal = [row[number % len(row)] for row in rows if row]
            if len(diagonal) > 1 and len(diagonal) == len(rows):
                found.setdefault(tuple(value for value, _ in diagonal), diagonal[0][1])
    return list(found.items())


def _unlike(rows: list[list[tuple[str, str]]]) -> list[list[tuple[str, str]]]:
    """Rows that would begin alike are turned, so that two numbers are not always the same."""
    found: list[list[tuple[str, str]]] = []
    for row in rows:
        turn = sum(bool(row) and row[:1] == other[:1] for other in rows[: len(found)])
        found.append([*row[turn:], *row[:turn]])
    return found


def _values(subject: Subject, parameter: Parameter, export: Export) -> list[tuple[str, str]]:
    """What to hand over for one parameter, each with its origin."""
    found: dict[str, str] = {}
    literals: list[str] = []
    typed = fitting(parameter.type, subject.types, parameter.name) if parameter.type else []
    kinds = kinds_of_name(parameter.name)
    if re.match(r"options|opts|config|settings", parameter.name) or parameter.keys:
        typed = [*typed, *shaped(_options(parameter, export), subject.types)]
    if parameter.default:
        found.update(dict.fromkeys(_like(parameter.default), "typed"))
    for value in typed:
        found.setdefault(value, "typed")
    if any(value.startswith("'") for value in found) or "string" in kinds[:1]:
        literals = [f"'{text}'" for text in subject.strings if re.fullmatch(r"[\w ./:@#-]+", text)][:4]
    for value in mixed(kinds, 12) if not typed else ():
        found.setdefault(value, "kind")
    if literals:
        found = dict([*list(found.items())[:5], *((one, "kind") for one in literals), *list(found.items())[5:]])
    if not found or (parameter.name and not typed and len(kinds) != 1):
        for value in ANY:
            found.setdefault(value, "guess")
    return list(found.items())


def _like(default: str) -> list[str]:
    """Values of a default's own kind, other than the default."""
    if re.fullmatch(r"'.*'|\".*\"", default):
        return ["'x'", "'--'"]
    if re.fullmatch(r"-?[\d_.]+|Number\.\w+|Infinity", default):
        return ["1", "2", "5"]
    if default in ("true", "false"):
        return ["false" if default == "true" else "true"]
    return ["[1, 2, 3]"] if default.startswith("[") else list(FUNCTIONS[:2]) if "=>" in default else []


def _options(parameter: Parameter, export: Export) -> list[tuple[str, str]]:
    """Options that the body itself names, each with a type that its default suggests."""
    pairs = dict(parameter.keys)
    for match in _SPREAD.finditer(export.body):
        for part in match[1].split(","):
            key, _, default = part.partition(":")
            if key.strip():
                pairs.setdefault(key.strip(), default.strip())
    pairs.update({key: "" for key in _OPTION.findall(export.body) if key not in pairs})
    return [(key, _type(key, default)) for key, default in pairs.items() if re.fullmatch(r"[A-Za-z_$][\w$]*", key)][:16]


def _type(key: str, default: str) -> str:
    for pattern, kind in _DEFAULTS:
        if re.fullmatch(pattern, default, re.DOTALL):
            return kind
    named = {"function": "() => void", "array": "string[]", "regexp": "RegExp", "object": "object"}
    kinds = [kind for kind in kinds_of_name(key) if kind in ("string", "number", "boolean", *named, "url", "file")]
    first = kinds[0] if kinds else "boolean"
    return named.get(first, "string" if first in ("url", "file") else first)


def _watching(candidate: Candidate, outcome: Mapping[str, Any]) -> Iterator[Candidate]:
    """The same call, seen from what it was given: a callback that records, an object that it may change."""
    value = outcome.get("value", {})
    if candidate.setup or candidate.then or outcome.get("bad") or value.get("is") == "error":
        return
    for function in FUNCTIONS:
        if (place := candidate.expr.rfind(f"{function}")) > 0 and candidate.expr[place + len(function)] in "),":
            expr = candidate.expr[:place] + RECORD + candidate.expr[place + len(function) :]
            yield replace(candidate, expr=expr, setup="const calls = [];", then="calls")
            break
    for given in (*KINDS["object"][:3], *KINDS["array"][:2]) if value.get("source") == "undefined" else ():
        if f"({given}" in candidate.expr:
            expr = candidate.expr.replace(f"({given}", "(given", 1)
            yield replace(candidate, expr=expr, setup=f"const given = {given};", then="given")


def _exiting(candidate: Candidate) -> Candidate:
    setup = "const codes = [];\nconst {exit} = process;\nprocess.exit = code => {\n\tcodes.push(code);\n};"
    after = "await new Promise(resolve => {\n\tsetTimeout(resolve, 50);\n});\nprocess.exit = exit;"
    setup = f"{candidate.setup}\n{setup}" if candidate.setup else setup
    return replace(candidate, setup=setup, after=after, then="codes", alone=True)


def _asked(subject: Subject, name: str, tried: Sequence[tuple[Candidate, Mapping[str, Any]]]) -> Iterator[Candidate]:
    """Where everything was refused: what the refusals ask for, in each place."""
    if any(o.get("value", {}).get("is") not in (None, "error") and c.origin != "wrong" for c, o in tried):
        return
    errors = [str(o["value"].get("message")) for _, o in tried if o.get("value", {}).get("is") == "error"]
    kinds = list(dict.fromkeys(kind for message in errors for kind in kinds_of_error(message)))
    values = mixed(kinds, 12)
    length = max(1, min(3, subject.found[name]["length"]))
    for value in values:
        yield Candidate(f"{subject.locals[name]}({value})", (name,), "kind", group=name)
        for other in values[:6] if length > 1 else ():
            yield Candidate(f"{subject.locals[name]}({value}, {other})", (name,), "kind", group=name)


def _instances(
    subject: Subject, name: str, tried: Sequence[tuple[Candidate, Mapping[str, Any]]]
) -> Iterator[Candidate]:
    """Methods and getters of instances, on constructors that work; then what others say after a method was called."""
    export = subject.exports.get(name, Export(name))
    made = [c for c, o in tried if c.expr.startswith("new ") and not c.setup and not o.get("bad")
            and o.get("value", {}).get("is") != "error" and not set(o.get("effects", ())) - {"output"}]  # fmt: skip
    members = [one for one in subject.found[name]["members"] if not one["name"].startswith("_")][:_METHODS]
    looks = [one["name"] for one in members if one["getter"]]
    instance = subject.locals[name][0].lower() + subject.locals[name][1:]
    instance = instance if instance not in subject.locals.values() else "instance"
    for constructor in made[:3]:
        setup = f"const {instance} = {constructor.expr};"
        start = replace(constructor, setup=setup, origin="kind")
        for look in looks:
            yield replace(start, expr=f"{instance}.{look}", group=f"{name}.{look}")
        for method in members:
            if not method["getter"]:
                yield from _method(subject, export, start, instance, method, looks)


def _method(subject: Subject, export: Export, start: Candidate, instance: str, method: Mapping[str, Any],
            looks: Sequence[str]) -> Iterator[Candidate]:  # fmt: skip
    called = str(method["name"])
    overloads = subject.types.functions.get(f"{export.local or export.name}.{called}")
    known = dict(export.members).get(called) or tuple(Parameter("") for _ in range(method["length"]))
    for args, origin in _argument_lists(subject, overloads or [known], export)[:6]:
        call = replace(start, expr=f"{instance}.{called}({', '.join(args)})", origin=origin,
                       group=f"{export.name}.{called}")  # fmt: skip
        yield call
        for look in looks[:2]:
            yield replace(call, then=f"{instance}.{look}")


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    found: dict[tuple[str, ...], Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.key, candidate)
    return list(found.values())
