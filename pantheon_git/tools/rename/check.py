"""`rename.check`: what is wrong with a tree after a rename, judged from its bytes and those that it had before.

Line by line and link by link, not by making the change again: whatever wrote the files is not believed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from pantheon_git.tools.links import places
from pantheon_git.tools.links.find import Finder, Mention, decode, is_history, may_hold_links
from pantheon_git.tools.links.span import WRITERS, Span
from pantheon_git.tools.protocol import Workspace
from pantheon_git.tools.rename import names
from pantheon_git.tools.rename.job import asked, expanded, faults, read_any, tree_files


def problems(workspace: Workspace, before: Mapping[str, bytes | None]) -> dict[str, Any]:
    """`before`: each path that differs from the base → its bytes there, None where it had none."""
    now = tree_files(workspace)
    base = sorted((set(now) - before.keys()) | {path for path, data in before.items() if data is not None})
    moves, found = _moves(workspace, base, set(now))
    if not found:
        found = _Check(workspace, base, before, moves).faults()
    return {"ok": not found, "problems": found[:20], "moved": len(moves)}


def _moves(workspace: Workspace, base: list[str], now: set[str]) -> tuple[dict[str, str], list[str]]:
    """The renames that were made, and what is wrong with them alone."""
    pairs, found = [], []
    for old, new in asked(workspace.params):
        if new is None:
            come = [path for path in sorted(now - set(base)) if posixpath.dirname(path) == posixpath.dirname(old)]
            if len(come) != 1:
                return {}, [f"{old}: {len(come)} new files stand beside it, and it should have become one"]
            new = come[0]
            if not names.is_fine(posixpath.basename(new)):
                found.append(f"{new}: the name is not in kebab-case")
        pairs.append((old, new))
    moves = expanded(pairs, base)
    found += faults(pairs, base)
    found += [f"{old}: it is still there" for old in moves if old in now and old not in moves.values()]
    found += [f"{new}: it is not there" for new in moves.values() if new not in now]
    made = (set(base) - moves.keys()) | set(moves.values())
    found += [f"{path}: nothing asked for this file" for path in sorted(now - made)]
    found += [f"{path}: the file is gone" for path in sorted(made - now)]
    return moves, found


class _Check:
    def __init__(
        self, workspace: Workspace, base: list[str], before: Mapping[str, bytes | None], moves: Mapping[str, str]
    ) -> None:
        self.workspace, self.before, self.moves = workspace, before, dict(moves)
        self.leave = frozenset(workspace.params.get("leave", ()))
        self.finder = Finder(base, self.read_before, moves, bool(workspace.params.get("names")))
        after = {new: old for old, new in moves.items()}
        self.later = Finder(self.finder.after.files, lambda path: read_any(workspace, path), after)
        self.finder.names = re.compile(f"{self.finder.names.pattern}|{self.later.names.pattern}")
        self.later.as_of(self.finder)

    def read_before(self, path: str) -> bytes:
        data = self.before.get(path)
        return read_any(self.workspace, path) if data is None else data

    def faults(self) -> list[str]:
        found: list[str] = []
        for path in sorted(self.finder.before.files):
            new = self.moves.get(path, path)
            data, then = self.read_before(path), read_any(self.workspace, new)
            if path in self.leave and data == then:
                continue
            if data == then and (path == new or not may_hold_links(path)) and not self._concerned(path, data):
                continue
            text, later = decode(data), decode(then)
            if text is None or later is None or not may_hold_links(path):
                found += [f"{path}: its content changed"] if data != then else []
            else:
                found += [f"{new}: {fault}" for fault in self._file(path, new, text, later)]
        return found

    def _concerned(self, path: str, data: bytes) -> bool:
        return may_hold_links(path) and self.finder.names.search(data.decode("utf-8", "surrogateescape")) is not None

    def _file(self, path: str, new: str, text: str, later: str) -> Iterator[str]:
        """The text between its mentions of files is the same, and each mention means what it meant."""
        wanted = () if is_history(path) else self.finder.renames.values()
        spans: dict[int, list[Span]] = {}
        for span in places.spans(new, later, wanted):
            spans.setdefault(span.start, []).append(span)
        at = there = 0
        for one in self.finder.mentions(path, text):
            gap = text[at : one.span.start]
            if later[there : there + len(gap)] != gap:
                break
            at, there = one.span.end, there + len(gap)
            end = self._end(new, text, later, there, one, spans)
            if end is None:
                line = text.count("\n", 0, one.span.start) + 1
                seen = spans.get(there)
                said = seen[0].text if seen else later[there : there + len(one.span.text)]
                goal = self.finder.renames.get(one.path, one.path)
                yield f"line {line}: {one.span.text!r} meant {one.path}, and {said!r} does not mean {goal}"
                return
            there = end
        if text[at:] != later[there:]:
            number = _line(text[at:], later[there:]) + text.count("\n", 0, at)
            yield f"line {number} changed in more than what it refers to"

    def _end(
        self, path: str, text: str, later: str, at: int, one: Mention, spans: Mapping[int, list[Span]]
    ) -> int | None:
        """Where the mention ends that stands at `at` now; None where it does not mean what it should."""
        raw = text[one.span.start : one.span.end]
        if one.target is None or one.said is None:
            known = [raw, *([] if one.said is None else [WRITERS[one.span.style](one.said)])]
            return next((at + len(words) for words in reversed(known) if later.startswith(words, at)), None)
        goal = self.finder.renames.get(one.path, one.path)
        for quote in (0, 1):  # what had no quotes may need some now
            for span in spans.get(at + quote, ()):
                target = self.later.target(span)
                hit = self.later.hit(path, span, target) if target is not None else None
                if hit is not None and hit.path == goal:
                    return span.end + quote
        return None


def _line(one: str, other: str) -> int:
    """The number of the first line in which two texts differ, from 1."""
    pairs = enumerate(zip_longest(one.split("\n"), other.split("\n")), 1)
    return next(number for number, (a, b) in pairs if a != b)
