"""Boards in Markdown as wishes: Obsidian Kanban, lists of GitHub tasks below headings, TODO files.

A heading is a lane, a list item in it a card; without any checkbox in a lane plain items are cards too. Metadata is
read as the authors of these formats write it down: tags `#x` and `@who`, fields `[priority:: high]` of Dataview, the
signs of Obsidian Tasks (https://publish.obsidian.md/tasks, "Tasks Emoji Format"), `(A)` of todo.txt, `- Priority: P1`
below a card, a block id `^x` behind it. What stands in none of them is the card's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pantheon_git.day.outline import Item, items
from pantheon_git.day.wish import Wish, criteria, stands

_SIGNS = {"🔺": "highest", "⏫": "high", "🔼": "medium", "🔽": "low", "⏬": "lowest"}
_SIGN = re.compile(rf"([{''.join(_SIGNS)}])\ufe0f?")
_ID, _BLOCKED = re.compile(r"🆔\s*([\w-]+)"), re.compile(r"⛔\ufe0f?\s*([\w-]+(?:\s*,\s*[\w-]+)*)")
_WORD = re.compile(r"(?<!\S):(high|medium|low)(?!\S)")
"""As KanbanDown writes it."""
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_DATE = re.compile(r"[➕⏳🛫📅✅❌]\ufe0f?\s*\d{4}-\d\d-\d\d|@\{[^}]*\}|@\[\[[^\]]*\]\]|🔁[^\n🔺⏫🔼🔽⏬🆔⛔]*")
_FIELD = re.compile(r"[\[(]([A-Za-z][\w -]{0,40})::\s*([^\])\[(]{0,200})[\])]")
_TAG = re.compile(r"(?<![\w/`(\[])#([A-Za-z_][\w./-]*)")
_WHO = re.compile(r"(?<![\w`/.])@[\w-]+")
_BLOCK = re.compile(r"(?:^|\s)\^([A-Za-z0-9-]+)\s*$")
_TODO_TXT = re.compile(r"^\(([A-E])\)\s+")
_BELOW = re.compile(r"^\*{0,2}([A-Za-z][A-Za-z ]{1,24}?)\*{0,2}:\*{0,2}\s+(.+)$")
"""`Priority: P1` or `**Priority:** P1` below a card."""
_EMPHASIS = re.compile(r"\*\*([^*]{1,300})\*\*|~~([^~]{1,300})~~")
MAX_TEXT = 4000
"""Characters of one card that are read."""
_NAMES = {
    **dict.fromkeys(("priority", "prio"), "priority"),
    **dict.fromkeys(("agent", "specialist"), "agent"),
    **dict.fromkeys(("depends on", "depends", "dependencies", "needs", "blocked by", "dependson"), "needs"),
    **dict.fromkeys(("labels", "label", "tags", "category"), "labels"),
    **dict.fromkeys(("files", "file", "paths", "path", "scope", "related"), "paths"),
    **dict.fromkeys(("acceptance", "acceptance criteria", "done when"), "acceptance"),
    **dict.fromkeys(("id",), "id"),
}
"""A field's name → what it is to us."""
_NO_FIELD = {"owner": "the person who merges is its owner", "assignee": "the person who merges is its owner"}


@dataclass
class _Lane:
    name: str
    line: int
    cards: list[Item]
    complete: bool = False


def read_board(text: str, file: str, lanes: Sequence[str] = ()) -> list[Wish]:
    """The cards of a board. `lanes`: those of these lanes alone; else all that are not done or in hand."""
    found = []
    for lane in _lanes(text):
        boxed = any(card.box for card in lane.cards)
        for card in lane.cards:
            if card.text and (card.box or not boxed or card.kind == "heading"):
                wish = read_card(card, file)
                _stands(wish, lane, card, lanes)
                found.append(wish)
    return found


def _stands(wish: Wish, lane: _Lane, card: Item, wanted: Sequence[str]) -> None:
    stands(wish, lane.name, wanted, "in the lane")
    if card.box in ("x", "X", "-"):
        wish.skip, wish.done = "cancelled on the board" if card.box == "-" else "done on the board", True
    elif lane.complete and not wanted:
        wish.skip, wish.done = f"in the lane {lane.name!r}", True
    elif card.box not in ("", " ") and not wanted:
        wish.skip = f"marked [{card.box}]: somebody is at it"


