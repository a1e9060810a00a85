"""Faults in front matter: another document's words, one invented fact, tags that say nothing, things that went."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pantheon_git.night.patch import Edit
from pantheon_git.night.plants.draft import Elsewhere, Maker, changed, pages, without_keys
from pantheon_git.night.plants.inventions import INVENTIONS, invent
from pantheon_git.tools.frontmatter.document import Document
from pantheon_git.tools.frontmatter.edit import apply, plain
from pantheon_git.tools.frontmatter.words import content_stems
from pantheon_git.tools.protocol import ToolError

Made = tuple[str, tuple[Edit, ...]] | None
_SPAM = 12
_ALIKE = 0.4
"""Share of content words in common from which on another document's words may be right here too."""


def _rewritten(field: str, new_words: Callable[[str, Document, Elsewhere], Any]) -> Maker:
    """A maker that puts other words into a field that the job wrote."""

    def make(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
        for edit, old, new in pages(edits):
            value = plain(new.values.get(field))
            if not isinstance(value, str | list) or not value or value == plain(old.values.get(field)):
                continue
            wrong = new_words(value if isinstance(value, str) else "", new, elsewhere)
            try:
                data = apply(new, {field: wrong}) if wrong and wrong != value else b""
            except ToolError:
                continue
            if data:
                return f"{field}: {_short(value)} → {_short(wrong)}", changed(edits, edit, data)
        return None

    return make


def _short(value: Any) -> str:
    return (value if isinstance(value, str) else ", ".join(map(str, value)))[:100]


def _foreign(texts: Iterable[str], own: str, document: Document) -> str:
    """The first text that is not this document's, whose words the document does not share."""
    known = content_stems(own) | content_stems(str(plain(document.values.get("title")) or ""))
    for text in texts:
        stems = content_stems(text)
        if stems and text not in document.text and len(stems & known) < _ALIKE * len(stems):
            return text
    return ""


def _invented(kind: str) -> Callable[[str, Document, Elsewhere], str]:
    def words(value: str, document: Document, elsewhere: Elsewhere) -> str:
        return invent(kind, value, document.body, [*elsewhere.titles, *elsewhere.descriptions])

    return words


def _spam(value: str, document: Document, elsewhere: Elsewhere) -> list[str]:
    counted = Counter(word.casefold() for word in re.findall(r"[^\W\d_]{4,}", document.body))
    return [word for word, _ in counted.most_common(_SPAM)]


def _foreign_tags(value: str, document: Document, elsewhere: Elsewhere) -> list[str]:
    seen = document.text.casefold()
    return [tag for tag in elsewhere.tags if tag.casefold() not in seen][:3]


def _lost_key(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    for edit, old, new in pages(edits):
        for key in (key for key in new.values if key in old.values and len(new.values) > 1):
            if data := without_keys(new, {key}):
                return f"the key {key} is gone", changed(edits, edit, data)
    return None


def _lost_paragraph(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    for edit, _, new in pages(edits):
        parts = new.body.rstrip().split("\n\n")
        if len(parts) > 2:
            data = new.encode(new.head + new.inner + new.close + "\n\n".join(parts[:-1]) + "\n")
            return "the document's last paragraph is gone", changed(edits, edit, data)
    return None


SORTS: tuple[tuple[str, Maker], ...] = (
    ("swapped-title", _rewritten("title", lambda own, doc, other: _foreign(other.titles, own, doc))),
    ("swapped-description", _rewritten("description", lambda own, doc, other: _foreign(other.descriptions, own, doc))),
    *((f"invented-{kind}" if kind != "entity" else "exchanged-names", _rewritten("description", _invented(kind)))
      for kind in INVENTIONS),
    ("tag-spam", _rewritten("tags", _spam)),
    ("foreign-tags", _rewritten("tags", _foreign_tags)),
    ("lost-key", _lost_key),
    ("lost-paragraph", _lost_paragraph),
)  # fmt: skip
