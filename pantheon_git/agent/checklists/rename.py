"""A rename: the file is the same under a sensible name, and elsewhere nothing changed but what names it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from pantheon_git.agent.checklists.item import Examined, Item, Page, Whole, quote_line
from pantheon_git.agent.checklists.item import hunks as hunks_of
from pantheon_git.agent.view import ChangeView
from pantheon_git.tools.frontmatter.document import SUFFIXES, parse
from pantheon_git.tools.frontmatter.prose import read
from pantheon_git.tools.protocol import ToolError

_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*")
_TOKEN = re.compile(r"[^\s()\[\]<>\"'`|,;={}]+")
_MARK = "\x00"


def touched(change: ChangeView, whole: Whole) -> bool:
    """A file that was moved, where it stood, and one that named it and names it no more."""
    if change.path in whole.moves or change.path in whole.moved_from:
        return True
    if not whole.moves or change.before is None or change.after is None:
        return False
    gone = _names(whole.moved_from)
    return any(_names_one(line, gone) for hunk in hunks_of(change.patch) for line in hunk.removed)


def examine(change: ChangeView, whole: Whole, settings: Mapping[str, Any]) -> Examined:
    if change.path in whole.moved_from:
        return [Item("moved", True, "the file stands under its new name")], None
    old = whole.moves.get(change.path)
    if old is None:
        return [*_links(_pairs(change.patch), whole)], None
    before, after = (_lines(data) for data in (old.before, change.after))
    page = _page(change, old.path)
    return [*_named(change.path, old.path), *_links([(before, after)], whole)], page


def _named(path: str, old: str) -> Iterator[Item]:
    name = PurePosixPath(path).name
    ok = bool(_KEBAB.fullmatch(name)) or name == PurePosixPath(old).name
    yield Item("name", ok, f"{name} is {'' if ok else 'not '}in kebab-case", quote_line("rename to ", path))
    same = PurePosixPath(path).suffix == PurePosixPath(old).suffix
    yield Item("suffix", same, "the suffix is as it was" if same else f"the suffix was that of {old}")


def _links(pairs: list[tuple[list[str], list[str]]], whole: Whole) -> Iterator[Item]:
    """Line by line: what changed is a link, a path or a name that was moved; and no old name is written anew."""
    names = _names({*whole.moves, *whole.moved_from})
    other = next((line for old, new in pairs for line in _otherwise(old, new, names)), None)
    said = "only links and names changed" if other is None else "a line changed in more than its links"
    yield Item("only-links", other is None, said, quote_line("+", other or ""))
    gone = _names(whole.moved_from) - _names(whole.moves)
    stale = next((line for _, new in pairs for line in new if _names_one(line, gone)), None)
    said = "no changed line still has an old name" if stale is None else "a changed line still has an old name"
    yield Item("no-old-name", stale is None, said, quote_line("+", stale or ""))


def _otherwise(old: list[str], new: list[str], names: frozenset[str]) -> Iterator[str]:
    masked = [_masked(line, names) for line in old]
    for line in new:
        if (seen := _masked(line, names)) in masked:
            masked.remove(seen)
        else:
            yield line
    yield from masked


def _masked(line: str, names: frozenset[str]) -> str:
    """The line with every word that is a path, or has one of the names, replaced by a mark."""

    def mask(token: re.Match[str]) -> str:
        return _MARK if "/" in token[0] or _names_one(token[0], names) else token[0]

    return _TOKEN.sub(mask, line).rstrip()


def _names(paths: Mapping[str, Any] | frozenset[str] | set[str]) -> frozenset[str]:
    return frozenset(PurePosixPath(path).name.partition(".")[0].casefold() for path in paths)


def _names_one(text: str, names: frozenset[str]) -> bool:
    said = {PurePosixPath(word.partition("#")[0]).name.partition(".")[0].casefold()
            for word in _TOKEN.findall(unquote(text))}  # fmt: skip
    return bool(said & names)


def _pairs(patch: bytes) -> list[tuple[list[str], list[str]]]:
    return [(list(hunk.removed), list(hunk.added)) for hunk in hunks_of(patch)]


def _lines(data: bytes | None) -> list[str]:
    return (data or b"").decode("utf-8", "replace").split("\n")


def _page(change: ChangeView, old: str) -> Page | None:
    """The new name in words, and the document that it should follow from."""
    if not change.path.lower().endswith(SUFFIXES) or PurePosixPath(change.path).name == PurePosixPath(old).name:
        return None
    try:
        prose = read(parse(change.after or b"").body)
    except ToolError:
        return None
    words = PurePosixPath(change.path).name.partition(".")[0].replace("-", " ")
    return Page(change.path, prose, {"name": words}, frozenset({"name"}))
