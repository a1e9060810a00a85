"""Tags: candidates (`tagwords.py`) ranked by a logistic model, and as many of them as are worth it.

The weights are shipped, fitted on the tagged documents of a public repository, and given anew (`ranker` among a
repository's conventions) where a night could fit them on the repository's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Set
from typing import Any

from pantheon_git.tools.frontmatter.tagwords import Counted, Features, Names, Subject, glued, offered
from pantheon_git.tools.frontmatter.words import stem

FEWEST, MOST = 2, 6
OFFERED = 12

WEIGHTS = {
    "bias": -4.614,
    "in_title": 0.494,  # the title or the file's name says it
    "in_slug": 0.593,
    "in_headings": -0.14,  # log of how many do
    "in_lead": 0.25,  # the first two paragraphs
    "in_draft": 0.169,  # the computed description
    "in_drafts": 0.591,  # one of the best four
    "early": 0.702,  # how early it is said first, 1 at the top
    "often": 0.271,  # log of how often per thousand words
    "share": 0.654,  # how often, beside the candidate that is said most, code too
    "linked": 0.051,  # it is the text of a link
    "in_address": 0.765,  # a link's address says it
    "fenced": 0.867,  # log of how many blocks of code are of that language
    "spelled": 0.388,  # the spelling is the very same, capitals too
    "capital": 0.033,
    "lower": -0.226,
    "words": 0.371,  # more words are more special
    "short": -0.146,  # three letters or fewer
    "common": -1.03,  # a very common word
    "prior": 0.492,  # log of how often the repository uses it
    "rare": -0.544,  # it uses it once
    "within": -0.268,  # only ever said as part of a longer candidate
    "twin": -1.083,  # another spelling is used more
    "longer": -1.274,  # a longer one is used more
    "shorter": 0.018,  # a part of it is used more
    "near": 0.5,  # share of the documents like this one that have it
    "unsaid": -2.0,  # the document does not say it
    "fresh": -0.8,  # nobody uses it yet
}
"""Log-odds that a person gives the tag. Fitted by `python -m tests.heldout_kit DOCS --weights`, rounded; `near`,
`unsaid` and `fresh`, which a closed vocabulary does not show, are set by hand."""


def kebab(text: str) -> str:
    """Lower case, words joined by single hyphens; letters of any script stay."""
    return re.sub(r"[\W_]+", "-", text.casefold().replace("'", "")).strip("-")


def vocabulary_of(given: Any) -> list[Counted]:
    """Names with counts, from a list of names or of [name, count] pairs; one spelling (the commonest) for each name."""
    best: dict[str, tuple[str, float]] = {}
    for item in given if isinstance(given, list) else []:
        name, count = (item, 1.0) if isinstance(item, str) else _pair(item)
        if key := glued(name):
            old = best.get(key, (name, 0.0))
            best[key] = (name if count > old[1] else old[0], old[1] + count)
    return list(best.values())


def _pair(item: Any) -> tuple[str, float]:
    ok = isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str)
    return (item[0], float(item[1])) if ok and isinstance(item[1], (int, float)) else ("", 0.0)


def rank(subject: Subject, names: Names, weights: Mapping[str, float] = WEIGHTS) -> list[Counted]:
    """(tag, probability), best first, at most OFFERED; known names in their own spelling, others in kebab-case."""
    return ranked(offered(subject, names), names.known, weights)


def ranked(found: Iterable[tuple[str, Features]], known: Set[str], weights: Mapping[str, float]) -> list[Counted]:
    """The best of the candidates; of names that say the same only the better one."""
    scored = [(odds(seen, weights), name) for name, seen in found]
    best: dict[str, float] = {}
    for score, name in sorted(scored, key=lambda pair: (-pair[0], pair[1])):
        tag = name if name in known else kebab(name)
        rivals = (other for other in best if not (tag in known and other in known) or same(tag, other))
        if not any(_overlap(tag, other) for other in rivals):
            best.setdefault(tag, 1 / (1 + math.exp(-max(-30.0, min(30.0, score)))))
    return list(best.items())[:OFFERED]


def odds(seen: Features, weights: Mapping[str, float]) -> float:
    return weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in seen.items())


def same(tag: str, other: str) -> bool:
    """Spellings and plurals of one name."""
    return glued(tag).rstrip("s") == glued(other).rstrip("s")


def _overlap(tag: str, other: str) -> bool:
    """Without a vocabulary one of `toolbar`, `dev-toolbar` and `toolbars` is enough."""
    one, two = ({stem(word) for word in kebab(name).split("-")} for name in (tag, other))
    return one <= two or two <= one or same(tag, other)


def chosen(ranked: list[Counted], fewest: int = FEWEST, most: int = MOST) -> list[str]:
    """The first so many, from `fewest` to `most`, of which the F1 is expected to be best: 2 Σp / (k + E|true|), with
    the sum of all probabilities in place of the number of true ones (plug-in rule; Ye et al. 2012)."""
    expected = sum(p for _, p in ranked)
    sums = [sum(p for _, p in ranked[:k]) for k in range(len(ranked) + 1)]
    counts = range(min(fewest, len(ranked)), min(most, len(ranked)) + 1)
    best = max(counts, key=lambda k: (2 * sums[k] / (k + expected) if k else 0.0, -k))
    return [tag for tag, _ in ranked[:best]]
