"""TOML or JSON front matter said in YAML, comments kept; only on request (`format = "yaml"`)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.frontmatter.document import Document
from pantheon_git.tools.protocol import ToolError


def scalar(value: Any) -> yamltext.Scalar:
    """A number, boolean or date as YAML writes it."""
    if isinstance(value, bool):
        return yamltext.Scalar("bool", "true" if value else "false")
    if isinstance(value, int):
        return yamltext.Scalar("int", str(value))
    if isinstance(value, float):
        text = repr(value).replace("e+", "e").replace("inf", ".inf").replace("nan", ".nan")
        return yamltext.Scalar("float", text if "." in text else text.replace("e", ".0e"))
    if isinstance(value, (datetime.datetime, datetime.date)):
        return yamltext.Scalar("timestamp", value.isoformat())
    raise ToolError("refused", f"YAML has no form for the value {value!r}")


def to_yaml_text(doc: Document) -> str:
    """The inner text of YAML front matter that says the same; ToolError where a comment would be lost."""
    if doc.kind == "json":
        return doc.eol.join([*_mapping(doc.values, ""), ""]) if doc.values else ""
    lines: list[str] = []
    for key, item in _toml_items(doc.inner):
        if key is None:
            lines.append(str(item))
            continue
        said = list(_pair(key, doc.values[key], ""))
        comment = item.trivia.comment if hasattr(item, "trivia") else ""
        lines += [f"{said[0]} {comment}", *said[1:]] if comment else said
    return doc.eol.join([*lines, ""]) if lines else ""


def _toml_items(inner: str) -> Iterator[tuple[str | None, Any]]:
    """Top-level comments (None, text) and keys (key, item) in order."""
    import tomlkit
    from tomlkit.items import Comment

    document = tomlkit.parse(inner)
    seen: set[str] = set()
    for key, item in document.body:
        if isinstance(item, Comment):
            yield None, item.as_string().strip()
        elif key is not None and key.key not in seen:
            seen.add(key.key)
            if hasattr(item, "value") and _comments_within(item):
                raise ToolError("refused", f"comments inside {key.key!r} would be lost in YAML")
            yield key.key, item


def _comments_within(item: Any) -> bool:
    text = item.as_string()
    return not isinstance(item.unwrap(), str) and any(line.lstrip().startswith("#") for line in text.split("\n"))


def _mapping(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        yield from _pair(key, value, indent)


def _pair(key: str, value: Any, indent: str) -> Iterator[str]:
    name = f"{indent}{yamltext.say(key)}:"
    if isinstance(value, Mapping) and value:
        yield name
        yield from _mapping(value, indent + "  ")
    elif isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value):
        yield name
        for item in value:
            yield from _item(item, indent)
    else:
        yield f"{name} {_flat(value)}"


def _item(item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping) and item:
        lines = list(_mapping(item, indent + "    "))
        yield f"{indent}  - {lines[0].lstrip()}"
        yield from lines[1:]
    else:
        yield f"{indent}  - {_flat(item)}"


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        if value:
            raise ToolError("refused", "a list within a list holds a mapping")
        return "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, str):
        return yamltext.say_list([value])[1:-1]
    return scalar(value).text
