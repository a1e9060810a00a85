"""A reference as it stands in a file: where its target is, what it says, and how another would be written there."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Kind = Literal["link", "nav", "data", "doc", "hugo", "jekyll", "path"]
"""How the target is looked for (`resolve.py`): a link as browsers and sites take it; an entry of a navigation file; a
text among other data; a document's name (Sphinx); a Hugo or Jekyll shortcode; a path from the root of the tree."""


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    """Characters of the decoded file."""
    end: int
    text: str
    """The target, decoded: without escapes of the format, but with its percent signs."""
    style: str
    """How it is written: a key of `WRITERS`."""
    kind: Kind = "link"


def _markdown(text: str) -> str:
    return re.sub(r"([()\\])", r"\\\1", text.replace(" ", "%20"))


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _yaml_plain(text: str) -> str:
    plain = re.fullmatch(r"[\w./~][^\s:#,\[\]{}&*!|>'\"%@`]*(?: [^\s:#,\[\]{}&*!|>'\"%@`]+)*", text)
    return text if plain else f'"{_json(text)}"'


WRITERS: dict[str, Callable[[str], str]] = {
    "markdown": _markdown,
    "markdown<>": lambda text: re.sub(r"([<>\\])", r"\\\1", text),
    "html": lambda text: html.escape(text, quote=True),
    "yaml": _yaml_plain,
    "single": lambda text: text.replace("'", "''"),
    "json": _json,
    "js'": lambda text: _json(text).replace('\\"', '"').replace("'", "\\'"),
    "js`": lambda text: text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${"),
    "word": lambda text: text,
}
"""Style → how a target is written so that the format's parser reads it back."""


def percent(text: str) -> str:
    """Percent-encoded as browsers write paths: what may stand in one as it is stays."""
    return quote(text, safe="/~!$&'()*+,;=:@-._")
