"""Description candidates and the computed draft: the document's own sentences, rewritten by fixed rules.

Each sentence gets a form (what a reader is told to learn, what a thing returns, what a thing is) and a score; the best
form of the best sentence is the draft. English has rewriting rules; other languages get their own sentences, trimmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pantheon_git.tools.frontmatter import forms
from pantheon_git.tools.frontmatter.prose import Prose, sentences
from pantheon_git.tools.frontmatter.words import base_form, content_stems

SHORTEST, LONGEST = 40, 160
_SYNONYMS = ("summary", "excerpt", "abstract", "about", "subtitle", "tagline", "lead")
WEIGHTS = {
    "given": 9.0,  # another key of the front matter says it already
    "plain": 1.0,  # the sentence as it stands; the next six are the rules of `forms.py`
    "learn": 2.6,
    "about": 1.7,
    "api": 2.6,
    "use": 2.6,
    "clause": 2.2,
    "can": 1.9,
    "do": 1.3,
    "of_title": 2.2,  # made of the title alone
    "headings": -3.0,  # the headings in a row, for want of a sentence
    "shared": 1.2,  # share of the title's words
    "first": 0.3,  # it stands first
    "place": -0.16,  # sentences before it, 14 at most
    "can_place": -0.2,  # further down, “you can …” speaks of a detail
    "api_place": -0.05,
    "do_place": -0.03,
    "learn_place": -0.02,
    "cut": -0.4,  # it was too long
    "noise": -1.2,  # it speaks of conditions and not of the subject
    "leaning": -0.7,  # it leans on the sentence before it, or speaks to the reader
    "colon": -2.5,  # it announces a list
    "open": -0.8,  # it has no end
    "pointing": -0.8,  # it points elsewhere
    "short": -0.5,
    "long": -0.006,  # characters beyond 110
}
"""Set by hand; each feature is a plain observation about where a sentence stands and how it is said."""
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
    topic = content_stems(title)
    known = set(re.findall(r"[a-z]+", prose.text.casefold()))
    for place, sentence in enumerate(_in_order(prose)):
        for rule, form in _forms(sentence, known, language):
            line = fit(form)
            seen = {rule: 1.0, "first": float(place == 0), "place": float(min(place, 14))}
            seen |= {f"{rule}_place": float(place)} if rule in _FADING else {}
            seen |= {"shared": len(topic & content_stems(line)) / (len(topic) or 1), "cut": float(len(form) > LONGEST)}
            found.append((line, {**seen, **_faults(sentence, line)}))
    found += _from_title(title, known, language)
    heads = [text for _, text in prose.headings[:4]]
    if heads:
        found.append((fit(", ".join(heads) + "."), {"headings": 1.0}))
    return found


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


def _faults(sentence: str, line: str) -> Features:
    return {
        "noise": float(bool(_NOISE.search(sentence))),
        "leaning": float(bool(_LEANING.search(sentence))),
        "colon": float(sentence[-1:] in ":："),
        "open": float(sentence[-1:] not in ".!。！？"),
        "pointing": float(bool(_POINTING.search(line))),
        "short": float(len(line) < SHORTEST),
        "long": float(max(0, len(line) - 110)),
    }


def fit(sentence: str) -> str:
    """At most LONGEST characters, cut at a clause or a word so that it still reads as a sentence; ends with a stop."""
    line = " ".join(sentence.split()).strip(" :;,")
    if len(line) > LONGEST:
        line = re.sub(r",? (?:which|where|so that|such as|including|in order to)\b[^.]*\.$", ".", line)
    if len(line) > LONGEST:
        line = _cut(line[: LONGEST - 1])
    if line and line[-1].isalnum() and " " in line:
        line += "."
    return line


def _cut(text: str) -> str:
    for mark in ("; ", ". ", " — ", " - ", ": ", ", "):
        at = text.rfind(mark)
        if at >= 60 and text[:at].count("(") == text[:at].count(")"):
            return text[:at].rstrip(" ,;:-—") + "."
    text = text.rpartition(" ")[0] or text
    text = text[: text.rfind("(")] if text.count("(") > text.count(")") else text
    return _LOOSE_END.sub("", text).rstrip(" ,;:-") + "."
