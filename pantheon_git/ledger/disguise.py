"""A text as other programs write it: JSON escapes, base64, hex, percent signs, wrapped lines; and the way back.

Each reading of a text is a *view* in which something may be found that the text itself does not show. A view knows for
each of its places where that stands in the text, so that what is found there can be taken out here.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_ESCAPE = re.compile(
    r"\\+u00(?P<u>[0-7][0-9a-fA-F])|\\+x(?P<x>[0-7][0-9a-fA-F])|\\+(?P<c>[nrt\"'/])|&#(?P<d>[0-9]{2,3});"
    r"|&#[xX](?P<h>[0-7][0-9a-fA-F]);|&(?P<e>quot|amp|apos|lt|gt);|%(?P<p>[2-7][0-9A-F]|0[9AD])"
)
"""JSON, in JSON again and again, C and Python, HTML, URLs."""
_CHARS = {"n": "\n", "r": "\r", "t": "\t", "quot": '"', "amp": "&", "apos": "'", "lt": "<", "gt": ">"}
_WORD = r"[A-Za-z0-9+/=_.-]"
_WRAP = re.compile(
    rf"(?<={_WORD}{{16}})(?:=?\r?\n|\\+n|\\\n)[ \t]*(?:[+>|# -] ?)?(?={_WORD}+[ \t]*(?:[\r\n\"'\\,;)]|\Z))"
)
"""A break inside a long word that goes on alone in the next line, as mail, YAML, terminals and diffs have them."""
_LETTER, _LETTERS = re.compile(_WORD), re.compile(rf"{_WORD}+")
_LINES = 4
"""Breaks in one word, at most."""
_NUL = re.compile("\0")
_SEPARATOR = r"(?:\\+[rn]|[\r\n])+[ \t]*(?:[+>|#-](?![A-Za-z0-9+/]{0,3}$))?[\"', \t]*"
_BASE64 = re.compile(
    rf"[A-Za-z0-9+/_-]{{16,}}={{0,2}}(?:{_SEPARATOR}[A-Za-z0-9+/_-]{{4,}}={{0,2}}(?=[ \t]*(?:[\r\n\\\"',]|\Z)))*",
    re.MULTILINE,
)
"""Further lines count while there is nothing else in them."""
_SEPARATORS = re.compile(_SEPARATOR, re.MULTILINE)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,}")
_TEXT = re.compile(rb"[\n\r\t\x20-\x7e]{12}|(?:[\x20-\x7e]\0){12}")
"""Chance makes no such run; a digest or an image decodes to nothing that is looked at."""
_PADDING = (b"", b"", b"==", b"=")
_URLSAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class View:
    text: str
    starts: tuple[int, ...]
    """Places in the view at which a piece begins, rising; the first is 0."""
    origins: tuple[int, ...]
    """Where each piece begins in the text that was looked at. Within a piece places run on together."""

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The part of the text that stands behind a part of the view."""
        return self._place(start), self._place(end)

    def _place(self, at: int) -> int:
        piece = bisect_right(self.starts, at) - 1
        return self.origins[piece] + at - self.starts[piece]


def unescaped(text: str) -> View | None:
    """With escapes read; None where there are none."""
    if "\\" not in text and "&" not in text and "%" not in text:
        return None
    return _without(text, _ESCAPE, _meaning)


def unwrapped(text: str) -> Iterator[View]:
    """Long words that line breaks part, joined again: each with the next line, with the next two, and so on."""
    breaks = {match.start(): match for match in _WRAP.finditer(text)}
    for start, match in breaks.items():
        while start and _LETTER.match(text, start - 1):
            start -= 1
        parts, starts, origins = [text[start : match.start()]], [0], [start]
        later: re.Match[str] | None = match
        while later is not None and len(parts) <= _LINES:
            word = _LETTERS.match(text, later.end())
            assert word is not None  # noqa: S101 - the pattern looked ahead
            starts.append(starts[-1] + len(parts[-1]))
            origins.append(later.end())
            parts.append(word.group())
            yield View("".join(parts), (*starts, starts[-1] + len(parts[-1])), (*origins, word.end()))
            later = breaks.get(word.end())


def narrow(text: str) -> View | None:
    """UTF-16 and UTF-32 of plain letters: without their zero bytes."""
    return _without(text, _NUL, lambda match: "") if "\0" in text else None


def encoded(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and content of each run of base64 or hex digits that may hold text."""
    for match in _BASE64.finditer(text):
        digits = _SEPARATORS.sub("", match.group()).rstrip("=").translate(_URLSAFE).encode("ascii")
        for shift in range(4):  # what stands before it may be of its alphabet: a path, a plus sign of a diff
            content = _base64(digits[shift:])
            if _TEXT.search(content):
                yield match.start(), match.end(), content.decode("latin-1")
    for match in _HEX.finditer(text):
        content = bytes.fromhex(match.group())
        if _TEXT.search(content):
            yield match.start(), match.end(), content.decode("latin-1")


def _base64(digits: bytes) -> bytes:
    """A last digit that begins a byte and does not end one is left out; four more make up a group."""
    try:
        return binascii.a2b_base64(digits[:-1] if len(digits) % 4 == 1 else digits + _PADDING[len(digits) % 4])
    except binascii.Error:
        return b""


def _without(text: str, pattern: re.Pattern[str], meaning: Callable[[re.Match[str]], str]) -> View | None:
    parts, starts, origins, at, length = [], [], [], 0, 0
    for match in pattern.finditer(text):
        for piece, origin in ((text[at : match.start()], at), (meaning(match), match.start())):
            if piece:
                parts.append(piece)
                starts.append(length)
                origins.append(origin)
                length += len(piece)
        at = match.end()
    if not at:
        return None
    return View("".join([*parts, text[at:]]), (*starts, length), (*origins, at))


def _meaning(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    said = match[kind]
    if kind in ("u", "x", "h", "p"):
        return chr(int(said, 16))
    return chr(int(said) % 256) if kind == "d" else _CHARS.get(said, said)
