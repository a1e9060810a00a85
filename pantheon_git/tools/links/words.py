"""Targets in texts without a parser of their own: reStructuredText, AsciiDoc, shortcodes, redirects, plain paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pantheon_git.tools.links.span import Kind, Span

_HUGO = re.compile(r"""\{\{[<%]\s*(?:rel)?ref\s+(?:path\s*=\s*)?(?:"([^"\n]+)"|`([^`\n]+)`|([^\s"`%>]+))""")
_HUGO_CALL = re.compile(r"""\b(?:rel)?ref\s+\.\s+"([^"\n]+)"|\bGetPage\s+"([^"\n]+)\"""")
_JEKYLL = re.compile(r"""\{%-?\s*(?:link|post_url)\s+["']?([^\s"'%]+)""")
_ROLE = re.compile(r":(?:doc|any|download|file):`(?:[^`<>\n]*<)?([^`<>\n]+?)>?`")
_DIRECTIVE = re.compile(
    r"^\s*(?:\.\. |:?:{3} ?\{?|`{3}\{)(?:include|literalinclude|figure|image|mdinclude)\}?(?:::)?\s+(\S+)"
)
_RST_LINK = re.compile(r"`[^`<>]*<([^`<>\s]+?)>`_{1,2}")
_RST_TARGET = re.compile(r"^\s*\.\. _[^:\n]+:\s+(\S+)\s*$")
_TOCTREE = re.compile(r"^(\s*)(?:\.\. toctree::|`{3,}\{toctree\}|:{3,}\{toctree\})")
_ENTRY = re.compile(r"^\s*(?:[^<>\n]*<([^<>\s]+)>|([^\s:][^\s]*))\s*$")
_ASCIIDOC = re.compile(r"(?:xref:|link:|include::|image::?|<<)([^\s\[\]<>,]+)(?=[\[,>])")
_LOOSE = r"(?<![\w.~%-])(?<![\w.~%-]/)"
_AFTER = r"(?![\w%~-]|\.\w|/[\w.])"


def shortcodes(text: str) -> Iterator[Span]:
    """Hugo's `ref` and `relref`, Jekyll's `link` and `post_url`."""
    kinds: tuple[tuple[re.Pattern[str], Kind], ...] = ((_HUGO, "hugo"), (_HUGO_CALL, "hugo"), (_JEKYLL, "jekyll"))
    for pattern, kind in kinds:
        for found in pattern.finditer(text):
            group = next(number for number, value in enumerate(found.groups(), 1) if value is not None)
            yield Span(*found.span(group), found[group], "word", kind)


def sphinx(text: str) -> Iterator[Span]:
    """Roles, directives and toctrees, in reStructuredText and in MyST."""
    inside: int | None = None
    at = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        indent = len(bare) - len(bare.lstrip())
        if begun := _TOCTREE.match(bare):
            inside = len(begun[1])
        elif inside is not None and bare.strip():
            closed = bare.strip().startswith(("```", ":::"))
            if closed or (indent <= inside and "```" not in text[:at] and ":::" not in text[:at]):
                inside = None
            elif entry := _ENTRY.match(bare):
                yield _span(entry, at, "doc")
        for pattern, kind in ((_ROLE, "doc"), (_DIRECTIVE, "link"), (_RST_LINK, "link"), (_RST_TARGET, "link")):
            for found in pattern.finditer(bare):
                yield _span(found, at, kind)  # type: ignore[arg-type]
        at += len(line)


def asciidoc(text: str) -> Iterator[Span]:
    for found in _ASCIIDOC.finditer(text):
        yield _span(found, 0, "link")


def redirects(text: str) -> Iterator[Span]:
    """Where the lines of a `_redirects` file lead: the second word. The first is an old address and stays."""
    at = 0
    for line in text.splitlines(keepends=True):
        words = list(re.finditer(r"\S+", line.partition("#")[0] if line.lstrip().startswith("#") else line))
        if len(words) > 1:
            yield Span(at + words[1].start(), at + words[1].end(), words[1][0], "word")
        at += len(line)


def paths(text: str, wanted: Iterable[str]) -> Iterator[Span]:
    """Where one of the `wanted` paths (from the root, with a folder in it) stands as it is."""
    for path in wanted:
        if "/" in path:
            for found in re.finditer(rf"{_LOOSE}(?:\./)?({re.escape(path)}){_AFTER}", text):
                yield Span(*found.span(1), path, "word", "path")


def _span(found: re.Match[str], at: int, kind: Kind) -> Span:
    group = next(number for number, value in enumerate(found.groups(), 1) if value is not None)
    start, end = found.span(group)
    return Span(at + start, at + end, found[group], "word", kind)