def _lanes(text: str) -> Iterator[_Lane]:
    """Lanes with their cards. A heading below a lane that holds no list of cards is a card itself."""
    found = list(items(text))
    lane = _Lane("", 1, [])
    above = 0
    for at, item in enumerate(found):
        if item.kind == "heading" and above and item.level > above and not _has_cards(found[at + 1 :]):
            lane.cards.append(_with_fields(item, found[at + 1 :]))
        elif item.kind == "heading":
            yield lane
            lane, above = _Lane(item.text, item.line, []), item.level if item.level > 1 else 0
        elif item.kind == "item" and not (lane.cards and lane.cards[-1].kind == "heading"):
            lane.cards.append(item)
        elif item.kind == "paragraph" and item.text.strip("* ").casefold() == "complete":
            lane.complete = True
    yield lane


def _has_cards(rest: Sequence[Item]) -> bool:
    """Whether checkboxes stand directly below a heading."""
    for item in rest:
        if item.kind == "heading":
            return False
        if item.box:
            return True
    return False


def _with_fields(heading: Item, rest: Sequence[Item]) -> Item:
    """A heading as a card, with what stands below it."""
    notes, children = [], []
    for item in rest:
        if item.kind == "heading":
            break
        if item.kind == "paragraph":
            notes.append(item.text)
        else:
            children.append(item)
    return Item("heading", heading.line, heading.text, "", heading.level, tuple(notes), tuple(children))


def read_card(card: Item, file: str) -> Wish:
    """One card, whatever its lane."""
    wish = Wish(f"{file}:{card.line}", "", "")
    text = _signs(wish, _BREAK.sub(" ", card.text[:MAX_TEXT]))
    if len(card.text) > MAX_TEXT:
        wish.unmapped.append(f"text: {len(card.text)} characters, of which {MAX_TEXT} are read")
    for name, value in _FIELD.findall(text):
        _field(wish, name, value)
    tags = tuple(_TAG.findall(text))
    if tags:
        wish.labels += tags
    text = _EMPHASIS.sub(lambda found: found[1] or found[2], _WHO.sub("", _TAG.sub("", _FIELD.sub("", text))))
    wish.text = " ".join(text.split())
    wish.key = wish.id or wish.text.casefold()
    details = [note for note in card.notes if not _below(wish, note)]
    boxes = tuple(child.text for child in card.children if child.box)
    details += [child.text for child in card.children if not child.box and not _below(wish, child.text, child)]
    criteria(wish, boxes, "checkboxes below the card")
    wish.details = "\n".join(details)[:MAX_TEXT]
    return wish


def _signs(wish: Wish, text: str) -> str:
    """Priority, id, what it waits for, and the block id, all taken out of the text."""
    if block := _BLOCK.search(text):
        wish.id, text = block[1], text[: block.start()]
    if named := _ID.search(text):
        wish.id = named[1]
    for waits in _BLOCKED.findall(text):
        wish.needs += tuple(re.split(r"\s*,\s*", waits))
    if sign := _SIGN.search(text):
        wish.rank("sign", _SIGNS[sign[1]])
    if word := _WORD.search(text):
        wish.rank("word", word[1])
    if letter := _TODO_TXT.match(text):
        wish.rank("letter", letter[1])
    for date in _DATE.findall(text):
        wish.unmapped.append(f"{date.strip()}: tasks have no dates")
    for shape in (_BLOCKED, _ID, _SIGN, _WORD, _TODO_TXT, _DATE):
        text = shape.sub("", text)
    return text


def _below(wish: Wish, text: str, item: Item | None = None) -> bool:
    """Whether a line below the card is a field."""
    found = _BELOW.match(text)
    if found is None and item is not None and item.children:
        found = _BELOW.match(f"{text.rstrip(':* ')}: {', '.join(child.text for child in item.children)}")
    return found is not None and _field(wish, found[1], found[2])


def _field(wish: Wish, name: str, value: str) -> bool:
    """Take a field over; False where its name means nothing here."""
    what = _NAMES.get(name.strip().casefold())
    parts = tuple(part.strip(" `[]") for part in value.split(",") if part.strip(" `[]"))
    if what == "priority":
        wish.rank(name, value)
    elif what == "agent":
        wish.agent = value.strip(" `")
    elif what == "id":
        wish.id = value.strip()
    elif what == "needs":
        wish.needs += tuple(part.lstrip("^#") for part in parts if part.casefold() != "none")
    elif what == "labels":
        wish.labels += tuple(part.lstrip("#") for part in parts)
    elif what == "paths":
        wish.paths += parts
    elif what == "acceptance":
        criteria(wish, (value,), name)
    elif name.strip().casefold() in _NO_FIELD:
        wish.unmapped.append(f"{name}: {_NO_FIELD[name.strip().casefold()]}")
    else:
        return False
    return True
