"""Small English word tools: crude stems, content words, and the base form of a gerund. No dictionary."""

from __future__ import annotations

import re


def bag(text: str) -> frozenset[str]:
    """A set of words from a readable line."""
    return frozenset(text.split())


STOP = bag(
    "a an the of to in on at for and or with your you how is are be as by from this that it its using use into"
    " can will we our not via if when what which more than then them they their i my me do does did has have was"
    " were been but so all any each some such only also other new one two about up out over"
)


def stem(word: str) -> str:
    """Enough for `deploying`, `deploys` and `deploy` to be one word."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def content_stems(text: str) -> set[str]:
    """Stems of the words that carry meaning."""
    return {stem(word) for word in re.findall(r"[^\W_]+", text.casefold()) if word not in STOP}


_BASES = bag(
    "add build call change check choose clean collect configure connect contribute control convert copy create"
    " customize debug define deploy design develop enable export expose fetch find get import improve ingest"
    " install integrate learn make manage migrate monitor move plan protect publish query read record render"
    " restrict roll run schedule scale secure send serve set share start stream style submit test track train"
    " transfer trigger troubleshoot understand update upgrade use validate verify work write automate authenticate"
    " authorize activate calculate generate"
)


def base_form(word: str, known: set[str]) -> str:
    """`Deploying` → `deploy`, `Running` → `run`; a base form stays; empty where neither list nor document knows it."""
    lower = word.casefold()
    if lower in _BASES:
        return lower
    if not lower.endswith("ing") or len(lower) < 5:
        return ""
    root = lower[:-3]
    undoubled = root[:-1] if root[-1:] == root[-2:-1] else ""
    for options in (_BASES, known):
        for option in (undoubled, root + "e", root):
            if option and option in options:
                return option
    return ""


def is_verb(word: str) -> bool:
    """Whether it is one of the few common verbs that documents are full of: `create`, `creates`, `creating`."""
    lower = word.casefold()
    known = lower in _BASES or lower.removesuffix("s") in _BASES
    return known or (lower.endswith("ing") and base_form(lower, set()) != "")
