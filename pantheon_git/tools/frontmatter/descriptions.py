"""Description candidates and the computed draft: the document's own sentences, rewritten by fixed rules.

Each sentence gets a form (what a reader is told to learn, what a thing returns, what a thing is) and a score; the best
form of the best sentence is the draft. English has rewriting rules; other languages get their own sentences, trimmed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pantheon_git.tools.frontmatter import forms
from pantheon_git.tools.frontmatter.language import CJK
from pantheon_git.tools.frontmatter.prose import Prose, excerpt, sentences
from pantheon_git.tools.frontmatter.words import base_form, content_stems

SHORTEST, LONGEST = 40, 160
"""Characters; where a character is two columns wide, half as many (`bounds`)."""
OPENING = 900
"""Characters of a document's text that say what it is about."""
APART = 0.4
_SYNONYMS = ("summary", "excerpt", "abstract", "about", "subtitle", "tagline", "lead")
WEIGHTS = {
    "given": 9.0,  # another key of the front matter says it already
    "plain": -0.1295,  # the sentence as it stands; the next six are the rules of `forms.py`
    "learn": 0.0574,
    "about": 0.029,
    "api": 0.0497,
    "use": 0.0183,
    "clause": 0.06,
    "can": -0.0064,
    "do": -0.0534,
    "of_title": 0.2481,  # made of the title alone
    "headings": -0.0528,  # the headings in a row, for want of a sentence
    "shared": 0.0582,  # share of the title's words
    "first": 0.103,  # it stands first
    "place": -0.0013,  # sentences before it, 14 at most
    "can_place": -0.0009,  # further down, “you can …” speaks of a detail
    "api_place": -0.0315,
    "do_place": 0.004,
    "learn_place": -0.0026,
    "cut": 0.0088,  # it was too long
    "noise": -0.0439,  # it speaks of conditions and not of the subject
    "leaning": 0.0047,  # it leans on the sentence before it, or speaks to the reader
    "colon": -0.0304,  # it announces a list
    "open": 0.0079,  # it has no end
    "pointing": -0.001,  # it points elsewhere
    "short": 0.0283,
    "long": 0.0001,  # characters beyond 110
    "central": 0.1151,  # how often the document says its words
    "heads": 0.0373,  # share of its words that the headings have
    "opening": 0.0272,  # share of its words that headings and opening have
    "apart": -0.3,  # few of them: it speaks of a detail
    "names": 0.0444,  # share of its words with a capital
    "pronoun": -0.0089,
    "defines": -0.0373,  # it says what something is
}
"""Fitted by `python -m tests.heldout_kit DOCS --weights` (ridge regression of a line's ROUGE-L, each document's mean
taken off), rounded; `given`, `clause` and `apart` are set by hand. Each feature is a plain observation about where a
sentence stands and how it is said."""
_FADING = ("can", "api", "do", "learn")
_NOISE = re.compile(
    r"\b(?:billing|pricing|costs?|prerequisites?|before you begin|assumes?|billable|sign up|license|copyright"
    r"|deprecated|archived|obsolete|click|contributed|for more information|see the|note that|refer to|clean up)\b"
    r"|^(?:note|important|tip|warning|caution)\b|[=;|]\s|^(?:however|but|and)\b|[?]$|\be\.g\.$",
    re.IGNORECASE,
)
_LEANING = re.compile(
    r"^(?:it|they|both|these|those|this|he|she|such|for example|for this|also|then|once|if|when|now|because|as"
    r"|with this|to|similar|see|visit|read|please|congratulations|let['’]?s|after|before|you['’]ll|you"
    r"|your|our|we|unlike|each|don['’]t|do not|make sure|there (?:are|is))\b",
    re.IGNORECASE,
)
_LOOSE_END = re.compile(
    r"(?:\s+(?:and|or|the|a|an|of|to|in|for|with|that|by|on|as|is|are|from|your|using|you|can|which|through))+$"
)
_PRONOUN = re.compile(r"\b(?:it|its|they|them|this|that)\b", re.IGNORECASE)
_DEFINES = re.compile(r"\b(?:is|are) (?:an?|the)\b")
_POINTING = re.compile(
    r"^(?:see|visit|refer)\b|^(?:learn how to )?[a-z]+ (?:it|them|one|both)\b"
    r"|\b(?:this|these|above|below|previous|following|earlier)\b",
    re.IGNORECASE,
)


Features = dict[str, float]


def candidates(prose: Prose, title: str, values: Mapping[str, Any], language: str = "en") -> list[str]:
    """Best first; each one line. Empty only where the document has no words at all."""
    found = offered(prose, title, values, language)
    ranked = sorted(found, key=lambda pair: -sum(WEIGHTS[name] * value for name, value in pair[1].items()))
    return list(dict.fromkeys(line for line, _ in ranked if line))


def offered(prose: Prose, title: str, values: Mapping[str, Any], language: str = "en") -> list[tuple[str, Features]]:
    """Every line that some rule makes, with what there is to say about it."""
    found: list[tuple[str, Features]] = [
        (value, {"given": 1.0}) for key in _SYNONYMS if isinstance(value := values.get(key), str) and value.strip()
    ]
    topic = _stems(title, language)
    told = _told_of(prose, language)
    shortest, longest = bounds(language)
    known = set(re.findall(r"[a-z]+", prose.text.casefold()))
    for place, sentence in enumerate(_in_order(prose)):
        for rule, form in _forms(sentence, known, language):
            line = fit(form, longest)
            seen = {rule: 1.0, "first": float(place == 0), "place": float(min(place, 14))}
            seen |= {f"{rule}_place": float(place)} if rule in _FADING else {}
            stems = _stems(line, language)
            seen |= {"shared": len(topic & stems) / (len(topic) or 1), "cut": float(len(form) > longest)}
            found.append((line, {**seen, **_faults(sentence, line, shortest), **_said(line, stems, told)}))
    found += _from_title(title, known, language)
    heads = [text for _, text in prose.headings[:4]]
    if heads:
        found.append((fit(", ".join(heads) + ".", longest), {"headings": 1.0}))
    return found


