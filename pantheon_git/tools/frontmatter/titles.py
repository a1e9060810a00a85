"""Title candidates, best first: the document's own first heading, else the file's name said in the document's words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from pantheon_git.tools.frontmatter.prose import Prose

LIMIT = 120
_INDEX = {"index", "_index", "readme", "home", "default"}
_SYNONYMS = ("linktitle", "linkTitle", "name", "heading", "short_title", "nav_title", "sidebar_label")
_DATE = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}-")
_ORDER = re.compile(r"^\d{1,3}[-_. ]+(?=[^\W\d])")
_SMALL = set(["a", "an", "the", "and", "or", "of", "to", "in", "on", "at", "for", "with", "from", "by", "as", "is", "via", "vs", "into", "per", "und", "de", "la", "le"])


def candidates(prose: Prose, path: str, values: Mapping[str, Any]) -> list[str]:
    """At least one, unless the file's name and the text are both without a word."""
    found: list[str] = []
    if prose.headings and prose.headings[0][0] == 1:
        found.append(prose.headings[0][1])
    found += [value for key in _SYNONYMS if isinstance(value := values.get(key), str)]
    slug = slug_of(path)
    if slug:
        qualified = _qualified(slug, prose)
        if qualified:
            found.append(qualified)
        found.append(in_words(slug, prose))
    found += [text for _, text in prose.headings[:3]]
    clean = (tidy(text) for text in found)
    return list(dict.fromkeys(text for text in clean if text and any(c.isalnum() for c in text)))


def tidy(text: str) -> str:
    """One line without a trailing mark, and not longer than a title."""
    line = " ".join(text.split()).rstrip(" :;,.").strip()
    return line if len(line) <= LIMIT else line[:LIMIT].rpartition(" ")[0]


def slug_of(path: str) -> str:
    """The part of the path that names the document; empty where it is a bare number."""
    pure = PurePosixPath(path)
    for part in (pure.name.split(".")[0] if pure.suffix else pure.name, *reversed(pure.parent.parts)):
        name = _ORDER.sub("", _DATE.sub("", part))
        if name.casefold() not in _INDEX:
            return "" if re.fullmatch(r"[\d._-]*", name) else name
    return ""


def _qualified(slug: str, prose: Prose) -> str:
    """A name in code whose last part is the slug, said at least twice: `strings.Trim` for Trim, `@scope/name` for name."""
    pattern = re.compile(rf"(?:@[\w-]+/|\b[A-Za-z][\w]*\.){re.escape(slug)}\b", re.IGNORECASE)
    counts = Counter(match for match in pattern.findall(prose.text))
    own = [(n, name) for name, n in counts.items() if not re.search(r"\.(?:html?|md|js|css|com|org|io|dev)$", name)]
    if not own:
        return ""
    number, name = max(own)
    return name if number > 1 else ""


def in_words(slug: str, prose: Prose) -> str:
    """The slug's words in the spelling that the document gives them, in sentence case."""
    if re.search(r"[a-z][A-Z]", slug) or not re.search(r"[-_ ]", slug):
        spelled = _spelling(slug, prose.text)
        return spelled if re.search(r"[a-z][A-Z]", slug) else spelled[:1].upper() + spelled[1:]
    slug = re.sub(r"(?<=\d)[-_](?=\d)", ".", slug)
    words = [w for w in re.split(r"[-_ ]+", slug) if w]
    said = " ".join(_spelling(word, prose.text) for word in words)
    return said[:1].upper() + said[1:]


def _spelling(word: str, text: str) -> str:
    """The commonest spelling in the text, if that one is not simply lower case."""
    counts = Counter(re.findall(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE))
    if not counts or word.casefold() in _SMALL:
        return word
    best, _ = counts.most_common(1)[0]
    return best
