"""Description candidates and the computed draft: the document's own sentences, rewritten by fixed rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pantheon_git.tools.frontmatter.prose import Prose, sentences

SHORTEST, LONGEST = 40, 160
_SYNONYMS = ("summary", "excerpt", "abstract", "about", "subtitle", "tagline", "lead")


def candidates(prose: Prose, title: str, values: Mapping[str, Any]) -> list[str]:
    """Best first; each one line. Empty only where the document has no words at all."""
    found = [value for key in _SYNONYMS if isinstance(value := values.get(key), str)]
    for paragraph in (*prose.paragraphs[:6], *prose.asides[:6]):
        found += [fit(s) for s in sentences(paragraph)[:3]]
    heads = [text for _, text in prose.headings[:4]]
    if heads:
        found.append(fit(", ".join(heads) + "."))
    return list(dict.fromkeys(f for f in found if f))


def fit(sentence: str) -> str:
    """At most LONGEST characters, cut at a clause or a word so that it still reads as a sentence."""
    line = " ".join(sentence.split())
    if len(line) <= LONGEST:
        return line
    cut = line[: LONGEST - 1]
    for mark in ("; ", ". ", ": ", ", "):
        at = cut.rfind(mark)
        if at >= SHORTEST:
            return cut[:at].rstrip(" ,;:") + "."
    cut = cut.rpartition(" ")[0] or cut
    return re.sub(r"(?:\s+(?:and|or|the|a|an|of|to|in|for|with|that|by|on|as|is|are|from))+$", "", cut).rstrip(" ,;:-") + "."  # noqa: E501
