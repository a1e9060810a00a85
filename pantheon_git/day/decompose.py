"""A spec as wishes without any model: lines in which a specialist is asked for, in the words of its manifest.

A list below a heading or line that asks (`## Front matter`, `Write tests for:`) names what is meant; sections of what
is not wanted are left out; criteria of a section hold for its tasks. Lines that ask for nobody are prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pantheon_git.day.board import read_card
from pantheon_git.day.intents import NobodyAskedError, NothingNamedError, NotUnderstoodError, Roster, understand
from pantheon_git.day.outline import Item, items
from pantheon_git.day.wish import Wish, criteria, state_name

_NOT_WANTED = re.compile(r"non.?goals?|out of scope|not in scope|later|future|won'?t|background|open questions|done")
_CRITERIA = re.compile(r"acceptance|done when|definition of done|criteria")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\[])")


@dataclass
class _Section:
    level: int
    heading: str
    wanted: bool
    criteria: bool
    intro: str = ""
    """The last line that ended in a colon."""
    wishes: list[Wish] = field(default_factory=list)


def decompose(text: str, file: str, roster: Roster) -> tuple[list[Wish], int]:
    """The wishes of a spec, in its order, and how many of its lines ask for no specialist."""
    found: list[Wish] = []
    must: dict[str, tuple[list[Wish], list[str]]] = {}
    prose = 0
    stack = [_Section(0, "", True, False)]
    for item in items(text):
        if item.kind == "heading":
            _enter(stack, item)
            continue
        here = stack[-1]
        if here.criteria:
            owner = stack[-2] if len(stack) > 1 else here
            must.setdefault(here.heading, (list(owner.wishes), []))[1].append(item.text)
        elif here.wanted:
            wishes = list(_wishes(item, file, here, roster))
            prose += not wishes
            found += wishes
            for section in stack:
                section.wishes += wishes
    for heading, (wishes, texts) in must.items():
        for wish in wishes:
            criteria(wish, texts, heading)
    return found, prose


def _enter(stack: list[_Section], heading: Item) -> None:
    while stack and stack[-1].level >= heading.level:
        stack.pop()
    wanted = stack[-1].wanted if stack else True
    if not stack:
        stack.append(_Section(0, "", True, False))
    name = state_name(heading.text)
    wanted = wanted and not _NOT_WANTED.search(name)
    stack.append(_Section(heading.level, heading.text, wanted, bool(_CRITERIA.search(name))))


def _wishes(item: Item, file: str, here: _Section, roster: Roster) -> Iterator[Wish]:
    """Of one list item or paragraph. What asks for nobody by itself may do so below what was said before."""
    if item.box in ("x", "X", "-"):
        return
    if item.kind == "paragraph":
        here.intro = item.text if item.text.rstrip().endswith(":") else ""
        at = 0
        for sentence in _SENTENCE.split(item.text):
            at = item.text.index(sentence, at)
            line = item.line + item.text[:at].count("\n")
            yield from _asking(Item("paragraph", line, sentence), file, ("",), roster)
        return
    before = ("", here.intro.rstrip(": "), here.heading)
    own = list(_asking(item, file, before, roster))
    if own or not item.children:
        yield from own
        return
    above = _Section(0, here.heading, True, False, item.text)  # an item that only introduces those below it
    for child in item.children:
        yield from _wishes(child, file, above, roster)


def _asking(item: Item, file: str, before: Iterable[str], roster: Roster) -> Iterator[Wish]:
    """The item as a wish, by itself or behind the first of `before` with which it asks for a specialist; one that
    asks and names nothing here is a wish too, whose reason the person will read."""
    first = None
    for words in dict.fromkeys(before):
        wish = read_card(item, file)
        if words:
            wish.text = f"{words}: {wish.text}"
        wish.key = f"spec:{wish.text.casefold()}"
        try:
            understand(wish, roster)
        except NobodyAskedError:
            continue
        except NothingNamedError:
            first = first or (wish if item.kind == "item" else None)
            continue
        except NotUnderstoodError:
            first = first or wish
            continue
        yield wish
        return
    if first is not None:
        yield first
