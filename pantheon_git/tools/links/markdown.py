"""Targets in Markdown and MDX, by markdown-it-py: links, images, references, autolinks, and the HTML between them.

The parser gives an inline text and its lines; where in the file that text stands is found line by line, since block
quotes, lists and tables take parts of each line away. Indented code is read as text: it is how MkDocs writes what is
inside of an admonition or a tab, and MDX has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pantheon_git.tools.links.html import attributes
from pantheon_git.tools.links.span import Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_NEWLINE = re.compile(r"\r\n|\n|\r")
_DEFINITION = re.compile(r"^[ \t>*+-]*\[(?:[^\]\\]|\\.)+\]:[ \t]*(?:<([^<>\n]*)>|(\S+))")
_MODULE = re.compile(r"""^(?:import|export)\b[^\n'"]*(["'])([^"'\n]+)\1""", re.MULTILINE)
_URL = re.compile(r"https?://[^\s<>()\[\]\"'`{}|\\^]+")


@dataclass
class _Seen:
    """What the rules saw in the inline text that is being parsed: links, and parts that are code."""

    source: str = ""
    links: list[Span] = field(default_factory=list)
    code: list[tuple[int, int]] = field(default_factory=list)


class _Lines:
    """Lines of a text as CommonMark counts them, and how far each has been used up by inline texts."""

    def __init__(self, text: str) -> None:
        self.text = text
        breaks = list(_NEWLINE.finditer(text))
        self.starts = [0, *(found.end() for found in breaks)]
        self.ends = [*(found.start() for found in breaks), len(text)]
        self.used: dict[int, int] = {}

    def at(self, line: int) -> int:
        return self.starts[line] if line < len(self.starts) else len(self.text)

    def place(self, content: str, first: int, last: int) -> list[tuple[int, int, int]]:
        """(offset in content, offset in text, length) of each line of an inline text within lines first … last."""
        places: list[tuple[int, int, int]] = []
        number, offset = first, 0
        for part in content.split("\n"):
            at = -1
            while number < min(last, len(self.starts)) and at < 0:
                begin = self.used.get(number, self.starts[number])
                at = self.text.find(part, begin, self.ends[number])
                number += at < 0
            if at < 0:
                return places
            places.append((offset, at, len(part)))
            self.used[number] = at + len(part)
            offset += len(part) + 1
        return places


def spans(text: str, mdx: bool = False) -> list[Span]:
    """Targets of a document's body, in order; offsets are those of `text`."""
    seen, lines, environment = _Seen(), _Lines(text), dict[str, Any]()
    parser = _parser(seen)
    found: list[Span] = []
    masked: list[tuple[int, int]] = []
    for token in parser.parse(text, environment):
        if token.map is None:
            continue
        start, end = lines.at(token.map[0]), lines.at(token.map[1])
        if token.type == "fence":
            masked.append((start, end))
        elif token.type == "html_block":
            _take(parser, seen, text[start:end], [(0, start, end - start)], environment, found, masked)
        elif token.type == "inline":
            places = lines.place(token.content, *token.map)
            _take(parser, seen, token.content, places, environment, found, masked)
    found += _definitions(text, environment, lines)
    taken = [*masked, *((span.start, span.end) for span in found)]
    loose = [*attributes(text), *(Span(*m.span(), m[0], "word") for m in _URL.finditer(text))]
    if mdx:
        loose += [Span(*m.span(2), m[2], "js'") for m in _MODULE.finditer(text)]
    found += [span for span in loose if not any(span.start < end and start < span.end for start, end in taken)]
    return sorted({span.start: span for span in reversed(found)}.values(), key=lambda span: span.start)


def _take(
    parser: MarkdownIt,
    seen: _Seen,
    content: str,
    places: list[tuple[int, int, int]],
    environment: dict[str, Any],
    found: list[Span],
    masked: list[tuple[int, int]],
) -> None:
    """Parse one inline text while watching where its links and code are, and say where that is in the file."""
    seen.source, seen.links, seen.code = content, [], []
    parser.inline.parse(content, parser, environment, [])
    for link in seen.links:
        if (at := _there(places, link.start, link.end)) is not None:
            found += [Span(at, at + link.end - link.start, link.text, link.style)]
    for start, end in seen.code:
        first, last = _there(places, start, start + 1), _there(places, end - 1, end)
        if first is not None and last is not None:
            masked.append((first, last + 1))


def _there(places: list[tuple[int, int, int]], start: int, end: int) -> int | None:
    """Where in the file the part start … end of an inline text stands; None where it is not on one line."""
    return next((at + start - offset for offset, at, length in places if offset <= start and end <= offset + length),
                None)  # fmt: skip


def _definitions(text: str, environment: dict[str, Any], lines: _Lines) -> Iterator[Span]:
    """Targets of `[label]: target`, which the parser names by their lines alone."""
    known = [*environment.get("references", {}).values(), *environment.get("duplicate_refs", ())]
    for first, last in {tuple(one["map"]) for one in known}:
        for number in range(first, last):
            if found := _DEFINITION.match(text[lines.at(number) : lines.at(number + 1)]):
                group = 1 if found[1] is not None else 2
                start, end = (lines.at(number) + at for at in found.span(group))
                yield Span(start, end, _plain(found[group]), "markdown<>" if group == 1 else "markdown")


def _plain(raw: str) -> str:
    from markdown_it.common.utils import unescapeAll

    return str(unescapeAll(raw))


def _parser(seen: _Seen) -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable(["code"])
    parser.core.ruler.disable("inline")  # done by `_take`, one text at a time
    parser.inline.ruler2.disable(["balance_pairs", "emphasis", "fragments_join"], ignoreInvalid=True)
    for name in ("link", "image", "autolink", "backticks"):
        inner = next(rule.fn for rule in parser.inline.ruler.__rules__ if rule.name == name)
        parser.inline.ruler.at(name, _watched(name, inner, seen))
    return parser


def _watched(name: str, inner: Callable[[StateInline, bool], bool], seen: _Seen) -> Callable[[StateInline, bool], bool]:
    def rule(state: StateInline, silent: bool) -> bool:
        start = state.pos
        if not inner(state, silent):
            return False
        if silent or state.src != seen.source:
            return True
        end = state.pos
        if name == "backticks":
            seen.code.append((start, end))
        elif name == "autolink":
            seen.links.append(Span(start + 1, end - 1, state.src[start + 1 : end - 1], "word"))
        elif (target := _destination(state, start + (name == "image"), end)) is not None:
            seen.links.append(target)
        return True

    return rule


def _destination(state: StateInline, bracket: int, end: int) -> Span | None:
    """The target of an inline link whose text begins at `bracket`; None for a reference. Moves nothing."""
    helpers, position = state.md.helpers, state.pos
    close = helpers.parseLinkLabel(state, bracket, True)
    state.pos = position
    if close < 0 or state.src[close + 1 : close + 2] != "(":
        return None
    at = close + 2
    while at < end and state.src[at] in " \t\n":
        at += 1
    result = helpers.parseLinkDestination(state.src, at, end)
    if not result.ok:
        return None
    if state.src[at] == "<":
        return Span(at + 1, result.pos - 1, result.str, "markdown<>")
    return Span(at, result.pos, result.str, "markdown")
