"""Markdown → clean prose: headings, paragraphs and sentences without code, HTML, JSX, templates or link syntax."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

LIMIT = 60_000
"""Characters of a body that are looked at: what a document is about stands at its beginning."""

# Every repeat that may fail is bounded, so that hostile text costs no more than plain text.
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_FENCE_OF = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[ \t]*([\w+#.-]{1,20})", re.MULTILINE)
_ADDRESS = re.compile(r"https?://([^\s)\]>\"']{1,300})")
_DROP = re.compile(
    r"<!--.*?(?:-->|\Z)|\{/\*.{0,2000}?\*/\}|<(script|style|svg|table)\b.*?(?:</\1>|\Z)"
    r"|\{\{[^\n{}]{0,400}\}\}|\{%[^%]{0,400}%\}",
    re.DOTALL | re.IGNORECASE,
)
_MDX = re.compile(r"^(?:import|export)\s[^\n]*(?:\n(?![ \t]*\n)[ \t}][^\n]*)*", re.MULTILINE)
_EXPORTED = re.compile(
    r"^export[ ]+const[ ]+(?:title[ ]*=|(?:meta|metadata|frontmatter)[ ]*=[ ]*\{[^{}]{0,400}?\btitle[ ]*:)"
    r"\s{0,9}([\"'`])([^\"'`\n]{1,160})\1",
    re.MULTILINE,
)
_HTML_HEADING = re.compile(r"<h([1-6])\b[^<>]{0,200}>([^\n]{0,300}?)</h\1>", re.IGNORECASE)
_REFERENCE = re.compile(r"^[ ]{0,3}\[[^\]\n]+\]:[^\n]*$", re.MULTILINE)
_CODE = re.compile(r"(?<!`)(`{1,4})(?!`)([^\n]{0,300}?[^`\n])\1(?!`)")
_SHIELD = {ord(char): 0xE000 + ord(char) for char in "<>{}[]*_"}
_UNSHIELD = {code: chr(char) for char, code in _SHIELD.items()}
"""Signs within inline code mean themselves: they are hidden from the rules for markup in the private use area."""
_ATTRIBUTES = re.compile(r"\{:[^}\n]*\}")
_TAG = re.compile(r"</?[A-Za-z][^<>]*?/?>|<>|</>", re.DOTALL)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_BULLET = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+")
_IMAGE = re.compile(r"!\[([^\]\n]*)\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\]\n]*\])")
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\](?:\((?:[^()\n]|\([^()\n]*\))*\)|\[[^\[\]\n]*\])")
_BARE_REFERENCE = re.compile(r"\[([^\[\]\n]+)\](?![(\[:])")
_EMPHASIS = re.compile(
    r"(\*{1,3}|~~)(?=\S)(.{1,400}?)(?<=\S)\1|(?<!\w)(_{1,3})(?=\S)(.{1,400}?)(?<=\S)\3(?!\w)", re.DOTALL
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\Wa-z_])|(?<=[。！？])[」』）]*")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Dr|St|No|Fig|approx|incl|z\.B|p\.ex)|\b[A-Z])\.$")


@dataclass(frozen=True)
class Prose:
    headings: tuple[tuple[int, str], ...] = ()
    """Level and text."""
    paragraphs: tuple[str, ...] = ()
    """Running text, in order; lists, callouts and by-lines are in `asides`."""
    asides: tuple[str, ...] = ()
    code_names: tuple[str, ...] = ()
    """Inline code, in order, with repeats."""
    links: tuple[str, ...] = ()
    """The texts of links, in order."""
    fences: tuple[str, ...] = ()
    """The languages of fenced code, in order, with repeats."""
    addresses: str = field(default="", repr=False)
    """The words of the links' addresses."""
    exported: str = ""
    """The title that an MDX module exports."""
    opening: str = ""
    """The heading or paragraph that stands first: `heading` or `paragraph`."""
    text: str = field(default="", repr=False)
    """Everything that a reader sees, code and tables too: what an answer must be grounded in."""

    @property
    def running(self) -> str:
        """All of it that is language."""
        return "\n".join([*self.paragraphs, *self.asides, *(text for _, text in self.headings)])

    @property
    def words(self) -> int:
        return sum(len(p.split()) for p in (*self.paragraphs, *self.asides))


