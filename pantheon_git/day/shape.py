"""A JSON Schema as a grammar, as far as answers of a model need it: EBNF as xgrammar reads it.

Objects have all their properties in the order of the schema; there is no white space outside of texts and no bounded
repeat, for the reasons in `agent.grammar`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_RULES = r"""
string ::= "\"" ([^"\\\x00-\x1f\x7f] | "\\" ["\\/n])* "\""
integer ::= "-"? [0-9]+
number ::= "-"? [0-9]+ ("." [0-9]+)?
boolean ::= "true" | "false"
null ::= "null"
"""
_KINDS = frozenset({"string", "integer", "number", "boolean", "null"})


def grammar(schema: Mapping[str, Any]) -> str:
    """EBNF of the schema's values. ValueError names what it cannot say."""
    return f"root ::= {_value(schema, '')}{_RULES}"


def _value(schema: Mapping[str, Any], where: str) -> str:
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return "(" + " | ".join(_literal(json.dumps(value, ensure_ascii=False)) for value in values) + ")"
    kind = schema.get("type")
    if kind == "object" and schema.get("properties"):
        fields = [
            f"{_literal(json.dumps(name) + ':')} {_value(one, f'{where}.{name}')}"
            for name, one in schema["properties"].items()
        ]
        return f'"{{" {_literal(",").join(f" {field} " for field in fields)} "}}"'
    if kind == "array" and "items" in schema:
        item = _value(schema["items"], f"{where}[]")
        return f'"[" ({item} ("," {item})*)? "]"'
    if kind in _KINDS:
        return str(kind)
    raise ValueError(f"schema{where}: {kind or sorted(schema)} is not supported")


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
