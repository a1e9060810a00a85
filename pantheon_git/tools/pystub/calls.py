"""Calls to try: first broad, from annotations, defaults and names, then again by what the first ones did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pantheon_git.tools.ava.candidate import Candidate
from pantheon_git.tools.pystub.source import Definition, Module, Parameter
from pantheon_git.tools.pystub.values import ANY, KINDS, elements, mixed, of_annotation, of_default, of_error, of_name

RECORD = "lambda *values: calls.append(values)"
_MOST, _WIDE, _METHODS = 48, 12, 24
_SPECIAL = (("__iter__", "list(instance)"), ("__len__", "len(instance)"), ("__str__", "str(instance)"))
Tried = Sequence[tuple[Candidate, Mapping[str, Any]]]


def broad(module: Module, name: str, seen: Mapping[str, Any]) -> list[Candidate]:
    """The first calls of one name."""
    known = module.definitions[name]
    if seen["kind"] == "value":
        return [Candidate(name, (name,), "typed", group=name)]
    listed = _lists(module, known.parameters if known.kind else (Parameter("value"),))
    made = [Candidate(f"{name}({args})", (name,), origin, group=name) for args, origin in listed]
    if seen["kind"] == "class":
        statics = [one["name"] for one in seen["members"] if one.get("static")]
        given = {method: params for method, params, _ in known.methods}
        return [*made[:16], *(
            Candidate(f"{name}.{one}({args})", (name,), origin, group=f"{name}.{one}")
            for one in statics[:8] for args, origin in _lists(module, given.get(one, (Parameter("value"),)))[:8]
        )]  # fmt: skip
    wrong = [Candidate(f"{name}({args})", (name,), "wrong", group=name) for args in ("None", "42", '"?"', "object()")]
    return _once([*made[:_MOST], *wrong])


def deeper(module: Module, name: str, seen: Mapping[str, Any], tried: Tried) -> list[Candidate]:
    """More calls of one name: `tried` says what the first ones came to."""
    if seen["kind"] == "class":
        return _once(list(_instances(module.definitions[name], module, seen, tried)))
    more: list[Candidate] = []
    for candidate, outcome in tried:
        value = outcome.get("value", {})
        if value.get("is") == "function":
            given = ("", '"foo bar"', "1", "[1, 2, 3]", "2, 3", "len")
            more += [replace(candidate, expr=f"{candidate.expr}({one})") for one in given]
        more += _watching(candidate, outcome)
    if all(o.get("value", {}).get("is") in (None, "error") for c, o in tried if c.origin != "wrong"):
        errors = [str(o["value"].get("message")) for _, o in tried if o.get("value", {}).get("is") == "error"]
        values = mixed(list(dict.fromkeys(kind for message in errors for kind in of_error(message))), 10) or list(ANY)
        more += [Candidate(f"{name}({one})", (name,), "kind", group=name) for one in values]
        more += [Candidate(f"{name}({a}, {b})", (name,), "kind", group=name) for a in values[:7] for b in values[:7]]
    return _once(more)[:120]


def _lists(module: Module, parameters: Sequence[Parameter]) -> list[tuple[str, str]]:
    """Argument lists with their origin: one parameter varied at a time, then several at once."""
    given = [one for one in parameters[:6] if one.name]
    rows = [_values(module, one) for one in given]
    for place, row in enumerate(rows):  # rows that begin alike are turned, so that two numbers are not always the same
        turn = sum(other[:1] == row[:1] for other in rows[:place])
        rows[place] = [*row[turn:], *row[:turn]]
    base = [(_passed(one, row[0][0]) if row else "None") for one, row in zip(given, rows, strict=True)]
    needed = [not one.optional and not one.rest for one in given]
    found = {", ".join(text for text, need in zip(base, needed, strict=True) if need): "typed"}
    for number in range(min(max(map(len, rows), default=0), _WIDE)):
        for place, row in enumerate(rows):
            if number < len(row):
                value, origin = row[number]
                args = [base[i] for i in range(place) if needed[i]]
                args.append(_passed(given[place], value, named=not needed[place]))
                args += [base[i] for i in range(place + 1, len(base)) if needed[i]]
                found.setdefault(", ".join(sorted(args, key=_is_named)), origin)
        diagonal = [_passed(one, row[number % len(row)][0]) for one, row in zip(given, rows, strict=True) if row]
        if len(diagonal) > 1:
            found.setdefault(", ".join(sorted(diagonal, key=_is_named)), "kind")
    return list(found.items())


def _is_named(argument: str) -> bool:
    return re.match(r"[A-Za-z_]\w*=[^=]", argument) is not None


def _passed(one: Parameter, value: str, named: bool = False) -> str:
    return f"{one.name}={value}" if one.keyword or (named and one.optional and not one.rest) else value


def _values(module: Module, parameter: Parameter) -> list[tuple[str, str]]:
    typed = [*elements(parameter.type), *mixed(of_annotation(parameter.type), 14)]
    found = dict.fromkeys([*of_default(parameter.default), *typed], "typed")
    kinds = of_name(parameter.name)
    for value in mixed(kinds, 12) if not typed else ():
        found.setdefault(value, "kind")
    if any(value.startswith('"') for value in found):
        literals = [f'"{text}"' for text in module.strings if '"' not in text and "\\" not in text][:4]
        found = dict([*list(found.items())[:5], *((one, "kind") for one in literals), *list(found.items())[5:]])
    if (not typed and not found) or (not typed and len(kinds) != 1 and not parameter.default):
        for value in ANY:
            found.setdefault(value, "guess")
    return list(found.items())


def _watching(candidate: Candidate, outcome: Mapping[str, Any]) -> Iterator[Candidate]:
    """The same call, seen from what it was given: a callback that records, a list or dict that it may change."""
    value = outcome.get("value", {})
    if candidate.setup or candidate.then or outcome.get("bad") or value.get("is") == "error":
        return
    for function in KINDS["callable"]:
        if re.search(rf"[(, =]{re.escape(function)}[,)]", candidate.expr):
            expr = re.sub(rf"(?<=[(, =]){re.escape(function)}(?=[,)])", RECORD, candidate.expr, count=1)
            yield replace(candidate, expr=expr, setup="calls = []", then="calls")
            break
    if value.get("source") == "None":
        for given in (*KINDS["list"][:3], *KINDS["dict"][:1]):
            if f"({given}" in candidate.expr:
                expr = candidate.expr.replace(f"({given}", "(given", 1)
                yield replace(candidate, expr=expr, setup=f"given = {given}", then="given")


def _instances(known: Definition, module: Module, seen: Mapping[str, Any], tried: Tried) -> Iterator[Candidate]:
    """Methods and properties of instances, on constructors that work, and what a property says after a method."""
    name = known.name
    made = [c for c, o in tried if c.expr.startswith(f"{name}(") and not c.setup and not o.get("bad")
            and o.get("value", {}).get("is") != "error" and not set(o.get("effects", ())) - {"output"}]  # fmt: skip
    members = [one for one in seen["members"] if not one.get("static")][:_METHODS]
    looks = [one["name"] for one in members if one["getter"]]
    given = {method: params for method, params, _ in known.methods}
    for constructor in made[:3]:
        start = replace(constructor, setup=f"instance = {constructor.expr}", origin="kind")
        for look in (one for one in looks if "(" not in one):
            yield replace(start, expr=f"instance.{look}", group=f"{name}.{look}")
        for special, expr in _SPECIAL:
            if special in given:
                yield replace(start, expr=expr, group=f"{name}.{special}")
        looks += [expr for special, expr in _SPECIAL[:2] if special in given and expr not in looks]
        for one in members:
            if not one["getter"]:
                yield from _method(name, module, start, one["name"], given.get(one["name"], ()), looks)


def _method(name: str, module: Module, start: Candidate, method: str, parameters: Sequence[Parameter],
            looks: Sequence[str]) -> Iterator[Candidate]:  # fmt: skip
    for args, origin in _lists(module, parameters)[:6]:
        call = replace(start, expr=f"instance.{method}({args})", origin=origin, group=f"{name}.{method}")
        yield call
        for look in looks[-2:]:
            yield replace(call, then=look if "(" in look else f"instance.{look}")


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    found: dict[tuple[str, ...], Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.key, candidate)
    return list(found.values())
