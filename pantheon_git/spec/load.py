"""TOML in: all faults of a file at once, each with file, line, column and the nearest known key."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pantheon_git.errors import SpecError
from pantheon_git.spec.base import Spec

S = TypeVar("S", bound=Spec)


def load(model: type[S], data: bytes, name: str) -> S:
    """Parse TOML `data` (UTF-8) of the file called `name`. Raises SpecError with every fault found."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SpecError([f"{name}:{line}:1: not UTF-8 (byte {error.start})"]) from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError([_syntax(name, error)]) from error
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise SpecError([_fault(name, text, model, item) for item in error.errors()]) from error


def _syntax(name: str, error: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line, column = found.groups() if found else ("1", "1")
    return f"{name}:{line}:{column}: {str(error).split(' (at ')[0]}"


def _fault(name: str, text: str, model: type[BaseModel], item: ErrorDetails) -> str:
    loc = [part for part in item["loc"] if part != "[key]"]
    line, column = locate(text, loc)
    path = ".".join(str(part) for part in loc)
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = f"unknown key{_nearest(model, loc)}"
    elif item["type"] == "missing":
        message = "required, but missing"
    elif not isinstance(item["input"], dict | list):
        message += f" (got {item['input']!r})"
    return f"{name}:{line}:{column}: {path}: {message}" if path else f"{name}:{line}:{column}: {message}"


def _nearest(model: type[BaseModel], loc: list[Any]) -> str:
    known = _keys_at(model, loc[:-1])
    close = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}" if known else ""


def _keys_at(model: type[BaseModel], loc: list[Any]) -> list[str]:
    node: dict[str, Any] = model.model_json_schema(by_alias=True)
    root = node
    for part in loc:
        node = _resolve(root, node)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return sorted(_resolve(root, node).get("properties", {}))


def _resolve(root: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", node.get("allOf", [])):
        if "$ref" in option:
            node = option
    if ref := node.get("$ref"):
        found: dict[str, Any] = root["$defs"][ref.rsplit("/", 1)[-1]]
        return found
    return node


def locate(text: str, loc: list[Any]) -> tuple[int, int]:
    """Line and column (from 1) of the key at `loc`, or of its nearest table; (1, 1) where the text does not show it.

    tomllib keeps no positions; this looks for the table's header and the key's line, which is what a person's eye does.
    """
    names = [str(part) for part in loc if not isinstance(part, int)]
    lines = text.split("\n")
    best = (1, 1)
    table: list[str] = []
    depth = -1
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if header := re.match(r"\[\[?\s*([^\]]+?)\s*\]?\]", stripped):
            table = _split(header.group(1))
            here = table
        elif key := re.match(r"([A-Za-z0-9_.\"'-]+?)\s*=", stripped):
            here = table + _split(key.group(1))
        else:
            continue
        if names[: len(here)] == here and len(here) > depth:
            depth = len(here)
            best = (number, len(line) - len(line.lstrip()) + 1)
    return best


def _split(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", dotted)]
