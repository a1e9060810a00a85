"""The name of a thing that a page is called after, where the person renames the thing and not the page alone.

Asked for (`params.names`), never guessed: a page's name is often a word like any other. Looked for only in the file
that moves and in files that refer to it, and only where it stands as a name: as code, in quotes, within an address, as
the whole of a value; a name that no word of a language looks like (`release-it-version`, `micro2`) wherever it stands.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from pantheon_git.tools.links.span import Span
from pantheon_git.tools.links.tree import address

_PLAIN = (
    r"[`\"'/=<(\[]{0}(?:[`\"')\]>#]|/[`\"')\]>#\s]|/$|/\S*\.(?:png|jpe?g|svg|gif|webp))"
    r"|^[ \t]*[\w-]+:[ \t]*{0}[ \t]*$|^[ \t]*[│|├└ ─-]+[ \t]*{0}/?[ \t]*$"
)
"""Around a name that might be any word: quotes, the ends of an address, a folder of pictures, a whole value or line."""


def things(text: str, renames: Mapping[str, str]) -> Iterator[tuple[Span, str, str]]:
    """(span, new name, old path) of each place where an old name stands as a name."""
    for old, new in renames.items():
        name, fresh = (posixpath.basename(address(path)) for path in (old, new))
        if old.endswith("/") or not name or _same(name, fresh):
            continue
        word = re.escape(name)
        shape = rf"(?<![\w-]){word}(?![\w-])" if _is_odd(name) else _PLAIN.format(f"({word})")
        for found in re.finditer(shape, text, re.MULTILINE):
            group = next((n for n, part in enumerate(found.groups(), 1) if part), 0)
            yield Span(*found.span(group), name, "word"), fresh, old


def _same(one: str, other: str) -> bool:
    """The same words, spelled otherwise: what text and code call the thing is not wrong then."""
    return re.sub(r"[\W_]", "", one.lower()) == re.sub(r"[\W_]", "", other.lower())


def _is_odd(name: str) -> bool:
    """Whether no word of a language is written so: with a digit, an underscore, two hyphens or an inner capital."""
    return re.search(r"\d|_|-.*-|[a-z][A-Z]", name) is not None
