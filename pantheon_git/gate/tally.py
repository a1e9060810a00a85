"""What is known of reviewers before a night: how they judged changes whose worth is known, and what people decided.

A change is known to be bad where the night planted it, or a person rejected it; known to be good where it is what
people had committed before, or a person merged it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.ledger.statement import sha256

_SHORT = 12


@dataclass(frozen=True)
class Seen:
    """Changes of one kind, equally good and equally judged."""

    kind: str
    """Of change: the names of the checklists that it was held against, with `+` between."""
    bad: bool
    passed: frozenset[str]
    """Reviewers (`reviewer_id`) that said pass."""
    failed: frozenset[str]
    """Reviewers that said fail. Who is in neither did not judge, or has no say here."""
    count: int = 1

    @property
    def judged(self) -> frozenset[str]:
        return self.passed | self.failed


@dataclass(frozen=True)
class People:
    """What people made of the accepted changes of one kind."""

    merged: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Tally:
    """Everything that the rule for acceptance is computed from. Travels in the opening of a night, signed."""

    seen: tuple[Seen, ...] = ()
    people: Mapping[str, People] = field(default_factory=dict)
    """Kind of change → verdicts."""
    nights: Mapping[str, str] = field(default_factory=dict)
    """The nights that were counted → the commit at which each was read."""
    merged: tuple[str, ...] = ()
    """The jobs that people had merged, of those counted."""
    rejected: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[Seen, ...]:
        return tuple(one for one in self.seen if one.kind == kind)

    def record(self) -> dict[str, Any]:
        """JSON; `parse` is its inverse."""
        rows = [[s.kind, s.bad, sorted(s.passed), sorted(s.failed), s.count] for s in self.seen]
        people = {kind: [one.merged, one.rejected] for kind, one in sorted(self.people.items())}
        return {"seen": rows, "people": people, "nights": dict(sorted(self.nights.items())),
                "merged": list(self.merged), "rejected": list(self.rejected)}  # fmt: skip


UNKNOWN = Tally()


def parse(record: Mapping[str, Any]) -> Tally:
    """From a night's opening; of a night that recorded none, an empty one."""
    rows = [Seen(kind, bad, frozenset(passed), frozenset(failed), count)
            for kind, bad, passed, failed, count in record.get("seen", ())]  # fmt: skip
    people = {kind: People(*counts) for kind, counts in record.get("people", {}).items()}
    merged, rejected = (tuple(record.get(name, ())) for name in ("merged", "rejected"))
    return Tally(tuple(rows), people, dict(record.get("nights", {})), merged, rejected)


def summed(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    """Equal ones together, in one order."""
    counts: Counter[tuple[str, bool, tuple[str, ...], tuple[str, ...]]] = Counter()
    for one in seen:
        counts[one.kind, one.bad, tuple(sorted(one.passed)), tuple(sorted(one.failed))] += one.count
    return tuple(
        Seen(kind, bad, frozenset(passed), frozenset(failed), count)
        for (kind, bad, passed, failed), count in sorted(counts.items())
    )


def reviewer_id(uses: str, details: Mapping[str, Any]) -> str:
    """`NAME@DIGEST` of a review's signed details: with another manifest, prompt, model or adapter it is another
    reviewer, of which nothing is known yet."""
    agent, model = details.get("agent", {}), details.get("model", {})
    parts = (agent.get("digest", ""), model.get("digest", ""), model.get("adapter") or "")
    return f"{uses}@{sha256(chr(0).join(map(str, parts)).encode())[:_SHORT]}"


def kind_of(kinds: Iterable[str]) -> str:
    """The kind of a change from those of its paths."""
    return "+".join(sorted(set(kinds)))
