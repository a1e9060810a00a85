"""Files that a job moved: git has no renames, only a path that is gone and one that is new with much the same content.

Decided by content alone, the same in flight and from the ledger; what a job says of itself does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pantheon_git.gate.facts import PathFact

ALIKE = 0.5
"""Share of lines in common from which on an added file is a removed one under another name: git's own threshold."""
_MOST = 20_000
"""Pairs of files that are compared line by line; a job chooses how many there are."""


def moves(paths: Sequence[PathFact]) -> dict[str, PathFact]:
    """New path → the file that stood elsewhere before; each removed file is at most one added one's. Equal content goes
    first, then equal names, then what is most alike."""
    gone = {fact.path: fact for fact in paths if fact.old is not None and fact.new is None}
    come = [fact for fact in paths if fact.new is not None and fact.old is None]
    found: dict[str, PathFact] = {}
    for fact in come:
        same = next((old for old in gone.values() if old.old and fact.new and old.old.oid == fact.new.oid), None)
        if same is not None:
            found[fact.path] = gone.pop(same.path)
    rest = [fact for fact in come if fact.path not in found and not fact.binary]
    if len(rest) * len(gone) > _MOST:
        return found
    lines = {fact.path: _lines(fact.before) for fact in gone.values()}
    for fact in rest:
        ranked = [(_alike(lines[old.path], _lines(fact.after)), _name(old) == _name(fact), old.path)
                  for old in gone.values() if not old.binary]  # fmt: skip
        best = max(ranked, default=(0.0, False, ""))
        if best[0] >= ALIKE:
            found[fact.path] = gone.pop(best[2])
    return found


def _name(fact: PathFact) -> str:
    return fact.path.rpartition("/")[2]


def _lines(data: bytes) -> Counter[bytes]:
    return Counter(line for line in data.split(b"\n") if line.strip())


def _alike(old: Counter[bytes], new: Counter[bytes]) -> float:
    longer = max(old.total(), new.total())
    return (old & new).total() / longer if longer else 1.0
