"""Targets in HTML, and in what borrows its attributes: JSX, MDX, Vue, Astro."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from pantheon_git.tools.links.span import Kind, Span

_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(?:xlink:|v-bind:|:|data-)?(?:href|src|to|link|url|path|data|poster|action|cite|page|doc|file)"""
    r"""\s*=\s*\{?\s*(?:"([^"<>\n]*)"|'([^'<>\n]*)'|`([^`<>\n$]*)`|([^\s"'`=<>{}]+))""",
    re.IGNORECASE,
)
_REFRESH = re.compile(r"""content\s*=\s*["']\s*\d+\s*;\s*url=([^"'\s>]+)""", re.IGNORECASE)


def attributes(text: str, start: int = 0, end: int | None = None, kind: Kind = "link") -> Iterator[Span]:
    """Targets of attributes in a part of `text` that is known to be markup."""
    for pattern in (_ATTRIBUTE, _REFRESH):
        for found in pattern.finditer(text, start, len(text) if end is None else end):
            group = next(number for number, value in enumerate(found.groups(), 1) if value is not None)
            yield Span(*found.span(group), html.unescape(found[group]), "html", kind)


class _Tags(HTMLParser):
    """Where start tags are, outside scripts, styles and comments."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.tags: list[tuple[int, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        begin = self.starts[line - 1] + column
        self.tags.append((begin, begin + len(self.get_starttag_text() or "")))

    handle_startendtag = handle_starttag


def spans(text: str) -> Iterator[Span]:
    """Targets of a whole HTML file."""
    parser = _Tags(text)
    parser.feed(text)
    parser.close()
    for start, end in parser.tags:
        yield from attributes(text, start, end)
