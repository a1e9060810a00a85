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
_WEIGHTS = {"learn": 2.6, "about": 1.7, "api": 2.6, "use": 2.6, "clause": 2.2, "can": 1.9, "do": 1.3}
_FIRST, _LATER = 0.3, 0.16
"""What standing first is worth, and what each sentence before it costs."""
_FADING = {"can": 0.2, "api": 0.05, "do": 0.03, "learn": 0.02}
"""What a rule loses with each sentence before it: further down, “you can …” speaks of a detail."""
_NOISE = re.compile(
    r"\b(?:billing|pricing|costs?|prerequisites?|before you begin|assumes?|billable|sign up|license|copyright"
    r"|deprecated|archived|obsolete|click|contributed|for more information|see the|note that|refer to|clean up)\b"
    r"|^(?:note|important|tip|warning|caution)\b|[=;|]\s|^(?:however|but|and)\b|[?]$|\be\.g\.$",
    re.IGNORECASE,
)
"""Such sentences speak of conditions and not of the subject."""
_LEANING = re.compile(
    r"^(?:it|they|both|these|those|this|he|she|such|for example|for this|also|then|once|if|when|now|because|as"
    r"|with this|to|similar|see|visit|read|please|congratulations|let['’]?s|after|before|you['’]ll|you"
    r"|your|our|we|unlike|each|don['’]t|do not|make sure|there (?:are|is))\b",
    re.IGNORECASE,
)
"""Such a sentence leans on the one before it, or speaks to the reader."""
_LOOSE_END = re.compile(
    r"(?:\s+(?:and|or|the|a|an|of|to|in|for|with|that|by|on|as|is|are|from|your|using|you|can|which|through))+$"
)
_POINTING = re.compile(
    r"^(?:see|visit|refer)\b|^(?:learn how to )?[a-z]+ (?:it|them|one|both)\b"
    r"|\b(?:this|these|above|below|previous|following|earlier)\b",
    re.IGNORECASE,
)


def candidates(prose: Prose, title: str, values: Mapping[str, Any], language: str = "en") -> list[str]:
    """Best first; each one line. Empty only where the document has no words at all."""
    found = [(9.0, value) for key in _SYNONYMS if isinstance(value := values.get(key), str) and value.strip()]
    topic = content_stems(title)
    known = set(re.findall(r"[a-z]+", prose.text.casefold()))
    for place, sentence in enumerate(_in_order(prose)):
        for score, form in _forms(sentence, known, language, place):
            line = fit(form)
            cut = 0.4 if len(form) > LONGEST else 0.0
            shared = len(topic & content_stems(line)) / (len(topic) or 1)
            found.append(
                (
                    score
                    + 1.2 * shared
                    + _FIRST * (place == 0)
                    - min(place, 14) * _LATER
                    - _faults(sentence, line)
                    - cut,
                    line,
                )
            )
    found += _from_title(title, known, language)
    heads = [text for _, text in prose.headings[:4]]
    if heads:
        found.append((-3.0, fit(", ".join(heads) + ".")))
    ranked = sorted(found, key=lambda pair: -pair[0])
    return list(dict.fromkeys(line for _, line in ranked if line))


def _in_order(prose: Prose) -> Iterator[str]:
    for paragraph in prose.paragraphs[:7]:
        yield from sentences(paragraph)[:4]
    for aside in prose.asides[:6]:
        yield from sentences(aside)[:1]


def _forms(sentence: str, known: set[str], language: str, place: int) -> Iterator[tuple[float, str]]:
    """The sentence in every form that a rule gives it, with that rule's weight."""
    bare = re.sub(r"\s*\([^()]*\)", "", sentence).strip() or sentence
    yield 1.0, bare
    if language == "en":
        for rule, said in forms.english(bare, known, SHORTEST):
            yield _WEIGHTS[rule] - _FADING.get(rule, 0.0) * place, said


def _from_title(title: str, known: set[str], language: str) -> Iterator[tuple[float, str]]:
    """“Deploying X on Y” → “Learn how to deploy X on Y.”"""
    words = title.split()
    base = base_form(words[0], known) if language == "en" and len(words) > 3 else ""
    if base:
        yield 2.2, fit(f"Learn how to {base} {' '.join(words[1:])}.")


def _faults(sentence: str, line: str) -> float:
    penalty = 1.2 if _NOISE.search(sentence) else 0.0
    penalty += 0.7 if _LEANING.search(sentence) else 0.0
    penalty += 2.5 if sentence[-1:] in ":：" else 0.0
    penalty += 0.8 if sentence[-1:] not in ".!。！？" else 0.0
    penalty += 0.8 if _POINTING.search(line) else 0.0
    penalty += 0.5 if len(line) < SHORTEST else 0.0
    return penalty + max(0, len(line) - 110) * 0.006


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
