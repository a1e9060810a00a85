"""Tag candidates: names of the vocabulary, else the document's key phrases, ranked by a weighted linear sum.

The weights are set by hand and few; each feature is a plain observation about where and how the document says a name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pantheon_git.tools.frontmatter.language import CJK, small_words
from pantheon_git.tools.frontmatter.prose import Prose
from pantheon_git.tools.frontmatter.words import STOP, bag, is_verb, stem

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


Counted = tuple[str, float]


def kebab(text: str) -> str:
    """Lower case, words joined by single hyphens; letters of any script stay."""
    return re.sub(r"[\W_]+", "-", text.casefold().replace("'", "")).strip("-")


def vocabulary_of(given: Any) -> list[Counted]:
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
        self.raw = prose.running
        self.title = even(f"{title} | {slug}")
        self.headings = even(" | ".join(t for _, t in prose.headings))
        self.lead = even(" | ".join(prose.paragraphs[:2]))
        self.body = even(" | ".join([*prose.paragraphs, *prose.asides]))
        self.all = f"{self.title} | {self.headings} | {self.body}"
        self.links = " | ".join(even(link) for link in prose.links)
        self.length = max(1, len(self.all.split()))

    def says(self, name: str) -> bool:
        said = even(name)
        return said in self.all or said.replace(" ", "") in self.all


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
        "common": float(stem(name.casefold()) in _COMMON),
    }


_COMMON = frozenset(
    map(stem, bag("data api app application image code file work test user example project tutorial guide page"))
)


def rank(
    prose: Prose, title: str, vocabulary: list[Counted], in_use: list[Counted], slug: str = "", language: str = "en"
) -> list[Counted]:
    """(tag, score), best first, at most OFFERED; of the vocabulary (in its own spelling) where one is given."""
    found = offered(prose, title, vocabulary, in_use, slug, language)
    scored = [(sum(WEIGHTS[k] * v for k, v in seen.items()), name) for name, seen in found]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    best: dict[str, float] = {}
    for score, name in scored:
        tag = name if vocabulary else kebab(name)
        if vocabulary or not any(_overlap(tag, other) for other in best):
            best.setdefault(tag, score)
    return list(best.items())[:OFFERED]


def offered(
    prose: Prose, title: str, vocabulary: list[Counted], in_use: list[Counted], slug: str = "", language: str = "en"
) -> list[tuple[str, dict[str, float]]]:
    """Every name that the document says, with its features."""
    text = Text(prose, title, slug)
    known = vocabulary or [*in_use, *_phrases(prose, title, language)]
    known = [(name, count) for name, count in known if name.casefold() not in STOP]
    present = [(name, count) for name, count in known if text.says(name)]
    found = []
    for name, count in present:
        longer = [other for other, _ in present if len(other) > len(name) and even(name) in even(other)]
        if seen := features(name, count, text, longer):
            found.append((name, seen))
    return found


def _overlap(tag: str, other: str) -> bool:
    """Without a vocabulary one of `toolbar`, `dev-toolbar` and `toolbars` is enough."""
    one, two = ({stem(word) for word in name.split("-")} for name in (tag, other))
    return one <= two or two <= one


def chosen(ranked: list[Counted]) -> list[str]:
    """FEWEST, and up to MOST of those that score nearly as well as the best."""
    return [tag for at, (tag, score) in enumerate(ranked[:MOST]) if at < FEWEST or score >= NEAR * ranked[0][1]]


def _phrases(prose: Prose, title: str, language: str) -> list[Counted]:
    """Names and repeated noun-like phrases of a document without a vocabulary. Languages written without blanks, or
    with endings that this module does not know, offer their names in Latin letters and their repeated long runs."""
    word = r"[A-Za-z][A-Za-z0-9_.+#-]*" if language in CJK else r"[^\W\d_][\w.+#-]*"
    dull = STOP | _VAGUE | small_words(language)
    counts: Counter[str] = Counter()
    for text in [title, *(t for _, t in prose.headings), *prose.paragraphs, *prose.asides]:
        for clause in re.split(r"[.,;:!?()\[\]“”\"]+(?:\s|$)|\s[–—|-]\s", text):
            counts.update(_runs(re.findall(word, clause), dull))
    if language in CJK:
        terms = r"[\u30a0-\u30ff]{3,}|[\u4e00-\u9fff]{2,4}(?=[のをはが、。])"
        counts.update(re.findall(terms, " ".join(prose.paragraphs)))
    repeated = [phrase for phrase, number in counts.most_common(80) if number > 1]
    few = [phrase for phrase in counts if phrase in title.casefold()] if len(repeated) < FEWEST else []
    return [(phrase, 1.0) for phrase in dict.fromkeys([*repeated, *few])]


def _runs(words: list[str], dull: frozenset[str]) -> Iterator[str]:
    """Every run of one to three words that could be a name or a noun."""
    lower = [w.strip(".-").casefold() for w in words]
    good = [len(w) > 2 and w not in dull and not is_verb(w) for w in lower]
    for at in range(len(words)):
        for length in (1, 2, 3):
            if at + length <= len(words) and all(good[at : at + length]):
                yield " ".join(lower[at : at + length])


_VAGUE = bag(
    "following example examples three here there official documentation may might must should could would like"
    " want need used uses using see note first second third next last same different many much well however"
    " because before after available within without between while where who why released release version versions"
    " prior step steps default define please every both own just even now get let lets make makes made way ways"
    " part page tutorial guide learn information section about introduction overview usage description include"
    " includes included allow allows set added add adds provides provide return returns given take takes works"
    " work come comes open"
)
