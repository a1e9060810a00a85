"""What plants are made of, and the small edits that several of them share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from pantheon_git.night.patch import Edit, Side
from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.frontmatter.document import SUFFIXES, WRITABLE, Document, parse
from pantheon_git.tools.protocol import ToolError


@dataclass(frozen=True)
class Elsewhere:
    """What the repository has besides the change: where wrong words come from."""

    titles: Sequence[str] = ()
    descriptions: Sequence[str] = ()
    tags: Sequence[str] = ()
    files: Sequence[tuple[str, bytes]] = field(default=(), repr=False)
    """Path and content of some documents and sources of the base commit."""


@dataclass(frozen=True)
class Draft:
    """A change that nobody asked for."""

    sort: str
    says: str
    edits: tuple[Edit, ...]
    bad: bool = True


Maker = Callable[[Sequence[Edit], Elsewhere], tuple[str, tuple[Edit, ...]] | None]
"""What was done, and the edits with the fault in them; None where this fault cannot be had of this change."""


def changed(edits: Sequence[Edit], edit: Edit, data: bytes) -> tuple[Edit, ...]:
    """The edits, and at this path these bytes."""
    side = Side(edit.new.mode if edit.new else 0o100644, data)
    return tuple(replace(one, new=side) if one is edit else one for one in edits)


def pages(edits: Sequence[Edit]) -> Iterator[tuple[Edit, Document, Document]]:
    """The documents whose front matter can be read, each before and after."""
    for edit in edits:
        path = edit.path.decode("utf-8", "surrogateescape").lower()
        if edit.new is None or not path.endswith(SUFFIXES):
            continue
        try:
            old, new = parse(edit.old.data if edit.old else b""), parse(edit.new.data)
        except ToolError:
            continue
        if new.kind in WRITABLE and new.values and not new.repairs:
            yield edit, old, new


def without_keys(document: Document, keys: Set[str]) -> bytes | None:
    """The document without these keys, each line of the others as it was; without front matter where none is left. None
    where it cannot be cut by lines."""
    if keys >= document.values.keys():
        return document.encode(document.body)
    found = yamltext.read(document.inner) if document.kind == "yaml" else None
    if found is None or found.flow or not found.entries:
        return None
    inner, entries = document.inner[: found.entries[0].key_start], found.entries
    for number, entry in enumerate(entries):
        end = entries[number + 1].key_start if number + 1 < len(entries) else len(document.inner)
        inner += document.inner[entry.key_start : end] if entry.key not in keys else ""
    return document.encode(document.head + inner + document.close + document.body)


def texts(edits: Sequence[Edit]) -> Iterator[tuple[Edit, str, str]]:
    """The files that can be edited as text, each before and after."""
    for edit in edits:
        if edit.new is not None and not edit.whole:
            before, after = ((side.data if side else b"").decode("utf-8", "replace") for side in (edit.old, edit.new))
            if "\ufffd" not in after:
                yield edit, before, after


def own_lines(before: str, after: str) -> list[int]:
    """Numbers of the lines of `after` that are new."""
    known = set(before.split("\n"))
    return [number for number, line in enumerate(after.split("\n")) if line.strip() and line not in known]


def kept_lines(before: str, after: str) -> list[int]:
    """Numbers of the lines of `after` that were there before."""
    known = set(before.split("\n"))
    return [number for number, line in enumerate(after.split("\n")) if line.strip() and line in known]


def with_line(text: str, number: int, line: str | None) -> str:
    """The text with another line at this place; None: with none."""
    lines = text.split("\n")
    lines[number : number + 1] = [] if line is None else [line]
    return "\n".join(lines)


def first_match(edits: Sequence[Edit], rules: Sequence[tuple[str, str]], kept: bool = False) -> tuple[
    str, tuple[Edit, ...]
] | None:  # fmt: skip
    """The first line, new (or with `kept` old), that one of the rules (pattern, replacement) changes."""
    for edit, before, after in texts(edits):
        lines = after.split("\n")
        for number in (kept_lines if kept else own_lines)(before, after):
            for pattern, said in rules:
                new = re.sub(pattern, said, lines[number], count=1)
                if new != lines[number]:
                    says = f"{lines[number].strip()[:80]} → {new.strip()[:80]}"
                    return says, changed(edits, edit, with_line(after, number, new).encode())
    return None
