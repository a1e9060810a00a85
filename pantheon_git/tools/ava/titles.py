"""A test's title in the model's words: what it may say, and when the computed one stands instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

LONGEST = 72
_COMMON = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "both",
        "but",
        "by",
        "can",
        "each",
        "every",
        "exactly",
        "first",
        "for",
        "from",
        "given",
        "has",
        "have",
        "if",
        "in",
        "instead",
        "into",
        "is",
        "it",
        "its",
        "last",
        "like",
        "more",
        "new",
        "no",
        "non",
        "not",
        "nothing",
        "of",
        "on",
        "once",
        "one",
        "only",
        "or",
        "other",
        "out",
        "same",
        "several",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "this",
        "to",
        "twice",
        "two",
        "up",
        "when",
        "whether",
        "which",
        "while",
        "with",
        "without",
        "value",
        "values",
        "string",
        "strings",
        "number",
        "numbers",
        "list",
        "lists",
        "object",
        "objects",
        "array",
        "arrays",
        "function",
        "functions",
        "expected",
        "correct",
        "correctly",
        "given",
        "test",
        "tests",
        "returns",
        "checks",
        "makes",
        "turns",
        "finds",
        "reads",
        "gives",
        "takes",
        "calls",
        "adds",
        "removes",
        "keeps",
        "sets",
        "throws",
        "error",
        "errors",
        "result",
        "results",
        "empty",
        "input",
        "output",
        "true",
        "false",
        "undefined",
    ]
)


def title_of(
    arguments: Mapping[str, Any], titles: Sequence[str], lines: Iterable[str]
) -> tuple[str, Literal["tool", "fallback", "model"], str]:
    """The title of the first of several tests, who it is from, and why not from the model. `arguments`: `title` as the
    model says it, `subject` and `about`; `titles`: the computed ones; `lines`: what the first test does."""
    said = arguments.get("title")
    if not said or said == titles[0]:
        return titles[0], "tool", ""
    known = [str(arguments.get("about", "")), *lines]
    title, why = judge_title(str(said), str(arguments.get("subject", "")), known)
    if why or title in titles:
        return titles[0], "fallback", why or "another test has this title"
    return title, "model", ""


def judge_title(said: str, subject: str, known: Iterable[str]) -> tuple[str, str]:
    """(title, "") or ("", why not). `known`: texts that the words must come from: the README's opening, the calls."""
    phrase = " ".join(said.split()).strip(" .'\"`")
    phrase = re.sub(rf"^{re.escape(subject)}\b[:,]?\s*", "", phrase)
    words = re.findall(r"[^\W\d_]{2,}", phrase)
    if not 2 <= len(words) <= 12:
        return "", f"{len(words)} words, 2 to 12 are asked for"
    if re.search(r"[`\\{}<>;=\n]|//|[^\x20-\x7e]", phrase):
        return "", "code or marks in it"
    title = f"{subject} {phrase[0].lower() + phrase[1:]}"
    if len(title) > LONGEST:
        return "", f"{len(title)} characters, at most {LONGEST}"
    heard = {_stem(word) for text in known for word in re.findall(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])", text)}
    strange = [word for word in words if word.lower() not in _COMMON and _stem(word) not in heard]
    if strange:
        return "", f"neither README nor calls have: {', '.join(strange[:3])}"
    if len({word.lower() for word in words}) < len(words) - 2:
        return "", "it repeats itself"
    return title, ""


def _stem(word: str) -> str:
    return re.sub(r"(ies|es|s|ing|ed|er)$", "", word.lower())[:8]