def in_manner(line: str, *, learn: bool, stop: bool) -> str:
    """“Learn how to run it.” → “Run it.” or “Run it”, for repositories whose people do not say the former."""
    bare = line if learn else line.removeprefix("Learn how to ")
    said = line if bare == line else bare[:1].upper() + bare[1:]
    return said if stop else said.removesuffix(".")


def bounds(language: str) -> tuple[int, int]:
    """How short and how long a description may be, in characters."""
    return (SHORTEST // 2, LONGEST // 2) if language in CJK else (SHORTEST, LONGEST)


def _stems(text: str, language: str) -> set[str]:
    """Stems of content words; pairs of characters where words are not parted."""
    if language not in CJK:
        return content_stems(text)
    runs = re.findall(r"[^\W_]+", text.casefold())
    return {run if run.isascii() else run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1))}


Told = tuple[Counter[str], set[str], set[str]]


def _told_of(prose: Prose, language: str) -> Told:
    """How often the document says each stem, the stems of its headings, and those of headings and opening."""
    headings = [text for _, text in prose.headings]
    often = Counter(stem for text in (*prose.paragraphs, *prose.asides, *headings) for stem in _stems(text, language))
    heads = _stems(" ".join(headings), language)
    return often, heads, heads | _stems(excerpt(prose, OPENING), language)


def _said(line: str, stems: set[str], told: Told) -> Features:
    """What the words of a line are to the document, and of which kind they are."""
    often, headings, opening = told
    words = line.split()
    most = math.log1p(max(often.values(), default=1))
    return {
        "central": sum(math.log1p(often[stem]) for stem in stems) / (len(stems) or 1) / most,
        "heads": len(stems & headings) / (len(stems) or 1),
        "opening": len(stems & opening) / (len(stems) or 1),
        "apart": float(len(stems & opening) < APART * len(stems)),
        "names": sum(word[:1].isupper() for word in words[1:]) / (len(words) or 1),
        "pronoun": float(bool(_PRONOUN.search(line))),
        "defines": float(bool(_DEFINES.search(line))),
    }


def _in_order(prose: Prose) -> Iterator[str]:
    for paragraph in prose.paragraphs[:7]:
        yield from sentences(paragraph)[:4]
    for aside in prose.asides[:6]:
        yield from sentences(aside)[:1]


def _forms(sentence: str, known: set[str], language: str) -> Iterator[tuple[str, str]]:
    """The sentence in every form that a rule gives it, with that rule's name."""
    bare = re.sub(r"\s*\([^()]*\)", "", sentence).strip() or sentence
    yield "plain", bare
    if language == "en":
        yield from forms.english(bare, known, SHORTEST)


def _from_title(title: str, known: set[str], language: str) -> Iterator[tuple[str, Features]]:
    """“Deploying X on Y” → “Learn how to deploy X on Y.”"""
    words = title.split()
    base = base_form(words[0], known) if language == "en" and len(words) > 3 else ""
    if base:
        yield fit(f"Learn how to {base} {' '.join(words[1:])}."), {"of_title": 1.0}


def _faults(sentence: str, line: str, shortest: int) -> Features:
    return {
        "noise": float(bool(_NOISE.search(sentence))),
        "leaning": float(bool(_LEANING.search(sentence))),
        "colon": float(sentence[-1:] in ":："),
        "open": float(sentence[-1:] not in ".!。！？"),
        "pointing": float(bool(_POINTING.search(line))),
        "short": float(len(line) < shortest),
        "long": float(max(0, len(line) - 110)),
    }


def fit(sentence: str, longest: int = LONGEST) -> str:
    """At most `longest` characters, cut at a clause or a word so that it reads as a sentence; ends with a stop."""
    line = " ".join(sentence.split()).strip(" :;,：；，、")
    if len(line) > longest:
        line = re.sub(r",? (?:which|where|so that|such as|including|in order to)\b[^.]*\.$", ".", line)
    if len(line) > longest:
        line = _cut_wide(line[: longest - 1]) or _cut(line[: longest - 1])
    if line and line[-1].isalnum() and " " in line:
        line += "."
    return line


def _cut_wide(text: str) -> str:
    """Cut at the last mark of a script without blanks; empty where there is none far enough in."""
    at = max(text.rfind(mark) for mark in "。；，、")
    return text[:at].rstrip("。；，、") + "。" if at >= SHORTEST // 2 else ""


def _cut(text: str) -> str:
    for mark in ("; ", ". ", " — ", " - ", ": ", ", "):
        at = text.rfind(mark)
        if at >= 60 and text[:at].count("(") == text[:at].count(")"):
            return _LOOSE_END.sub("", text[:at].rstrip(" ,;:-—")).rstrip(" ,;:-—") + "."
    text = text.rpartition(" ")[0] or text
    text = text[: text.rfind("(")] if text.count("(") > text.count(")") else text
    return _LOOSE_END.sub("", text).rstrip(" ,;:-") + "."
