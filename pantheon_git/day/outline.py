"""A Markdown file as the items that a person wrote in it: list items, headings and paragraphs, each with its line.

Boards (`board`), specs (`outline` of `plan`) and backlogs are all read through this. Parsed by markdown-it
(CommonMark), so that what looks like a card inside a code block or a comment is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

_FRONT = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*$", re.DOTALL | re.MULTILINE)
_HIDDEN = re.compile(r"%%.*?%%", re.DOTALL)
"""A comment of Obsidian's; a board keeps its settings in one."""
_BOX = re.compile(r"\[(.)\][ \t]+")
"""GitHub's task list item, and Obsidian's with its further states."""


@dataclass(frozen=True)
class Item:
    """One list item, heading or paragraph."""

    kind: str
    """`item`, `heading` or `paragraph`."""
    line: int
    """From 1."""
    text: str
    """As it was written, its box taken off."""
    box: str = ""
    """What stands in its box: a space, `x`, `-` …; empty without one."""
    level: int = 0
    """Of a heading."""
    notes: tuple[str, ...] = ()
    """Further paragraphs of a list item."""
    children: tuple[Item, ...] = field(default=(), repr=False)
    """List items below a list item."""


def items(text: str) -> Iterator[Item]:
    """The items at the top of the document, in its order."""
    kept = _HIDDEN.sub(_blank, _FRONT.sub(_blank, text.removeprefix("\ufeff").replace("\r\n", "\n"), count=1))
    parser = MarkdownIt("commonmark").disable("inline")  # blocks are all we want of it, and those take linear time
    yield from _walk(SyntaxTreeNode(parser.parse(kept)))


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _walk(node: SyntaxTreeNode) -> Iterator[Item]:
    for child in node.children:
        line = child.map[0] + 1 if child.map else 1
        if child.type == "heading":
            yield Item("heading", line, _inline(child), level=int(child.tag[1:]))
        elif child.type == "paragraph":
            yield Item("paragraph", line, _inline(child))
        elif child.type in ("bullet_list", "ordered_list"):
            yield from (_item(one) for one in child.children)
        elif child.type == "blockquote":
            yield from _walk(child)


def _item(node: SyntaxTreeNode) -> Item:
    texts = [_inline(child) for child in node.children if child.type in ("paragraph", "heading")]
    children = tuple(item for item in _walk(node) if item.kind == "item")
    first, *notes = texts or [""]
    box = _BOX.match(first)
    line = node.map[0] + 1 if node.map else 1
    return Item("item", line, first[box.end() :] if box else first, box[1] if box else "", 0, tuple(notes), children)


def _inline(node: SyntaxTreeNode) -> str:
    return " ".join(child.content for child in node.children).strip()