def read(body: str) -> Prose:
    """The prose of a Markdown or MDX body."""
    text = body[:LIMIT].replace("\r\n", "\n").replace("\r", "\n")
    codes = re.findall(r"(?<!`)`([^`\n]{1,80})`(?!`)", _FENCE.sub("\n", text))
    shielded = _CODE.sub(lambda m: m[0].translate(_SHIELD), _FENCE.sub("\n\n", text))
    cleaned = _DROP.sub(" ", _MDX.sub("", _REFERENCE.sub("", shielded)))
    cleaned = _HTML_HEADING.sub(lambda m: f"\n\n{'#' * int(m[1])} {m[2]}\n\n", cleaned)
    exported = _EXPORTED.search(text)
    links = tuple(inline(match) for match in _LINK.findall(cleaned))
    headings: list[tuple[int, str]] = []
    paragraphs: list[str] = []
    asides: list[str] = []
    opening = ""
    for kind, level, raw in _blocks(cleaned):
        said = inline(raw)
        if not said:
            continue
        if kind == "heading":
            headings.append((level, said))
            opening = opening or kind
        elif kind == "paragraph" and _runs(said):
            paragraphs.append(said)
            opening = opening or kind
        else:
            asides.append(said)
    seen = _visible(body[:LIMIT])
    addresses = " | ".join(re.sub(r"[\W_]+", " ", address) for address in _ADDRESS.findall(text))
    fences = tuple(name.casefold() for name in _FENCE_OF.findall(text))
    return Prose(
        tuple(headings),
        tuple(paragraphs),
        tuple(asides),
        tuple(codes),
        links,
        fences,
        addresses,
        exported[2] if exported else "",
        opening,
        seen,
    )


def _blocks(text: str) -> list[tuple[str, int, str]]:
    """(kind, heading level, raw text): kinds are heading, paragraph and aside."""
    blocks: list[tuple[str, int, str]] = []
    lines: list[str] = []
    callout = False

    def close() -> None:
        if lines:
            blocks.append((_kind(lines, callout), 0, "\n".join(lines)))
            lines.clear()

    for line in text.split("\n"):
        bare = line.strip()
        heading = _HEADING.match(line)
        if bare.startswith(":::"):
            close()
            callout = len(bare) > 3 and not callout
        elif heading:
            close()
            blocks.append(("heading", len(heading[1]), heading[2]))
        elif _SETEXT.match(line) and len(lines) == 1 and _kind(lines, callout) == "paragraph":
            blocks.append(("heading", 1 if "=" in bare else 2, lines.pop()))
        elif not bare or re.fullmatch(r"[-*_ ]{3,}", bare):
            close()
        else:
            if _BULLET.match(line):
                close()
            lines.append(line)
    close()
    return blocks


def _kind(lines: list[str], callout: bool) -> str:
    first = lines[0]
    quoted = first.lstrip().startswith((">", "|", ":"))
    indented = first.startswith(("    ", "\t"))
    markup = re.match(r"\s*<(?!/?(?:a|b|i|em|strong|code|kbd|span|sup|sub)\b)", first) is not None
    return "aside" if callout or quoted or indented or markup or _BULLET.match(first) else "paragraph"


def _runs(said: str) -> bool:
    """Running text, and not a by-line, a label or a badge row."""
    words = said.split()
    return " | " not in said and (len(words) > 3 or len(said) > 20 or said[-1:] in ".!?。！？")


def inline(raw: str) -> str:
    """One line without Markdown or HTML syntax."""
    said = _ATTRIBUTES.sub("", _TAG.sub(" ", raw))
    said = _BULLET.sub("", re.sub(r"^[ \t]*(?:>[ \t]*)+", "", said, flags=re.MULTILINE))
    said = re.sub(r"^\[!\w+\]", "", said.strip())
    said = _IMAGE.sub(" ", said)
    for _ in range(2):
        said = _LINK.sub(r"\1", said)
    said = _BARE_REFERENCE.sub(r"\1", said)
    said = re.sub(r"`+([^`]*)`+", r"\1", said)
    for _ in range(2):
        said = _EMPHASIS.sub(lambda m: m[2] or m[4], said)
    said = re.sub(r"\{#[\w-]+\}|:[a-z_]+:(?=\s|$)", " ", said)
    said = re.sub(r"\\([\\`*_{}\[\]()#+.!|<>-])", r"\1", html.unescape(said))
    said = re.sub(r"\s+", " ", said).strip().translate(_UNSHIELD)
    return re.sub(r"\s+([,.;:!?])(?=\s|$)", r"\1", said)


def sentences(paragraph: str) -> list[str]:
    """Split at sentence ends, not after an abbreviation."""
    found: list[str] = []
    for part in _SENTENCE_END.split(paragraph):
        if part and part.strip():
            if found and _ABBREVIATION.search(found[-1]):
                found[-1] += " " + part.strip()
            else:
                found.append(part.strip())
    return found


def _visible(body: str) -> str:
    return _TAG.sub(" ", html.unescape(re.sub(r"\]\([^)\s]*\)", "] ", body)))


def excerpt(prose: Prose, limit: int = 1200) -> str:
    """Whole paragraphs (the last one cut at a sentence) up to `limit` characters."""
    kept: list[str] = []
    room = limit
    for paragraph in prose.paragraphs or prose.asides:
        for sentence in sentences(paragraph):
            if len(sentence) + 1 > room:
                return " ".join(kept) or sentence[:limit]
            kept.append(sentence)
            room -= len(sentence) + 1
    return " ".join(kept)
