"""How a comment is written in each kind of file, and where in a file a header may stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Style:
    first: str
    """A line before the header; empty: none."""
    line: str
    """What begins each line."""
    last: str
    """A line after the header; empty: none."""

    def write(self, text: str) -> list[str]:
        lines = [f"{self.line} {line}".rstrip() for line in text.split("\n")]
        return [*([self.first] if self.first else []), *lines, *([self.last] if self.last else [])]


HASH, SLASHES, STAR = Style("", "#", ""), Style("", "//", ""), Style("/*", " *", " */")
DASHES, SEMICOLONS, PERCENT, QUOTE = Style("", "--", ""), Style("", ";;", ""), Style("", "%", ""), Style("", '"', "")
MARKUP, DOTS, BRACES = Style("<!--", "", "-->"), Style("..", "  ", ""), Style("{-", "", "-}")
BY_SUFFIX = {
    HASH: "py pyi sh bash zsh fish rb pl pm r jl nim tcl cmake yml yaml toml ps1 mk ex exs tf coffee cr",
    SLASHES: "js mjs cjs ts mts cts jsx tsx go rs swift kt kts scala dart zig proto groovy fs c h cc cpp cxx hh hpp cs "
    "java php sol",
    STAR: "css scss less",
    DASHES: "sql lua hs elm adb ads vhd",
    SEMICOLONS: "lisp cl el clj cljs scm rkt",
    PERCENT: "tex sty cls erl hrl m",
    MARKUP: "html htm xml svg vue svelte xhtml",
}
_STYLES = {f".{suffix}": style for style, suffixes in BY_SUFFIX.items() for suffix in suffixes.split()}
_NAMES = {"makefile": HASH, "dockerfile": HASH, "rakefile": HASH, "gemfile": HASH, "cmakelists.txt": HASH}

_BEFORE = re.compile(
    r"""\#!.*                                        # what runs the file
    |  \#.*?coding[:=].*|\#\ *-\*-.*-\*-.*           # PEP 263, Emacs
    |  \#\ *(?:vim|ex):.*
    |  <\?xml.*\?>\s*|<!doctype[^>]*>\s*|<\?php\s*   # must come first
    |  \#\ *frozen_string_literal:.*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COMMENTED = {
    "#": re.compile(r"\s*#"), "//": re.compile(r"\s*//"), "--": re.compile(r"\s*--"), ";": re.compile(r"\s*;"),
    "%": re.compile(r"\s*%"),
}  # fmt: skip
_OPEN = {"/*": "*/", "<!--": "-->", "{-": "-}", '"""': '"""', "'''": "'''"}


def style_of(path: str) -> Style | None:
    """None: no comment style is known for such a file."""
    pure = PurePosixPath(path)
    return _STYLES.get(pure.suffix.lower()) or _NAMES.get(pure.name.lower())


def preamble(lines: list[str]) -> int:
    """How many lines must stay before a header: `#!`, encodings, `<?xml … ?>`, a document type."""
    count = 0
    while count < len(lines) and count < 5 and _BEFORE.fullmatch(lines[count]):
        count += 1
    return count


def top_comment(lines: list[str]) -> tuple[int, int]:
    """First and end line of the comment that a file begins with, after its preamble and blank lines; equal: none."""
    at = preamble(lines)
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at == len(lines):
        return at, at
    start = lines[at].lstrip()
    for opened, closed in _OPEN.items():
        if start.startswith(opened):
            return at, _closing(lines, at, opened, closed)
    for commented in _COMMENTED.values():
        if commented.match(lines[at]):
            end = at
            while end < len(lines) and commented.match(lines[end]):
                end += 1
            return at, end
    return at, at


def _closing(lines: list[str], at: int, opened: str, closed: str) -> int:
    if closed in lines[at].lstrip()[len(opened) :]:
        return at + 1
    return next((number + 1 for number in range(at + 1, len(lines)) if closed in lines[number]), at)


def words(lines: list[str]) -> str:
    """What a comment says, its marks taken off, line by line."""
    plain = [
        re.sub(r"^\s*(?:/\*+|\*+/|<!--|-->|\{-|-\}|\"\"\"|'''|//+|#+|--+|;+|%+|\*+(?!/))?\s?", "", line)
        for line in lines
    ]
    plain = [re.sub(r"\s*(?:\*+/|-->|-\}|\"\"\"|''')\s*$", "", line).rstrip() for line in plain]
    return "\n".join(plain).strip("\n")
