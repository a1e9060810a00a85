"""What an observed call becomes in a test: statements that hold for it, and not for a stand-in that does nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pantheon_git.tools.ava.candidate import Assertion, Candidate
from pantheon_git.tools.pystub.examples import HELPERS


def assertion(candidate: Candidate, outcome: Mapping[str, Any], own: Sequence[str]) -> Assertion | None:
    """The assertion about a stable outcome; None where nothing can be said. `own`: names that the test may import."""
    value = outcome["value"]
    expr = f"asyncio.run({candidate.expr})" if outcome.get("promise") else candidate.expr
    if value["is"] == "error":
        return _error(candidate, expr, value, own)
    then = outcome.get("then")
    if then and then["is"] == "value" and then["source"] not in ("None", "[]"):
        first = expr if value.get("source") in (None, "None") else _equal(expr, value["source"])
        return Assertion(candidate, (first, _equal(candidate.then, then["source"])), False, "value", then["source"])
    if candidate.then:
        return None
    if "loose" in outcome or value["is"] != "value":
        line = _shape(expr, value, "loose" in outcome)
        kind = "value" if value.get("items") or value.get("repr") else "shape"
        shown = str(value.get("items") or value.get("repr") or value.get("type") or value["is"])
        return Assertion(candidate, (line,), False, kind, shown) if line else None
    return Assertion(candidate, (_equal(expr, value["source"]),), False, "value", value["source"])


def _equal(expression: str, source: str) -> str:
    left = f"({expression})" if expression.startswith("lambda") else expression
    if source in ("True", "False", "None"):
        return f"assert {left} is {source}"
    if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", source) and len(source) > 8:
        return f"assert {left} == pytest.approx({source})"
    return f"assert {left} == {source}"


def _error(candidate: Candidate, expr: str, value: Mapping[str, Any], own: Sequence[str]) -> Assertion | None:
    name = value["type"]
    if (
        candidate.then
        or not (value["builtin"] or name in own)
        or name in ("NameError", "SyntaxError", "RecursionError")
    ):
        return None
    message = str(value["message"])
    if name == "TypeError" and re.search(r"positional argument|keyword argument|required argument", message):
        return None  # that Python counts arguments is no property of the function
    said = value["own"] and "\n" not in message and len(message) <= 90
    match = f", match=re.escape({_quoted(message)})" if said else ""
    lines = f"with pytest.raises({name}{match}):\n    {expr}"
    return Assertion(candidate, (lines,), False, "error", f"{name}{message if said else ''}", not said)


def _shape(expr: str, value: Mapping[str, Any], loose: bool) -> str:
    if loose:
        builtin = value.get("type") in (
            "str",
            "int",
            "float",
            "bytes",
            "list",
            "tuple",
            "dict",
            "set",
            "bool",
            "complex",
        )
        return f"assert isinstance({expr}, {value['type']})" if builtin else ""
    if value["is"] == "long":
        return f"assert len({expr}) == {value['length']}"
    if value["is"] == "function":
        return f"assert callable({expr})"
    if value.get("items") is not None:
        return f"assert list({expr}) == {value['items']}"
    if value.get("repr"):
        return f"assert {expr} == {value['repr']}"
    if value.get("fields"):
        name, source = value["fields"][0]
        return _equal(f"{expr}.{name}", source)
    if value.get("text"):
        return f"assert str({expr}) == {value['text']}"
    return f'assert type({expr}).__name__ == "{value["type"]}"'


def _quoted(text: str) -> str:
    shown = repr(text)
    return '"' + shown[1:-1].replace("\\'", "'") + '"' if shown[0] == "'" and '"' not in text else shown


def names_used(assertions: Sequence[Assertion]) -> set[str]:
    """Every name that the statements read."""
    code = "\n".join(line for a in assertions for line in (a.candidate.setup, *a.lines) if line)
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def imports(used: set[str]) -> list[str]:
    """The imports of the standard library and of pytest, in order."""
    plain = sorted(name for name in used & {*HELPERS, "asyncio", "re"})
    return [*(f"import {name}" for name in plain), *(["", "import pytest"] if "pytest" in used else [])]
