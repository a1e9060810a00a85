"""What a document says of itself, for its name: title, first heading, opening."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from pantheon_git.tools.links.find import decode
from pantheon_git.tools.links.places import front_matter

_UNDERLINED = re.compile(r"^(?:[=\-~*#^]{3,}\r?\n)?([^\s=\-~].*?)\r?\n[=\-~*#^]{3,}[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_LOWER = re.compile(r"^#{2,3}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_HTML = re.compile(r"<(?:h1|title)[^>]*>([^<]+)</", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    titles: list[str]
    """Title of the front matter, then the first heading of the first level; without those that are empty."""
    text: str
    """The body, shortened."""


def said(path: str, data: bytes) -> Said:
    text = decode(data) or ""
    titles = [span.text for key, span in front_matter(text) if key.lower() in ("title", "sidebar_label")][:1]
    body = re.sub(
        r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n.*?^\1[ \t]*\r?$", "", text, count=1, flags=re.DOTALL | re.MULTILINE
    )
    head = re.sub(r"^(```|~~~).*?^\1", "", body[:20_000], flags=re.DOTALL | re.MULTILINE)
    shapes = (_UNDERLINED, _HEADING) if path.endswith((".rst", ".txt")) else (_HEADING, _UNDERLINED, _HTML)
    if not titles:  # then any heading says more than none
        shapes = (*shapes, _LOWER)
    heading = next((found[1].strip() for shape in shapes if (found := shape.search(head))), "")
    wanted = [title.strip() for title in (*titles, heading) if title.strip()]
    printable = "".join(char for char in head if char.isprintable() or char == "\n").strip()
    return Said(list(dict.fromkeys(wanted)), printable[:1500])


def siblings(path: str, files: list[str]) -> list[str]:
    """Names of the other files of the folder."""
    folder = posixpath.dirname(path)
    return [posixpath.basename(other) for other in files if posixpath.dirname(other) == folder and other != path]
