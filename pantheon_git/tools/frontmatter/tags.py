"""Tag candidates: key phrases of the document, ranked by a hand-weighted linear sum over plain features."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pantheon_git.tools.frontmatter.prose import Prose

FEWEST, MOST = 3, 6


def kebab(text: str) -> str:
    """Lower case, words joined by single hyphens; letters of any script stay."""
    return re.sub(r"[\W_]+", "-", text.casefold().replace("'", "")).strip("-")


def vocabulary_of(given: Any) -> list[tuple[str, float]]:
    """Names with counts, from a list of names or of [name, count] pairs."""
    found: list[tuple[str, float]] = []
    for item in given if isinstance(given, list) else []:
        if isinstance(item, str) and item.strip():
            found.append((item, 1.0))
        elif isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], (int, float)):
            found.append((item[0], float(item[1])))
    return found


def rank(prose: Prose, title: str, vocabulary: Iterable[tuple[str, float]], in_use: Iterable[str]) -> list[str]:
    """Best first, at most 12; of the vocabulary (in its own spelling) where one is given."""
    text = " ".join([title, *(t for _, t in prose.headings), *prose.paragraphs, *prose.asides]).casefold()
    counts: Counter[str] = Counter()
    for name, weight in vocabulary:
        n = len(re.findall(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", text))
        if n:
            counts[name] = n + int(weight)
    if not counts:
        for word in re.findall(r"[^\W\d_][\w-]{3,}", text):
            counts[kebab(word)] += 1
    return [name for name, _ in counts.most_common(12)]
