"""Lines that a change adds and removes, counted in process: the same in flight and from the ledger.

Bounded: a job chooses what is compared, and difflib takes quadratic time where two files share every second line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PROBE = 8000
"""git calls a file binary when a NUL is among its first 8000 bytes (xdiff-interface.c, buffer_is_binary)."""
_EXACT = 3000
"""Lines between the common beginning and end, on either side; above it they count as replaced, all of them. 3000 take
difflib at most about a second."""
MAX_LINES = 200_000
"""Of both sides together: more are not split (a list of 64 million empty lines takes gigabytes)."""

Span = tuple[str, int, int, int, int]
"""`equal` or `replace` (or difflib's `delete`, `insert`), and where: from and to, before and after."""


@dataclass(frozen=True)
class LineDiff:
    added: tuple[bytes, ...]
    removed: int

    @property
    def size(self) -> int:
        return len(self.added) + self.removed


def is_binary(data: bytes) -> bool:
    return b"\0" in data[:_PROBE]


def too_many_lines(old: bytes, new: bytes) -> bool:
    """Whether the two have more lines than anything here compares."""
    return old.count(b"\n") + new.count(b"\n") > MAX_LINES


def line_diff(old: bytes, new: bytes) -> LineDiff:
    """Lines of `new` that are not in `old` at their place, and how many of `old` went. Ask `too_many_lines` first."""
    before, after = old.split(b"\n"), new.split(b"\n")
    if before and not before[-1]:
        before.pop()
    if after and not after[-1]:
        after.pop()
    added: list[bytes] = []
    removed = 0
    for tag, i1, i2, j1, j2 in spans(before, after):
        if tag != "equal":
            added += after[j1:j2]
            removed += i2 - i1
    return LineDiff(tuple(added), removed)


def spans(before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[Span]:
    """How `before` becomes `after`, in order: shortest up to `_EXACT` lines, and never shorter than it is."""
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    if start:
        yield "equal", 0, start, 0, start
    yield from _middle(before, after, start, end)
    if end:
        yield "equal", len(before) - end, len(before), len(after) - end, len(after)


def _middle(before: Sequence[bytes], after: Sequence[bytes], start: int, end: int) -> Iterator[Span]:
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if not old and not new:
        return
    if not old or not new or max(len(old), len(new)) > _EXACT:
        yield "replace", start, start + len(old), start, start + len(new)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield tag, start + i1, start + i2, start + j1, start + j2
