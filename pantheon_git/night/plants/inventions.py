"""One invented fact in a true description.

An invention changes one thing in a true description and leaves everything else: a number, a name from elsewhere, a
negation, or one name of the document in the place of another. It is made by rule from the description and the
document, without chance, so that two runs plant the same.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence

from pantheon_git.tools.frontmatter.claims import listed

INVENTIONS = ("number", "name", "negation", "entity")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w])")
_NAME = re.compile(r"(?<![.!?] )(?<!^)(?<![\w-])[A-Z][A-Za-z0-9]{2,}(?:\.js)?(?![\w-])")
_NOT: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\bcan\b(?! not)", "cannot"),
    (r"\b(is|are|was|were|will|does|do|should|must)\b(?! not)", r"\1 not"),
    (r"\bhow to\b", "how not to"),
    (r"\b(?:using|with)\b", "without"),
    (r"^(?:Returns|Sets|Creates|Converts|Provides|Gets|Adds|Shows)\b", lambda found: f"Never {found[0].lower()}"),
    (r"\bto (?=[a-z]{3,})", "not to "),
    (r"\bfor\b", "not for"),
)


def invent(kind: str, description: str, body: str, others: Sequence[str]) -> str:
    """`description` with one invented fact of this kind, or empty where this kind cannot be had here.

    `others`: descriptions and titles of other documents, in order: where foreign names come from.
    """
    return _MAKERS[kind](description, body, others)


def _number(description: str, body: str, others: Sequence[str]) -> str:
    """Another number, and where there is none one more: 40 and up, until the document does not have it."""
    fresh = next(str(n) for n in range(41, 10_000, 7) if str(n) not in body)
    if _NUMBER.search(description):
        return _NUMBER.sub(fresh, description, count=1)
    stem = description.rstrip(" .")
    return f"{stem} in {fresh} steps." if _latin(description) else f"{stem} ({fresh})"


def _name(description: str, body: str, others: Sequence[str]) -> str:
    """A name that the document does not have, for one of its own; else one more at the end."""
    known = body.casefold()
    names = (name for text in others for name in _NAME.findall(text))
    foreign = next((name for name in names if name.casefold() not in known), "")
    if not foreign:
        return ""
    if _NAME.search(description):
        return _NAME.sub(foreign, description, count=1)
    return f"{description.rstrip(' .')} with {foreign}." if _latin(description) else ""


def _negation(description: str, body: str, others: Sequence[str]) -> str:
    """The opposite, by the first rule that fits."""
    if re.search(r"\b(?:not|no|never|without|cannot)\b|n't", description):
        return ""
    for pattern, said in _NOT:
        if (changed := re.sub(pattern, said, description, count=1)) != description:
            return changed
    return ""


def _entity(description: str, body: str, others: Sequence[str]) -> str:
    """Two of its names exchanged (not two of a list, which may stand either way); where it has one, that one replaced
    by the document's commonest other name."""
    names = list(dict.fromkeys(_NAME.findall(description)))
    pairs = [pair for pair in itertools.combinations(names[:4], 2) if not listed(description, *pair)]
    if pairs:
        one, two = pairs[0]
        return re.sub(rf"\b(?:{re.escape(one)}|{re.escape(two)})\b",
                      lambda found: two if found[0] == one else one, description)  # fmt: skip
    said = description.casefold()
    counted = Counter(name for name in _NAME.findall(body) if name.casefold() not in said)
    if not names or not counted:
        return ""
    other = max(counted.items(), key=lambda pair: (pair[1], pair[0]))[0]
    return description.replace(names[0], other)


def _latin(text: str) -> bool:
    return all(char < "\u0250" for char in text if char.isalpha())


_MAKERS: dict[str, Callable[[str, str, Sequence[str]], str]] = {
    "number": _number, "name": _name, "negation": _negation, "entity": _entity,
}  # fmt: skip
