"""A rename: the file is the same under a sensible name, and elsewhere nothing changed but what names it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from pantheon_git.agent.checklists.item import Examined, Item, Page, Whole, quote_line
from pantheon_git.agent.checklists.item import hunks as hunks_of
from pantheon_git.agent.view import ChangeView
from pantheon_git.tools.frontmatter.document import SUFFIXES, WRITABLE, parse
from pantheon_git.tools.frontmatter.prose import read
from pantheon_git.tools.protocol import ToolError

_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*")
_TOKEN = re.compile(r"[^\s()\[\]<>\"'`|,;={}]+")
_MARK = "\x00"
_INDEX = frozenset({"index", "readme", "_index"})


def touched(change: ChangeView, whole: Whole) -> bool:
    """A file that was moved, where it stood, and one that named it in a line that is gone."""
    if change.path in whole.moves or change.path in whole.moved_from:
        return True
    if not whole.moves or change.before is None or change.after is None:
        return False
    names = names_of(whole)
    return any(names.search(line) for hunk in hunks_of(change.patch) for line in hunk.removed)


def examine(change: ChangeView, whole: Whole, settings: Mapping[str, Any]) -> Examined:
    if change.path in whole.moved_from:
        return [Item("moved", True, "the file stands under its new name")], None
    old = whole.moves.get(change.path)
    if old is None:
        return list(_links([(hunk.removed, hunk.added) for hunk in hunks_of(change.patch)], whole)), None
    before, after = _texts(old.before or b"", change.after or b"", whole)
    page = _page(change, old.path)
    return [*_named(change, old.path), *_links([(before, after)], whole)], page


def only_names(old: str, new: str, whole: Whole) -> bool:
    """Whether two texts differ in nothing but the names of what was moved."""
    return bool(whole.moves) and not list(_otherwise(old.split("\n"), new.split("\n"), names_of(whole)))


def _named(change: ChangeView, old: str) -> Iterator[Item]:
    name, asked = PurePosixPath(change.path).name, _asked(change.params)
    if PurePosixPath(name).stem in asked or name in asked:
        yield Item("name", True, f"{name} is the name that the task asks for", quote_line("rename to ", change.path))
        return
    ok = bool(_KEBAB.fullmatch(name)) or name == PurePosixPath(old).name
    yield Item("name", ok, f"{name} is {'' if ok else 'not '}in kebab-case", quote_line("rename to ", change.path))
    same = PurePosixPath(name).suffix == PurePosixPath(old).suffix
    yield Item("suffix", same, "the suffix is as it was" if same else f"the suffix was that of {old}")


def _asked(params: Mapping[str, Any]) -> set[str]:
    """The names that the task itself gives."""
    given = [params.get("to"), *(one.get("new") for one in params.get("renames", ()))]
    return {PurePosixPath(path).name for path in given if isinstance(path, str)}


def _links(pairs: Sequence[tuple[Sequence[str], Sequence[str]]], whole: Whole) -> Iterator[Item]:
    """Line by line: what changed is a link, a path or a name that was moved; and no old path is written anew."""
    names = names_of(whole)
    other = next((line for old, new in pairs for line in _otherwise(old, new, names)), None)
    said = "only links and names changed" if other is None else "a line changed in more than its links"
    yield Item("only-links", other is None, said, quote_line("+", other or ""))
    gone = [path for path in whole.moved_from if "/" in path and path not in whole.moves]
    fresh = (line for old, new in pairs for line in new if line not in old)
    stale = next((line for line in fresh if any(re.search(rf"(?<![\w/-]){re.escape(path)}\b", line) for path in gone)),
                 None)  # fmt: skip
    said = "no changed line has an old path" if stale is None else "a changed line still has an old path"
    lost = next((line for old, new in pairs for line in _astray(old, new, whole)), None)
    said = "what changed leads to what was moved" if lost is None else "a changed line leads to another place"
    yield Item("links-lead", lost is None, said, quote_line("+", lost or ""))
    yield Item("no-old-path", stale is None, said, quote_line("+", stale or ""))


def _otherwise(old: Iterable[str], new: Iterable[str], names: re.Pattern[str]) -> Iterator[str]:
    masked = [_masked(line, names) for line in old]
    for line in new:
        if (seen := _masked(line, names)) in masked:
            masked.remove(seen)
        else:
            yield line
    yield from masked


def _astray(old: Sequence[str], new: Sequence[str], whole: Whole) -> Iterator[str]:
    """Lines of which a word changed to what is no new name, and ends otherwise than it did."""
    fresh = names_of(whole, new_only=True)
    for before, after in zip(old, new, strict=False) if len(old) == len(new) else ():
        words, now = (_TOKEN.findall(unquote(line)) for line in (before, after))
        changed = zip(words, now, strict=True) if len(words) == len(now) else ()
        if any(one != other and not fresh.search(other) and _end(one) != _end(other) for one, other in changed):
            yield after


def _end(word: str) -> str:
    return re.split(r"[?#]", word)[0].rstrip("/").rpartition("/")[2]


def _masked(line: str, names: re.Pattern[str]) -> str:
    """The line with every word that is a path, or has one of the names, replaced by a mark."""
    marked = names.sub(_MARK, line)
    return _TOKEN.sub(lambda token: _MARK if "/" in token[0] or _MARK in token[0] else token[0], marked).rstrip()


def names_of(whole: Whole, new_only: bool = False) -> re.Pattern[str]:
    """What names the moved files, before and after: names with and without suffix, and the folders that differ."""
    found: set[str] = set()
    for new, view in whole.moves.items():
        old_parts, new_parts = (PurePosixPath(path).parts for path in (view.path, new))
        found |= set(new_parts[:-1]) - set(old_parts[:-1]) if new_only else set(old_parts[:-1]) ^ set(new_parts[:-1])
        for path in (PurePosixPath(new), *([] if new_only else [PurePosixPath(view.path)])):
            stem = path.name.partition(".")[0] or path.name
            bare = re.sub(r"^(?:_+|\d+[-_.]|\d{4}-\d\d?-\d\d?-)+(?=.)", "", stem)
            found |= {
                path.name,
                stem,
                bare,
                re.sub(r"[\W_]+", "-", stem).strip("-"),
                *([path.parent.name] if stem.lower() in _INDEX else []),
            }
    written = {form for name in found if name for form in (name, quote(name), name.replace("&", "&amp;"))}
    words = "|".join(map(re.escape, sorted(written, key=len, reverse=True)))
    bound = r"[\w-]" if new_only else r"[^\W_]"
    return re.compile(rf"(?<!{bound})(?:{words})(?!{bound})", re.IGNORECASE)


def _texts(old: bytes, new: bytes, whole: Whole) -> tuple[list[str], list[str]]:
    """The lines to be compared: without the front matter where more than names changed in it, which is another
    checklist's business."""
    before, after = (data.decode("utf-8", "replace") for data in (old, new))
    try:
        one, other = parse(old), parse(new)
    except ToolError:
        return before.split("\n"), after.split("\n")
    if other.kind in WRITABLE and not only_names(one.head + one.inner, other.head + other.inner, whole):
        before, after = one.body.lstrip("\r\n"), other.body.lstrip("\r\n")
    return before.split("\n"), after.split("\n")


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
