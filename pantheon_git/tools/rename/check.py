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
from pantheon_git.tools.links.find import Finder, decode, is_history, may_hold_links
from pantheon_git.tools.links.own import own
from pantheon_git.tools.links.span import Span
from pantheon_git.tools.protocol import Workspace
from pantheon_git.tools.rename import names
from pantheon_git.tools.rename.job import asked, expanded, faults, read_any, tree_files

_MARK = "\x00"


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
        self.finder = Finder(base, self.read_before, moves)
        after = {new: old for old, new in moves.items()}
        self.later = Finder(self.finder.after.files, lambda path: read_any(workspace, path), after)
        self.names = re.compile(f"{self.finder.names.pattern}|{self.later.names.pattern}")

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
        return may_hold_links(path) and self.names.search(data.decode("utf-8", "surrogateescape")) is not None

    def _file(self, path: str, new: str, text: str, later: str) -> Iterator[str]:
        """Its lines but for their targets, then what each target means before and after."""
        mine = {span.start: said for span, said in own(text, path, new)} if path != new else {}
        old_spans, new_spans = self._spans(path, text, self.moves), self._spans(new, later, self.moves.values())
        if path != new:
            back = {span.start: span for span, _ in own(later, new, path)}
            old_spans = _merged(old_spans, [span for span, _ in own(text, path, new)])
            new_spans = _merged(new_spans, list(back.values()))
        for number, (one, other) in enumerate(zip_longest(_masked(text, old_spans), _masked(later, new_spans)), 1):
            if one != other:
                yield f"line {number} changed in more than what it refers to"
                return
        if len(old_spans) != len(new_spans):
            yield f"{len(old_spans)} references before, {len(new_spans)} now"
            return
        for span, now in zip(old_spans, new_spans, strict=True):
            if span.start in mine:
                if now.text not in (mine[span.start], span.text):
                    yield f"its own address {span.text!r} became {now.text!r}"
            elif fault := self._link(path, new, span, now):
                yield f"line {text.count(chr(10), 0, span.start) + 1}: {fault}"

    def _spans(self, path: str, text: str, wanted: Any) -> list[Span]:
        return places.spans(path, text, () if is_history(path) else wanted)

    def _link(self, path: str, new: str, span: Span, now: Span) -> str | None:
        target, later = self.finder.target(span), self.later.target(now)
        hit = self.finder.hit(path, span, target) if target is not None else None
        if hit is None or target is None or (is_history(path) and span.text.startswith("http")):
            return None if span.text == now.text else f"{span.text!r} refers to no file, and became {now.text!r}"
        goal = self.moves.get(hit.path, hit.path)
        if later is not None:
            again = self.later.hit(new, now, later)
            if again is not None and again.path == goal:
                return None
        if now.text == span.text and self.finder.cannot(path, span, target, hit):
            return None
        return f"{span.text!r} meant {hit.path}, and {now.text!r} does not mean {goal}"


def _merged(spans: list[Span], more: list[Span]) -> list[Span]:
    known = {span.start for span in spans}
    return sorted([*spans, *(span for span in more if span.start not in known)], key=lambda span: span.start)


def _masked(text: str, spans: list[Span]) -> list[str]:
    """The lines, with a mark for each target."""
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], _MARK]
        at = span.end
    return "".join([*parts, text[at:]]).split("\n")
