"""Tag candidates: names of the vocabulary, else the document's key phrases, ranked by a weighted linear sum.

The weights are set by hand and few; each feature is a plain observation about where and how the document says a name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pantheon_git.tools.frontmatter.prose import Prose
from pantheon_git.tools.frontmatter.words import STOP, stem

FEWEST, MOST = 3, 6
OFFERED = 12
NEAR = 0.65
"""Share of the best score that a further tag must have."""

WEIGHTS = {
    "in_title": 1.6,  # the title or the file's name says it
    "in_headings": 0.25,
    "in_lead": 0.9,  # the first two paragraphs
    "early": 0.8,  # how early it is said first, 1 at the top
    "often": 0.55,  # log of how often per thousand words
    "linked": 0.2,  # it is the text of a link
    "spelled": 0.35,  # the spelling is the very same, capitals too
    "capital": 0.2,
    "words": 0.2,  # more words are more special
    "short": -0.3,  # three letters or fewer
    "prior": 0.45,  # log of how often the repository uses it
    "within": -0.9,  # only ever said as part of a longer candidate
    "common": -1.0,  # a very common word
}


def kebab(text: str) -> str:
    """Lower case, words joined by single hyphens; letters of any script stay."""
    return re.sub(r"[\W_]+", "-", text.casefold().replace("'", "")).strip("-")


def vocabulary_of(given: Any) -> list[tuple[str, float]]:
    """Names with counts, from a list of names or of [name, count] pairs; one spelling (the commonest) for each name."""
    best: dict[str, tuple[str, float]] = {}
    for item in given if isinstance(given, list) else []:
        name, count = (item, 1.0) if isinstance(item, str) else _pair(item)
        key = re.sub(r"[\W_]+", "", name.casefold())
        if key:
            old = best.get(key, (name, 0.0))
            best[key] = (name if count > old[1] else old[0], old[1] + count)
    return list(best.values())


def _pair(item: Any) -> tuple[str, float]:
    ok = isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str)
    return (item[0], float(item[1])) if ok and isinstance(item[1], (int, float)) else ("", 0.0)


class Text:
    """The document cut into places, in lower case, with plurals and hyphens evened out."""

    def __init__(self, prose: Prose, title: str, slug: str) -> None:
        self.raw = " \n ".join([*prose.paragraphs, *prose.asides, *(t for _, t in prose.headings)])
        self.title = even(f"{title} | {slug}")
        self.headings = even(" | ".join(t for _, t in prose.headings))
        self.lead = even(" | ".join(prose.paragraphs[:2]))
        self.body = even(" | ".join([*prose.paragraphs, *prose.asides]))
        self.all = f"{self.title} | {self.headings} | {self.body}"
        self.links = " | ".join(even(link) for link in prose.links)
        self.length = max(1, len(self.all.split()))


def even(text: str) -> str:
    """` word word `, so that a name is found with blanks around it."""
    words = re.findall(r"[^\W_]+(?:[.+#'’][^\W_]+)*[+#]*|\|", text.casefold().replace("-", " ").replace("/", " "))
    return " " + " ".join(w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in words) + " "


def features(name: str, prior: float, text: Text, longer: Iterable[str]) -> dict[str, float]:
    """Empty where the document does not say the name."""
    said = even(name)
    glued = " " + said.replace(" ", "").replace(".", "") + " "
    number = text.all.count(said)
    if not number and glued != said:
        said, number = (glued, text.all.count(glued)) if glued in text.all else (said, 0)
    if not number:
        return {}
    covered = sum(text.all.count(even(other)) for other in longer)
    letters = name.replace(" ", "")
    return {
        "in_title": float(said in text.title),
            "in_headings": float(said in text.headings),
        "in_lead": float(said in text.lead),
        "early": 1 - text.all.index(said) / len(text.all),
        "often": math.log1p(1000 * number / text.length),
        "linked": float(said in text.links),
        "spelled": float(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text.raw) is not None),
        "capital": float(name[:1].isupper()),
        "words": float(min(3, len(name.split())) - 1),
        "short": float(len(letters) < 4),
        "prior": math.log1p(prior),
        "within": float(covered >= number),
        "common": float(name.casefold() in STOP or stem(name.casefold()) in _COMMON),
    }


_COMMON = {stem(w) for w in "data api app application image code file work test user example project tutorial guide page rest template".split()}


def rank(
    prose: Prose, title: str, vocabulary: list[tuple[str, float]], in_use: list[str], slug: str = ""
) -> list[tuple[str, float]]:
    """(tag, score), best first, at most OFFERED; of the vocabulary (in its own spelling) where one is given."""
    text = Text(prose, title, slug)
    known = vocabulary or [(kebab(name), 3.0) for name in in_use] + _phrases(prose, title)
    present = [(name, count) for name, count in known if even(name) in text.all or even(name).replace(" ", "") in text.all]
    scored = []
    for name, count in present:
        longer = [other for other, _ in present if len(other) > len(name) and even(name) in even(other)]
        found = features(name, count, text, longer)
        if found:
            scored.append((sum(WEIGHTS[k] * v for k, v in found.items()), name))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    best: dict[str, float] = {}
    for score, name in scored:
        best.setdefault(name if vocabulary else kebab(name), score)
    return list(best.items())[:OFFERED]


def chosen(ranked: list[tuple[str, float]]) -> list[str]:
    """FEWEST, and up to MOST of those that score nearly as well as the best."""
    return [
        tag for at, (tag, score) in enumerate(ranked[:MOST]) if at < FEWEST or score >= NEAR * ranked[0][1]
    ]


def _phrases(prose: Prose, title: str) -> list[tuple[str, float]]:
    """Names and repeated noun-like phrases of a document without a vocabulary."""
    counts: Counter[str] = Counter()
    for text in [title, title, *(t for _, t in prose.headings), *prose.paragraphs, *prose.asides]:
        words = re.findall(r"[^\W\d_][\w.+#-]*", text)
        for at in range(len(words)):
            for length in (1, 2, 3):
                run = [w.strip(".-").casefold() for w in words[at : at + length]]
                if len(run) == length and all(w not in STOP and len(w) > 2 for w in run):
                    counts[" ".join(run)] += 1
    return [(phrase, 1.0) for phrase, number in counts.most_common(80) if number > 1 or phrase in title.casefold()]
