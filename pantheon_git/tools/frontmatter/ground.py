"""The gate behind every answer: length, one line, a whole sentence, the document's language, and grounded in it.

Deterministic; returns reasons (none: it passes). A model's words that fail are replaced by the computed candidate.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from functools import lru_cache

from pantheon_git.tools.frontmatter.descriptions import bounds
from pantheon_git.tools.frontmatter.language import agrees
from pantheon_git.tools.frontmatter.prose import Prose, sentences
from pantheon_git.tools.frontmatter.safe import why_unsafe
from pantheon_git.tools.frontmatter.titles import LIMIT
from pantheon_git.tools.frontmatter.words import STOP, bag, content_stems, stem

SHORT = 4
"""The least for a document that has no long sentence."""
GROUNDED = 0.75
"""Share of content words that the document must have."""
MOST_OFTEN = 2
"""Times that a phrase may say one content word."""
_FREE = bag(
    "a an the of to in on and for or with your you how is are be as by from at this that it its using use into"
    " can will we our not via if when what which more learn guide introduction overview tutorial explains"
    " describes shows covers explore discover understand get started about page document reference returns"
)
_NOT = re.compile(r"\b(?:not|no|never|without|cannot|nor|neither|none)\b|n['’]t\b", re.IGNORECASE)
_DANGLING = re.compile(r"(\.\.\.|…|[,:;\-–]|\b(?:and|or|the|of|to|a|an|with|for|in))\s*$", re.IGNORECASE)


def description_faults(text: str, prose: Prose, language: str, *, shortest: int | None = None) -> list[str]:
    """Why this is no description of the document; `shortest`: another least length than the language's."""
    line = text.strip()
    least, most = bounds(language)
    faults = _form(line, least if shortest is None else shortest, most)
    if line and _DANGLING.search(line):
        faults.append("not a complete sentence")
    if line and not agrees(line, language):
        faults.append(f"not in the document's language ({language})")
    return faults + ungrounded(line, prose, known="")


def phrase_faults(text: str, prose: Prose, language: str) -> list[str]:
    """As `description_faults`, for a model's words: small models fall into saying the same words again."""
    words = [stem(word) for word in re.findall(r"[^\W_]+", text.casefold()) if word not in STOP]
    often = max(Counter(words).values(), default=0) > MOST_OFTEN
    twice = max(Counter(itertools.pairwise(words)).values(), default=0) > 1
    said = ["says the same words again"] if often or twice else []
    return [*description_faults(text, prose, language), *said]


def title_faults(text: str, prose: Prose, path: str, language: str) -> list[str]:
    """Why this is no title of the document. Names may be in another script than the text."""
    line = text.strip()
    faults = _form(line, 2, LIMIT)
    missing = ungrounded(line, prose, known=re.sub(r"[\W_]+", " ", path))
    if not agrees(line, language) and missing:
        faults.append(f"not in the document's language ({language})")
    return faults + missing


def _form(line: str, shortest: int, longest: int) -> list[str]:
    faults = []
    if not line:
        return ["empty"]
    if "\n" in line or "\r" in line:
        faults.append("not one line of text")
    if len(line) < shortest:
        faults.append(f"{len(line)} characters; at least {shortest} are asked for")
    if len(line) > longest:
        faults.append(f"{len(line)} characters; at most {longest} are asked for")
    if meant := why_unsafe(line):
        faults.append(f"has {' and '.join(meant)} in it")
    return faults


def ungrounded(line: str, prose: Prose, known: str) -> list[str]:
    """Numbers and names must be in the document, and nearly all of the content words."""
    seen = f"{prose.text} {known}".casefold()
    vocabulary = _stems(prose.text) | _stems(known)
    faults = []
    joined = re.sub(r"(?<=\d)[-_ ](?=\d)", ".", seen)
    numbers = [n for n in re.findall(r"\d+(?:[.,]\d+)*", line) if n not in seen and n not in joined]
    if numbers:
        faults.append(f"numbers that the document does not have: {', '.join(numbers)}")
    words = [w for w in re.findall(r"[^\W\d_]+", line) if w.casefold() not in _FREE and len(w) > 2]
    if not words or not all(w[0] < "\u0250" for w in words):
        foreign = [w for w in re.findall(r"[A-Z][A-Za-z]{2,}", line) if w.casefold() not in seen]
        return faults + _unknown_names(foreign) + _other_scripts(line, seen)
    faults += _unknown_names([w for w in _named(line) if stem(w.casefold()) not in vocabulary])
    if _denies(line, prose):
        faults.append("a negation that the document does not have")
    known_words = sum(stem(w.casefold()) in vocabulary for w in words)
    if known_words < GROUNDED * len(words):
        faults.append(f"only {known_words} of {len(words)} content words are in the document")
    return faults


def _denies(line: str, prose: Prose) -> bool:
    """Whether the line says “not” of what no sentence of the document says “not” of: a sentence counts that has a
    negation too, and half of the line's content words."""
    if not _NOT.search(line):
        return False
    said = content_stems(line)
    texts = (*prose.paragraphs, *prose.asides, *(text for _, text in prose.headings))
    denying = (one for text in texts if _NOT.search(text) for one in sentences(text) if _NOT.search(one))
    return not any(len(said & content_stems(one)) >= max(1, len(said) / 2) for one in denying)


def _unknown_names(names: list[str]) -> list[str]:
    return [f"names that the document does not have: {', '.join(names)}"] if names else []


def _named(line: str) -> list[str]:
    """Words with a capital that do not begin a sentence, where every word has one."""
    found = re.finditer(r"[^\W\d_]+", line)
    return [
        m[0]
        for m in found
        if m[0][0].isupper()
        and len(m[0]) > 2
        and m[0].casefold() not in _FREE
        and line[: m.start()].rstrip(" \"'“‘(")[-1:] not in ("", ".", "!", "?", ":", "—", "–")
    ]


@lru_cache(maxsize=16)
def _stems(text: str) -> frozenset[str]:
    """Kept, because every candidate of a document is held against the same text: two thirds of a tool call's time."""
    return frozenset(stem(word) for word in set(re.findall(r"[^\W\d_]+", text.casefold())))


def share(line: str, prose: Prose, known: str = "") -> float:
    """Share of a line's content words (of pairs of characters, in scripts that do not part words) that the document
    has, 0 to 1; `known`: further words that count as the document's."""
    seen = f"{prose.text} {known}".casefold()
    words = [w for w in re.findall(r"[^\W\d_]+", line) if w.casefold() not in _FREE and len(w) > 2]
    if words and all(max(w) < "\u0250" for w in words):  # a name may run on in another script: Astroにおける
        vocabulary = _stems(prose.text) | _stems(known)
        return sum(stem(w.casefold()) in vocabulary for w in words) / len(words)
    runs = [run.casefold() for run in re.findall(r"[^\W\d_]{2,}", line)]
    pairs = [run[i : i + 2] for run in runs for i in range(len(run) - 1)]
    return sum(pair in seen for pair in pairs) / len(pairs) if pairs else 1.0


def _other_scripts(line: str, seen: str) -> list[str]:
    """Pairs of characters, for scripts that do not part words."""
    runs = [r.casefold() for r in re.findall(r"[^\W\d_]{2,}", line)]
    pairs = [r[i : i + 2] for r in runs for i in range(len(r) - 1)]
    if pairs and sum(p in seen for p in pairs) < 0.6 * len(pairs):
        return ["too few of its words are in the document"]
    return []
