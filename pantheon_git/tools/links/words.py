"""Targets in texts without a parser of their own: reStructuredText, AsciiDoc, shortcodes, redirects, plain paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pantheon_git.tools.links.span import Kind, Span

_HUGO = re.compile(r"""\{\{[<%]\s*(?:rel)?ref\s+(?:path\s*=\s*)?(?:"([^"\n]+)"|`([^`\n]+)`|([^\s"`%>]+))""")
_HUGO_CALL = re.compile(r"""\b(?:rel)?ref\s+\.\s+"([^"\n]+)"|\bGetPage\s+"([^"\n]+)\"""")
_LIQUID = re.compile(
    r"""\{\{[^{}\n]*\}\}(/[\w./~%#?=&+-]+)|\{\{-?\s*["']([^"'\n]+)["']\s*\|\s*(?:rel|abs|url|prepend)"""
)
_INCLUDE = re.compile(
    r"""(?:@include:|\{\{#(?:rustdoc_|playground\s+)?include|--8<--|\{%-?\s*include(?:[-_]\w+)*|\{\{[<%]\s*include)\s+"""
    r"""["']?([^"'\n{}<>%]+?\.\w+)(?=[:{#"'\s}>%]|\s*-->|$)""",
    re.MULTILINE,
)
_QUOTED = re.compile(r"""(?<![\w"'])(?:"([^"\n]+)"|'([^'\n]+)')""")
_JEKYLL = re.compile(r"""\{%-?\s*(?:link|post_url)\s+["']?([^\s"'%]+)""")
_ROLE = re.compile(r"(?::(?:doc|any|download|file):|\{(?:doc|any|download)\})`(?:[^`<>\n]*<)?([^`<>\n]+?)>?`")
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
    """Hugo's `ref` and `relref`, Jekyll's `link` and `post_url`, addresses behind a variable, files taken in."""
    kinds: tuple[tuple[re.Pattern[str], Kind], ...] = (
        (_HUGO, "hugo"), (_HUGO_CALL, "hugo"), (_JEKYLL, "jekyll"), (_LIQUID, "link"), (_INCLUDE, "link"),
    )  # fmt: skip
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


def quoted(text: str, suffixes: tuple[str, ...]) -> Iterator[Span]:
    """Texts in quotes that end as a page does, in a file of any kind."""
    for found in _QUOTED.finditer(text):
        if (found[1] or found[2]).lower().endswith(suffixes):
            yield _span(found, 0, "data")


def paths(text: str, wanted: Iterable[str]) -> Iterator[Span]:
    """Where one of the `wanted` paths (from the root, with a folder in it; a folder ends in `/`) stands as it is."""
    for path in wanted:
        after = r"(?![\w~%-])" if path.endswith("/") else _AFTER
        if "/" in path.rstrip("/"):
            for found in re.finditer(rf"{_LOOSE}(?:\./)?({re.escape(path)}){after}", text):
                yield Span(*found.span(1), path, "word", "path")


def _span(found: re.Match[str], at: int, kind: Kind) -> Span:
    group = next(number for number, value in enumerate(found.groups(), 1) if value is not None)
    start, end = found.span(group)
    return Span(at + start, at + end, found[group], "word", kind)
