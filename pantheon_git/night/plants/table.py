"""The faults that can be planted in each kind of change, and which of them comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pantheon_git.night.patch import Edit
from pantheon_git.night.plants import code, frontmatter, rename
from pantheon_git.night.plants.draft import Draft, Elsewhere, Maker

SORTS: Mapping[str, tuple[tuple[str, Maker], ...]] = {
    "frontmatter": frontmatter.SORTS,
    "rename": rename.SORTS,
    "tests": code.TESTS,
    "code": code.CODE,
}
"""Kind of change (`agent.checklists.table`) → sort of fault and its maker. Each is made by rule, without chance."""
ALWAYS: tuple[tuple[str, Maker], ...] = (("scope-creep", code.scope_creep),)


def planted(
    kind: str, edits: Sequence[Edit], elsewhere: Elsewhere, turn: int, used: Mapping[str, int] | None = None
) -> Draft | None:
    """The change with one fault, of the sort that was used least (`used`: sort → how often; of equals the first from
    number `turn` on) and can be had of it. None where none can."""
    sorts = [*(one for name in kind.split("+") for one in SORTS.get(name, ())), *ALWAYS]
    start = turn % len(sorts)
    for sort, maker in sorted([*sorts[start:], *sorts[:start]], key=lambda one: (used or {}).get(one[0], 0)):
        made = maker(edits, elsewhere)
        if made is not None and tuple(made[1]) != tuple(edits):
            return Draft(sort, *made)
    return None
