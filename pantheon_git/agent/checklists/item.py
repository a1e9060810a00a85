"""What checklists are made of: items with evidence, text to be weighed by likelihood, and the whole change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from pantheon_git.agent.view import ChangeView
from pantheon_git.tools.frontmatter.prose import Prose

ALIKE = 0.5
"""Share of lines that a removed and an added file have in common from which on they are one file, renamed (as git)."""
_HUNK = re.compile(rb"^@@ [^\n]*@@", re.MULTILINE)


@dataclass(frozen=True)
class Item:
    name: str
    ok: bool
    said: str
    evidence: str = ""
    """A line of the diff, word for word."""

    def view(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Page:
    """What of a change is weighed by likelihood: words of the job, and the text that they should follow from."""

    path: str
    prose: Prose
    words: Mapping[str, str]
    """Field → its words: what `settings.weighed` of a manifest may name, as `field` and as `{field}`."""
    fresh: frozenset[str]
    """The fields that the job wrote."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Field → why its words cannot be another text's: no likelihood needs to be asked."""
    body: str = ""
    """The text as it is written."""


Examined = tuple[list[Item], Page | None]
"""A checklist's answer for one path."""


@dataclass(frozen=True)
class Hunk:
    """Lines that stand together in a diff, context included, without their marks."""

    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True)
class Whole:
    """All paths of one change: what is a rename shows only in two of them."""

    views: Sequence[ChangeView]

    @cached_property
    def moves(self) -> dict[str, ChangeView]:
        """New path → the file that stood at the old path; each removed file is at most one added one's."""
        gone = {view.path: view for view in self.views if view.before is not None and view.after is None}
        found: dict[str, ChangeView] = {}
        for view in self.views:
            if view.before is None and view.after is not None and gone:
                old = max(gone.values(), key=lambda one: (_alike(one.before or b"", view.after or b""), one.path))
                if _alike(old.before or b"", view.after) >= ALIKE:
                    found[view.path] = gone.pop(old.path)
        return found

    @cached_property
    def moved_from(self) -> frozenset[str]:
        return frozenset(view.path for view in self.moves.values())


def _alike(old: bytes, new: bytes) -> float:
    before, after = (Counter(line for line in data.split(b"\n") if line.strip()) for data in (old, new))
    longer = max(before.total(), after.total())
    return (before & after).total() / longer if longer else float(old == new)


def hunks(patch: bytes) -> Iterator[Hunk]:
    """The hunks of one path's patch; none where it is shown as bytes."""
    for part in _HUNK.split(patch)[1:]:
        lines = part.decode("utf-8", "replace").split("\n")[1:]
        yield Hunk(*(tuple(line[1:] for line in lines if line[:1] == mark) for mark in "-+"))


def added(patch: bytes) -> list[str]:
    return [line for hunk in hunks(patch) for line in hunk.added]


def removed(patch: bytes) -> list[str]:
    return [line for hunk in hunks(patch) for line in hunk.removed]


def quote_line(mark: str, line: str) -> str:
    """Evidence: a line as the diff has it, at most 300 characters."""
    return (mark + line)[:300]
