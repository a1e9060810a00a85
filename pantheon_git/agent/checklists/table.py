"""Which checklists a path of a change is held against: decided by what the change is (paths, bytes before and after),
never by what the job says of itself. A path may be of several kinds, such as a document renamed and given front matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.agent.checklists import code, frontmatter, rename, tests
from pantheon_git.agent.checklists.item import Examined, Item, Page, Whole, added
from pantheon_git.agent.view import ChangeView
from pantheon_git.spec.globs import Globs
from pantheon_git.spec.secrets import find_secrets


@dataclass(frozen=True)
class Kind:
    name: str
    touched: Callable[[ChangeView, Whole], bool]
    """Whether a path of the change is of this kind."""
    examine: Callable[[ChangeView, Whole, Mapping[str, Any]], Examined]
    """The items for the path, and what is weighed by likelihood; the third argument: the manifest's settings."""


KINDS: tuple[Kind, ...] = (
    Kind("rename", rename.touched, rename.examine),
    Kind("tests", tests.touched, tests.examine),
    Kind("frontmatter", frontmatter.touched, frontmatter.examine),
)
"""In this order; `code` is what is asked where none of them knows the path."""
OTHER = Kind("code", code.touched, code.examine)


@dataclass(frozen=True)
class Judged:
    """One path: its kinds, the items of all of them, and what is weighed."""

    kinds: tuple[str, ...]
    items: list[Item]
    pages: tuple[Page, ...] = ()


def kinds_of(change: ChangeView, whole: Whole) -> tuple[Kind, ...]:
    """At least one."""
    return tuple(kind for kind in KINDS if kind.touched(change, whole)) or (OTHER,)


def examine(changes: Sequence[ChangeView], settings: Mapping[str, Any]) -> dict[str, Judged]:
    """Path → what is said of it; the items of every kind of change come first."""
    whole = Whole(changes)
    return {change.path: _one(change, whole, settings) for change in changes}


def _one(change: ChangeView, whole: Whole, settings: Mapping[str, Any]) -> Judged:
    kinds = kinds_of(change, whole)
    names = tuple(kind.name for kind in kinds)
    items = list(_always(change, whole))
    if change.after is None and change.path not in whole.moved_from:
        return Judged(names, [*items, Item("kept", False, "the file is deleted, and stands under no other name")])
    answers = [kind.examine(change, whole, settings) for kind in kinds]
    pages = tuple(page for _, page in answers if page is not None)
    return Judged(names, [*items, *(item for found, _ in answers for item in found)], pages)


def _always(change: ChangeView, whole: Whole) -> Iterator[Item]:
    inside = change.path in Globs(change.scope)
    yield Item("scope", inside, f"{change.path} is {'in' if inside else 'not in'} the task's scope")
    old = whole.moves.get(change.path)
    had = set((old.before or b"").split(b"\n")) if old is not None else frozenset[bytes]()
    lines = [raw for line in added(change.patch) if (raw := line.encode("utf-8", "replace")) not in had]
    for number, what in find_secrets(lines):
        yield Item("no-secret", False, f"added line {number} holds what looks like a secret ({what})")
        return
