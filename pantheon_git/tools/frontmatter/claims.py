"""Whether names stand where the document has them: what catches two of its own names exchanged.

Every word of such a line is the document's, so neither grounding nor likelihood sees much of it (a small model finds
“your Bun project using Astro” hardly less likely). What gives it away is the company that a name keeps: the document
says “Astro project” and never “Bun project”. For each name of a line and each name that might have stood there instead
(another one of the line, or one that the document often uses), the content words beside it are looked up beside both in
the document; where the other name keeps their company much better, the line has the wrong one.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pantheon_git.tools.frontmatter.prose import LIMIT, Prose
from pantheon_git.tools.frontmatter.words import STOP, stem

WINDOW = 2
"""Words before and after a name that are its company; in the document one more."""
_NAMES, _OTHERS = 6, 8
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_NAME = re.compile(r"(?<![.!?] )(?<!^)(?<![\w-])[A-Z][A-Za-z0-9]{2,}(?:\.js)?(?![\w-])")
"""A word with a capital that does not begin a sentence."""
_AMID = re.compile(r"(?<=[\w,;:)] )[A-Z][A-Za-z0-9]{2,}(?:\.js)?(?![\w-])")
_LIST = re.compile(r"\s*(?:,|and|or|&|/|\+|,\s*(?:and|or)|(?:,\s*\w+)+,?\s*(?:and|or)?)\s*")
"""Between two names that may as well stand the other way round."""


@dataclass(frozen=True)
class Company:
    """The words beside each word of a document (stems), and its names."""

    beside: Counter[tuple[str, str, bool]]
    """Word, the other word, whether it comes after → how often, within WINDOW + 1."""
    names: tuple[str, ...]
    """The document's names, the most frequent first."""


@dataclass(frozen=True)
class Doubt:
    """A name that another one of the document should stand in the place of."""

    said: str
    other: str
    gain: float
    """How much better the other keeps the company, in nats: the sum of log(1 + times) over the words beside it."""


def company(prose: Prose, body: str, known: str = "") -> Company:
    """Of a document; `known`: further text that counts as its own, such as its title and file name."""
    text = "\n".join([*(heading for _, heading in prose.headings), known, prose.text, body[:LIMIT]])
    words = [stem(word.casefold()) for word in _WORD.findall(text)]
    beside: Counter[tuple[str, str, bool]] = Counter()
    for at, word in enumerate(words):
        for other in words[at + 1 : at + WINDOW + 2]:
            beside[word, other, True] += 1
            beside[other, word, False] += 1
    low = Counter(re.findall(r"\b[a-z]{3,}\b", body[:LIMIT]))
    amid = Counter(_AMID.findall(f"{prose.text} {body[:LIMIT]}"))
    names = [name for name, count in amid.most_common() if count > 1 and low[name.casefold()] <= count]
    return Company(beside, tuple(name for name in names if name.casefold() not in STOP))


def misplaced(line: str, seen: Company) -> Doubt | None:
    """The strongest doubt about a name of the line; None where it has no name, or no other would do."""
    doubts = list(_doubts(line, seen))
    return max(doubts, key=lambda doubt: doubt.gain) if doubts else None


def _doubts(line: str, seen: Company) -> Iterator[Doubt]:
    names = list(dict.fromkeys(_NAME.findall(line)))[:_NAMES]
    for one, two in itertools.combinations(names, 2):
        if not listed(line, one, two):
            yield Doubt(one, two, _gain(line, _exchanged(line, one, two), (one, two), seen))
    said = line.casefold()
    others = [name for name in seen.names if name.casefold() not in said][:_OTHERS]
    for one, other in itertools.product(names, others):
        yield Doubt(one, other, _gain(line, _exchanged(line, one, other), (one, other), seen))


def listed(line: str, one: str, two: str) -> bool:
    """Whether two names stand in one list, where each may come first."""
    start = line.find(one) + len(one)
    end = line.find(two, start)
    return end >= 0 and _LIST.fullmatch(line[start:end]) is not None


def _exchanged(line: str, one: str, two: str) -> str:
    pattern = rf"\b(?:{re.escape(one)}|{re.escape(two)})\b"
    return re.sub(pattern, lambda found: two if found[0] == one else one, line)


def _gain(line: str, other: str, names: Iterable[str], seen: Company) -> float:
    wanted = {stem(name.casefold()) for name in names}
    return round(_kept(other, wanted, seen) - _kept(line, wanted, seen), 6)


def _kept(line: str, names: set[str], seen: Company) -> float:
    words = [stem(word.casefold()) for word in _WORD.findall(line)]
    total = 0.0
    for at, word in enumerate(words):
        if word not in names:
            continue
        for distance in range(1, WINDOW + 1):
            for place in (at - distance, at + distance):
                if 0 <= place < len(words) and words[place] not in STOP:
                    total += math.log1p(seen.beside[word, words[place], place > at]) / distance
    return total
