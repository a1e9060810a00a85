"""How near written front matter comes to a person's own, by the usual measures."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pantheon_git.tools.frontmatter.language import CJK, script


def words(text: str) -> list[str]:
    """Words without case; pairs of characters where words are not parted."""
    found = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())
    if script(text) not in CJK:
        return found
    return [word[at : at + 2] for word in found for at in range(max(1, len(word) - 1))]


def word_f1(said: str, wanted: str) -> float:
    """F1 of the words, each as often as it stands there."""
    one, two = Counter(words(said)), Counter(words(wanted))
    same = sum((one & two).values())
    return 2 * same / (one.total() + two.total()) if same else 0.0


def rouge_l(said: str, wanted: str) -> float:
    """F1 of the longest common subsequence of words (Lin 2004)."""
    one, two = words(said), words(wanted)
    row = [0] * (len(two) + 1)
    for word in one:
        before = 0
        for at, other in enumerate(two, 1):
            before, row[at] = row[at], before + 1 if word == other else max(row[at], row[at - 1])
    return 2 * row[-1] / (len(one) + len(two)) if one and two else 0.0


def tags_f1(said: Iterable[str], wanted: Iterable[str]) -> float:
    """F1 of two sets of tags, without case and signs."""
    one, two = ({re.sub(r"[\W_]+", "", str(tag).casefold()) for tag in tags} - {""} for tags in (said, wanted))
    return 2 * len(one & two) / (len(one) + len(two)) if one or two else 1.0


def agreement(truth: Sequence[Mapping[str, Any]], said: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Means over the documents whose person gave the field; `said`: id → fields."""
    scores: dict[str, list[float]] = {}
    for row in truth:
        own = said.get(row["id"], {})
        title, description = str(own.get("title") or ""), str(own.get("description") or "")
        if "title" in row:
            scores.setdefault("title exact", []).append(float(_bare(title) == _bare(row["title"])))
            scores.setdefault("title F1", []).append(word_f1(title, row["title"]))
        if "description" in row:
            scores.setdefault("description ROUGE-L", []).append(rouge_l(description, row["description"]))
        if "tags" in row:
            scores.setdefault("tags F1", []).append(tags_f1(own.get("tags") or (), row["tags"]))
    return {name: sum(values) / len(values) for name, values in scores.items()}


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold()))
