"""What a document says about a tag: candidates (names of the vocabulary, tags in use, key phrases) and their features.

Each feature is a plain observation about where and how the document says a name, or who else uses it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pantheon_git.tools.frontmatter.language import CJK, small_words
from pantheon_git.tools.frontmatter.prose import Prose
from pantheon_git.tools.frontmatter.words import STOP, bag, is_verb, stem

Counted = tuple[str, float]
Features = dict[str, float]
PHRASES = 80
NEAREST = 0.1
"""Share of the like documents that must have a tag before it is offered to one that does not say it."""


@dataclass(frozen=True)
class Subject:
    """The document that is to be tagged."""

    prose: Prose
    title: str
    slug: str = ""
    language: str = "en"
    drafts: Sequence[str] = ()
    """Descriptions, best first."""


@dataclass(frozen=True)
class Names:
    """What tags may be called: a closed vocabulary, or the tags in use beside what the document itself offers."""

    vocabulary: Sequence[Counted] = ()
    in_use: Sequence[Counted] = ()
    near: Mapping[str, float] = field(default_factory=dict)
    """Tag (as `glued` makes it) → share of the like documents that have it, 0 to 1."""

    @property
    def known(self) -> frozenset[str]:
        """Names that are written as they stand here."""
        return frozenset(name for name, _ in (self.vocabulary or self.in_use))


class Text:
    """The document cut into places, in lower case, with plurals and hyphens evened out."""

    def __init__(self, subject: Subject) -> None:
        prose = subject.prose
        self.raw = prose.running
        self.slug = even(subject.slug)
        self.title = even(f"{subject.title} | {subject.slug}")
        self.heads = [even(text) for _, text in prose.headings]
        self.headings = even(" | ".join(text for _, text in prose.headings))
        self.lead = even(" | ".join(prose.paragraphs[:2]))
        self.body = even(" | ".join([*prose.paragraphs, *prose.asides]))
        self.all = f"{self.title} | {self.headings} | {self.body}"
        self.whole = even(prose.text)
        self.links = " | ".join(even(link) for link in prose.links)
        self.addresses = even(prose.addresses)
        self.draft = even(" | ".join(subject.drafts[:1]))
        self.drafts = even(" | ".join(subject.drafts[:4]))
        self.fences = Counter(name for fence in prose.fences for name in _FENCES.get(fence, (fence,)))
        self.length = max(1, len(self.all.split()))

    def says(self, name: str) -> bool:
        said = even(name)
        return said in self.all or said.replace(" ", "") in self.all


@lru_cache(maxsize=4096)
def even(text: str) -> str:
    """` word word `, so that a name is found with blanks around it."""
    words = re.findall(r"[^\W_]+(?:[.+#'’][^\W_]+)*[+#]*|\|", text.casefold().replace("-", " ").replace("/", " "))
    return " " + " ".join(w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in words) + " "


def glued(name: str) -> str:
    """A name without case, blanks and signs: by it spellings are one."""
    return re.sub(r"[\W_]+", "", name.casefold())


def offered(subject: Subject, names: Names) -> list[tuple[str, Features]]:
    """Every name that the document says, or that documents like it have, with its features."""
    text = Text(subject)
    fresh = [] if names.vocabulary else _phrases(subject)
    used = [*(names.vocabulary or names.in_use)]
    have = {glued(name) for name, _ in used}
    known = [*((name, count, 0.0) for name, count in used), *((n, 1.0, 1.0) for n in fresh if glued(n) not in have)]
    present = [one for one in known if one[0].casefold() not in STOP and text.says(one[0])]
    present += [one for one in known if names.near.get(glued(one[0]), 0) >= NEAREST and not text.says(one[0])]
    counts = {name: count for name, count, _ in present}
    evened = {name: even(name) for name in counts}
    found = []
    for name, count, new in present:
        seen = _where(name, text) | _kind(name) | _rivals(name, evened, counts, text)
        seen |= {"prior": math.log1p(count), "rare": float(count <= 1), "fresh": new}
        found.append((name, {**seen, "near": names.near.get(glued(name), 0.0)}))
    most = max((seen["share"] for _, seen in found), default=0) or 1
    return [(name, {**seen, "share": seen["share"] / most}) for name, seen in found]


def _where(name: str, text: Text) -> Features:
    said = even(name)
    if said not in text.all and said.replace(" ", "") in text.all:
        said = f" {said.replace(' ', '')} "
    number = text.all.count(said)
    return {
        "unsaid": float(not number),
        "in_title": float(said in text.title),
        "in_slug": float(said in text.slug or said.replace(" ", "") in text.slug.replace(" ", "")),
        "in_headings": math.log1p(sum(said in head for head in text.heads)),
        "in_lead": float(said in text.lead),
        "in_draft": float(said in text.draft),
        "in_drafts": float(said in text.drafts),
        "early": 1 - text.all.index(said) / len(text.all) if number else 0.0,
        "often": math.log1p(1000 * number / text.length),
        "share": float(text.whole.count(said)),
        "linked": float(said in text.links),
        "in_address": float(said in text.addresses),
        "fenced": math.log1p(text.fences[glued(name)]),
        "spelled": float(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text.raw) is not None),
    }


def _kind(name: str) -> Features:
    return {
        "capital": float(name[:1].isupper()),
        "lower": float(name == name.lower()),
        "words": float(min(3, len(name.split())) - 1),
        "short": float(len(name.replace(" ", "")) < 4),
        "common": float(stem(name.casefold()) in _COMMON),
    }


def _rivals(name: str, evened: Mapping[str, str], counts: Mapping[str, float], text: Text) -> Features:
    """Other candidates that say the same, more, or less, and are used more often."""
    said = evened[name]
    longer = [other for other, words in evened.items() if len(words) > len(said) and said in words]
    covered = sum(text.all.count(evened[other]) for other in longer)
    before = [words for other, words in evened.items() if counts[other] > counts[name]]
    return {
        "within": float(bool(longer) and covered >= text.all.count(said)),
        "twin": float(said in before),
        "longer": float(any(said in words and words != said for words in before)),
        "shorter": float(any(words in said and words != said for words in before)),
    }


_COMMON = frozenset(
    map(stem, bag("data api app application image code file work test user example project tutorial guide page"))
)
_FENCES = {
    "js": ("javascript", "nodejs"), "javascript": ("javascript", "nodejs"), "mjs": ("javascript", "nodejs"),
    "ts": ("typescript",), "py": ("python",), "rb": ("ruby",), "golang": ("go",), "kt": ("kotlin",), "rs": ("rust",),
    "cs": ("c", "net", "dotnet"), "csharp": ("c", "net", "dotnet"), "hcl": ("terraform",), "tf": ("terraform",),
    "dockerfile": ("docker",), "yml": ("yaml",), "sh": ("shell",), "bash": ("shell", "bash"), "proto": ("protobuf",),
}  # fmt: skip
"""Fenced code's language → the tags that speak of it, as `glued` makes them; any other stands for itself."""


