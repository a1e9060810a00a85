"""Lines that a change adds and removes, counted in process: the same in flight and from the ledger."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

_PROBE = 8000
"""git calls a file binary when a NUL is among its first 8000 bytes (xdiff-interface.c, buffer_is_binary)."""
_EXACT = 2000
"""Above this many differing lines, difflib's own heuristics for frequent lines keep it from taking minutes."""


@dataclass(frozen=True)
class LineDiff:
    added: tuple[bytes, ...]
    removed: int

    @property
    def size(self) -> int:
        return len(self.added) + self.removed


def is_binary(data: bytes) -> bool:
    return b"\0" in data[:_PROBE]


def line_diff(old: bytes, new: bytes) -> LineDiff:
    """Lines of `new` that are not in `old` at their place, and how many of `old` went."""
    before, after = old.split(b"\n"), new.split(b"\n")
    if before and not before[-1]:
        before.pop()
    if after and not after[-1]:
        after.pop()
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=max(len(before), len(after)) > _EXACT)
    added: list[bytes] = []
    removed = 0
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            added += after[j1:j2]
            removed += i2 - i1
    return LineDiff(tuple(added), removed)
