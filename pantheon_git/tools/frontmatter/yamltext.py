"""YAML front matter as text: read it (with provable mending), say a value in it, find where a key stands.

ruamel.yaml composes the nodes; values are compared as nodes, so that no constructor (dates, numbers) can alter one.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_NODES = 20_000
"""Aliases can make a small text very large."""
MAX_REPAIRS = 40

_PLAIN = re.compile(r"[^\W\d_](?:[^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\"]*[^\s:\"])?", re.DOTALL)
_PLAIN_ITEM = re.compile(r"\w[\w .+/&'-]*")
_WORDS_11 = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_NOT_TEXT_11 = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|~|=|<<|[-+]?[\d._,:]+(?:e[-+]?\d+)?|0[xob][\da-f_]+|[-+]?\.(?:inf|nan)"
    r"|\d{4}-\d\d?-\d\d?(?:[Tt ].*)?)",
    re.IGNORECASE,
)
_TAB_COMMENT = re.compile(r"^([^'\"#]*?)(\t[ \t]*)#")
_UNQUOTED = re.compile(r"^(\s*(?:-[ ]+)?[\w][\w .-]*:[ ]+)([^\s'\"|>&*!\[#].*?)([ \t]*\r?\n?)$")


@dataclass(frozen=True)
class Scalar:
    """A scalar that is not a string (a number, a date, a boolean), kept as it is written."""

    kind: str
    text: str


@dataclass(frozen=True)
class Entry:
    """One top-level key: offsets into the text, in characters."""

    key: str
    key_start: int
    key_end: int
    start: int
    end: int
    style: str | None
    """The scalar's quote or block sign; `None` plain; `node` for a list or mapping."""
    value: Any


@dataclass(frozen=True)
class Read:
    text: str
    values: dict[str, Any] | None
    reason: str = ""
    shape: str = ""
    """What it was instead of a mapping: `text` or `list`."""
    repairs: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    flow: bool = False


def read(text: str) -> Read:
    """Values in order, or None and the reason. Mends only what has one possible reading, and says so."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    repairs: list[str] = []
    for _ in range(MAX_REPAIRS):
        try:
            return _compose(text, tuple(repairs))
        except MarkedYAMLError as error:
            mended = _mend(text, error.problem_mark.line) if error.problem_mark else None
            if mended is None:
                return Read(text, None, f"YAML: {error.problem}{_where(error)}")
            text, what = mended
            repairs.append(what)
        except (YAMLError, ValueError, RecursionError) as error:
            return Read(text, None, f"YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    return Read(text, None, "YAML: too many faults")


def _where(error: Any) -> str:
    return f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""


def _compose(text: str, repairs: tuple[str, ...]) -> Read:
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a reused anchor and its like are not our business, and stderr is not for them
        node = YAML(typ="safe", pure=True).compose(text)
    if node is None or (isinstance(node, ScalarNode) and not node.value and not node.style):
        return Read(text, {}, repairs=repairs)
    if not isinstance(node, MappingNode):
        shape = "text" if isinstance(node, ScalarNode) else "list"
        return Read(text, None, f"YAML: it is a {shape} and not a mapping of keys", shape)
    counter = iter(range(MAX_NODES))
    entries = tuple(_entry(key, value, counter) for key, value in node.value)
    values = {entry.key: entry.value for entry in entries}
    if len(values) != len(entries):
        twice = next(e.key for e in entries if sum(o.key == e.key for o in entries) > 1)
        return Read(text, None, f"YAML: the key {twice!r} appears twice")
    return Read(text, values, repairs=repairs, entries=entries, flow=bool(node.flow_style))


def _entry(key: Any, value: Any, counter: Iterator[int]) -> Entry:
    style = value.style if hasattr(value, "style") and not isinstance(value.value, list) else "node"
    name = key.value if isinstance(key.value, str) else ""
    if not isinstance(key.value, str):
        raise ValueError("a key is not a word")
    return Entry(
        name, key.start_mark.index, key.end_mark.index, value.start_mark.index, value.end_mark.index, style,
        _plain(value, counter, 0),
    )  # fmt: skip


def _plain(node: Any, counter: Iterator[int], depth: int) -> Any:
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    if next(counter, None) is None or depth > 40:
        raise ValueError("too deep or too large")
    if isinstance(node, ScalarNode):
        kind = str(node.tag).rpartition(":")[2]
        if kind == "str" and not (node.style is None and _NOT_TEXT_11.fullmatch(node.value)):
            return node.value
        return None if kind == "null" else Scalar(kind, node.value)
    if not isinstance(node, MappingNode):
        return [_plain(item, counter, depth + 1) for item in node.value]
    pairs = [(_plain(k, counter, depth + 1), _plain(v, counter, depth + 1)) for k, v in node.value]
    keys = [json.dumps(repr(key)) for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key appears twice")
    return {key if isinstance(key, str) else repr(key): value for key, value in pairs}


def _mend(text: str, line_number: int) -> tuple[str, str] | None:
    """One fault, where the mended text has the same words and can be read in one way only."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    for index in (line_number, line_number - 1):
        if not 0 <= index < len(lines):
            continue
        line = lines[index]
        mended, what = _TAB_COMMENT.sub(lambda m: m[1] + " " * len(m[2]) + "#", line), "tab before a comment"
        match = _UNQUOTED.match(line)
        if mended == line and match and ((match[2][:1] in "{@`%" and match[2][:2] != "{}") or ": " in match[2]):
            mended, what = f"{match[1]}'{match[2].replace(chr(39), chr(39) * 2)}'{match[3]}", "value put in quotes"
        if mended != line and not (match and " #" in match[2] and mended.startswith(match[1] + "'")):
            lines[index] = mended
            return "".join(lines), f"line {index + 1}: {what}"
    return None


def say(value: str, *, ascii_only: bool = False, quote: str = "plain") -> str:
    """One line of YAML that every reader (1.1 and 1.2) takes for exactly this string; plain where that is safe, unless
    `quote` is `single` or `double`."""
    if quote == "double" or (ascii_only and not value.isascii()):
        return _quoted(value, ascii_only=ascii_only)
    if quote == "single" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if (
        value.isprintable()
        and value[0].isalpha()
        and _PLAIN.fullmatch(value)
        and value.casefold() not in _WORDS_11
        and not re.search(r": |:$|\s#|\s\s|[\[\]{},]$|\t", value)
    ):
        return value
    if value.isprintable() and "'" not in value:
        return f"'{value}'"
    return _quoted(value, ascii_only=False)


def _quoted(value: str, *, ascii_only: bool) -> str:
    """Double quotes; YAML's own escapes, which unlike JSON's name a character beyond the 16-bit plane in one piece."""
    said = []
    for char in value:
        if char in '"\\':
            said.append("\\" + char)
        elif (char.isprintable() and char != "\ufeff") and (char.isascii() or not ascii_only):
            said.append(char)
        else:
            said.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
    return '"' + "".join(said) + '"'


def say_list(values: list[str], *, ascii_only: bool = False) -> str:
    """A flow list on one line; within it far fewer words are safe without quotes."""
    said = (say(value, ascii_only=ascii_only) for value in values)
    safe = (s if s[:1] in "'\"" or _PLAIN_ITEM.fullmatch(s) else _quoted(s, ascii_only=ascii_only) for s in said)
    return "[" + ", ".join(safe) + "]"
