"""Code, and every other text: nothing goes that nothing takes the place of, and nothing is left half done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pantheon_git.agent.checklists.item import Examined, Item, Whole, added, hunks, quote_line
from pantheon_git.agent.view import ChangeView

DELETED = 5
"""Lines that one place of a diff may lose with nothing in their stead (`settings.max_deleted`)."""
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|^(?:<{7}|={7}|>{7})(?:\s|$)|\bNotImplementedError\b")
_BLANK = re.compile(r"^\s*$")


def touched(change: ChangeView, whole: Whole) -> bool:
    """What no other checklist knows."""
    return True


def examine(change: ChangeView, whole: Whole, settings: Mapping[str, Any]) -> Examined:
    return [*_deletions(change, int(settings.get("max_deleted", DELETED))), *_finished(change)], None


def _deletions(change: ChangeView, most: int) -> Iterator[Item]:
    worst, sample = 0, ""
    for hunk in hunks(change.patch):
        lines = [line for line in hunk.removed if not _BLANK.match(line)]
        lost = len(lines) - sum(not _BLANK.match(line) for line in hunk.added)
        if lost > worst:
            worst, sample = lost, lines[0]
    said = f"at most {worst} lines go from one place with nothing in their stead, {most} may"
    yield Item("no-deletion", worst <= most, said, quote_line("-", sample) if sample else "")


def _finished(change: ChangeView) -> Iterator[Item]:
    old = {line.strip() for hunk in hunks(change.patch) for line in hunk.removed}
    found = next((line for line in added(change.patch) if _UNFINISHED.search(line) and line.strip() not in old), "")
    said = "a line says that it is not finished" if found else "no line says that it is not finished"
    yield Item("finished", not found, said, quote_line("+", found) if found else "")