def _phrases(subject: Subject) -> list[str]:
    """Names and repeated noun-like phrases of a document without a vocabulary. Languages written without blanks, or
    with endings that this module does not know, offer their names in Latin letters and their repeated long runs."""
    prose, title, language = subject.prose, subject.title, subject.language
    word = r"[A-Za-z][A-Za-z0-9_.+#-]*" if language in CJK else r"[^\W\d_][\w.+#-]*"
    dull = STOP | _VAGUE | small_words(language)
    counts: Counter[str] = Counter()
    for text in [title, *(t for _, t in prose.headings), *prose.paragraphs, *prose.asides]:
        for clause in re.split(r"[.,;:!?()\[\]“”\"]+(?:\s|$)|\s[–—|-]\s", text):
            counts.update(_runs(re.findall(word, clause), dull))
    if language in CJK:
        terms = r"[\u30a0-\u30ff]{3,}|[\u4e00-\u9fff]{2,4}(?=[のをはが、。])"
        counts.update(re.findall(terms, " ".join(prose.paragraphs)))
    repeated = [phrase for phrase, number in counts.most_common(PHRASES) if number > 1]
    few = [phrase for phrase in counts if phrase in title.casefold()] if len(repeated) < 3 else []
    return list(dict.fromkeys([*repeated, *few]))


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
