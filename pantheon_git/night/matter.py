"""A document's front matter as far as plain lines show it, read outside the jail.

Documents are hostile input, so nothing is parsed here: lines are matched, sizes are capped, and what is odd is left
out. The tools inside the jail read with real parsers; this is for counting what a repository does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

HEAD = 8192
"""Bytes of a document that are looked at."""
MOST_KEYS, LONGEST = 60, 400
SUFFIXES = (".md", ".mdx", ".markdown")

Quote = Literal["plain", "single", "double"]
_KEY = re.compile(r"^([A-Za-z_][\w.-]{0,60})[ \t]*([:=])(?:[ \t]+|$)")
_ITEM = re.compile(r"^([ \t]*)-[ \t]+(.+)$")
_TAG = re.compile(r"[\w][\w .+#/-]{0,39}")


@dataclass(frozen=True)
class Line:
    """One top-level key."""

    value: str
    """The scalar without its quotes; empty for lists and mappings."""
    quote: Quote = "plain"
    items: tuple[str, ...] = ()
    shape: Literal["scalar", "flow", "block", "other"] = "scalar"
    indent: int = 0
    """Of a block list's dashes."""


@dataclass(frozen=True)
class Matter:
    kind: Literal["yaml", "toml"]
    keys: Mapping[str, Line] = field(default_factory=dict)
    """In the document's order."""

    @property
    def title(self) -> str:
        return self.keys["title"].value if "title" in self.keys else ""

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags that are words; none twice."""
        items = self.keys["tags"].items if "tags" in self.keys else ()
        return tuple(dict.fromkeys(tag for tag in items if _TAG.fullmatch(tag)))


def read(data: bytes) -> Matter | None:
    """None where no closed YAML or TOML front matter stands at the top."""
    text = data[:HEAD].decode("utf-8", "ignore").removeprefix("\ufeff").replace("\r\n", "\n")
    fence = text[:3]
    if fence not in ("---", "+++") or text[3:4] != "\n" or (end := text.find(f"\n{fence}", 3)) < 0:
        return None
    lines = text[4 : end + 1].split("\n")
    return Matter("yaml" if fence == "---" else "toml", dict(_keys(lines, ":" if fence == "---" else "=")))


def body(data: bytes) -> str:
    """What stands behind the front matter, as far as `read` knows it; all of it where there is none."""
    text = data.decode("utf-8", "ignore").removeprefix("\ufeff").replace("\r\n", "\n")
    end = text.find(f"\n{text[:3]}", 3) if text[:4] in ("---\n", "+++\n") else -1
    return text[text.find("\n", end + 1) + 1 :] if end >= 0 else text


def _keys(lines: list[str], sign: str) -> Iterator[tuple[str, Line]]:
    seen = 0
    for at, line in enumerate(lines):
        if sign == "=" and line.startswith("["):
            return  # what follows belongs to a table
        found = _KEY.match(line)
        if found is None or found[2] != sign:
            continue
        seen += 1
        if seen > MOST_KEYS:
            return
        yield found[1], _line(line[found.end() :].strip(), lines[at + 1 :])


def _line(rest: str, below: list[str]) -> Line:
    if rest.startswith("["):
        return Line("", items=tuple(_flow(rest)), shape="flow" if rest.endswith("]") else "other")
    if not rest:
        return _block(below)
    if rest[0] in "|>&*!{" or len(rest) > LONGEST or (below[:1] and below[0].startswith((" ", "\t"))):
        return Line("", shape="other")
    value, quote = _scalar(rest)
    return Line(value, quote)


def _flow(rest: str) -> Iterator[str]:
    for word in rest.strip("[]").split(",")[:MOST_KEYS]:
        if value := _scalar(word.strip())[0]:
            yield value


def _block(below: list[str]) -> Line:
    found = []
    for line in below[:MOST_KEYS]:
        item = _ITEM.match(line)
        if item is None:
            break
        found.append((len(item[1]), _scalar(item[2].strip())[0]))
    if not found:
        return Line("", shape="other" if below[:1] and below[0].startswith((" ", "\t")) else "scalar")
    return Line("", items=tuple(value for _, value in found), shape="block", indent=found[0][0])


def _scalar(text: str) -> tuple[str, Quote]:
    for sign, name in (("'", "single"), ('"', "double")):
        if len(text) > 1 and text[0] == text[-1] == sign:
            return text[1:-1].replace("''", "'") if sign == "'" else text[1:-1], name  # type: ignore[return-value]
    return re.sub(r"[ \t]+#.*$", "", text), "plain"
