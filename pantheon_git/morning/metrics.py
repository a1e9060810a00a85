"""The numbers of a report. One source: the signed statements of the ledger; nothing here reads a log or a clock.

Tasks are counted once, attempts apart: a night has one job for each task that it ran.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.ledger.entries import JobEntry
from pantheon_git.morning.reviewers import Reviewers
from pantheon_git.morning.reviewers import as_json as reviewers_json

_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\S*/\S+|\S+\.(?:md|mdx|toml|py)\b|\b[0-9a-f]{7,}\b|\d+(?:\.\d+)?")
"""What differs between two failures of one cause: quoted words, paths, oids, numbers."""


@dataclass(frozen=True)
class Node:
    name: str
    verdict: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class Card:
    """One job. Lines and files are those of base..tip, as signed."""

    job: str
    task: str
    title: str
    ending: str
    reason: str
    stopped_at: str | None
    nodes: tuple[Node, ...]
    files: int
    added: int
    removed: int
    paths: Mapping[str, tuple[int, int]]
    authorship: Mapping[str, str]
    """Field → who wrote it: `model`, `model-copied` (word for word from the text), `tool`, `fallback` (the model's
    words failed the gate), `kept`."""
    tokens: Mapping[str, float]
    """`in`, `out`."""
    jail_seconds: float
    """CPU seconds of everything that ran in the job's jail."""
    seconds: float
    """Wall."""
    attempt: int = 1
    state: str = ""
    """Of the PR by now: open, approved, merged, rejected, superseded; empty where there is none."""

    @property
    def next_command(self) -> str:
        if self.ending == "pr":
            return f"pantheon-git pr show {self.job}"
        return f"pantheon-git trace {self.job}"


@dataclass(frozen=True)
class Cause:
    """Jobs that stopped at one node for one reason, paths and numbers aside."""

    stopped_at: str
    reason: str
    """The first one's, whole."""
    jobs: tuple[str, ...]

    @property
    def next_command(self) -> str:
        where = f":{self.stopped_at}" if self.stopped_at else ""
        return f"pantheon-git replay {self.jobs[0]}{where}" if where else f"pantheon-git trace {self.jobs[0]}"


@dataclass(frozen=True)
class Report:
    """One night."""

    night: str
    status: str
    """`closed`, `interrupted`, or `open` while it runs or after it was cut off."""
    base: str
    target: str
    opened: float
    """Seconds since the epoch."""
    seconds: float | None
    """Wall, of the whole night."""
    cpu_seconds: float | None
    """Of the whole night: runner, engine and jails. None where the night was cut off before it could say."""
    cards: tuple[Card, ...]
    not_reached: Mapping[str, str]
    """Job → why the night did not get to it."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Task → why it was not to run."""
    broken: Mapping[str, Sequence[str]] = field(default_factory=dict)
    agents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    guard: Mapping[str, Any] = field(default_factory=dict)
    """What the night found of its guard before its first job (`night.guard_facts.Facts`)."""
    frozen: Mapping[str, Any] | None = None
    """The frozen queue that it ran (`ledger.frozen.Frozen.info`); None: the queue as committed."""
    certificate: Mapping[str, Any] = field(default_factory=dict)
    """What the probes of its jail came to (`night.certificate.Certificate`)."""
    found: Sequence[str] = ()
    """What was put right before the night began: nights that were cut off, a lease that was taken over."""
    trouble: str = ""
    """Why the night was given up before its end."""
    clock_jump: float = 0.0
    """Seconds by which somebody set the clock ahead while it ran (negative: back)."""
    reviewers: Reviewers | None = None
    """How good the reviewers are, over all nights; None where no trusted key is here."""
    plants: int = 0
    """Changes of known worth that this night showed its reviewers."""
    plant_tokens: int = 0
    """That the reviewers read of them."""
    plant_seconds: float = 0.0
    """Of reviewers' time that they took."""
    verified: str = ""
    """`good: …` or the first thing that is wrong; empty: not asked."""
    good: bool | None = None
    one_key: bool = False
    """Nights and reviews are signed with one key."""

    def of(self, *endings: str) -> list[Card]:
        return [card for card in self.cards if card.ending in endings]

    @property
    def counts(self) -> dict[str, int]:
        """In the order of a headline. Their sum is the number of jobs that the night set out to do."""
        return {
            "accepted": len(self.of("pr")),
            "unchanged": len(self.of("unchanged")),
            "refused": len(self.of("refused")),
            "stopped": len(self.of("failed")),
            "errors": len(self.of("error")),
            "not reached": len(self.not_reached),
        }

    @property
    def tokens(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for card in self.cards:
            total.update({name: int(count) for name, count in card.tokens.items()})
        return dict(total)

    @property
    def shares(self) -> dict[str, dict[str, int]]:
        """Field → author → accepted jobs. The fields in the order in which they were first seen."""
        found: dict[str, Counter[str]] = {}
        for card in self.of("pr"):
            for name, who in card.authorship.items():
                found.setdefault(name.rpartition(":")[2], Counter())[who] += 1
        return {name: dict(count.most_common()) for name, count in found.items()}

    @property
    def causes(self) -> list[Cause]:
        return causes(self.of("refused", "failed", "error"))

    @property
    def headline(self) -> str:
        """One line that says first what a person must know first."""
        told = ", ".join(_counted(number, name) for name, number in self.counts.items() if number) or "no job ended"
        if self.good is False:
            return f"NOT TO BE TRUSTED: {self.verified} ({told})"
        start = {"closed": "", "interrupted": "Interrupted: ", "open": "Not closed (still running, or cut off): "}
        if self.trouble:
            told = f"Given up: {self.trouble} ({told})"
        bad = f"Bad night: {told}" if self.status == "closed" and self.is_bad else told
        return start[self.status] + bad + (f"; {self.verified}" if self.verified else "; not verified")

    @property
    def is_bad(self) -> bool:
        """Errors of the machinery, or nothing accepted although something was tried."""
        counts = self.counts
        return bool(counts["errors"]) or (bool(self.cards) and not counts["accepted"] and not counts["unchanged"])


def _counted(number: int, name: str) -> str:
    return "1 error" if (number, name) == (1, "errors") else f"{number} {name}"


def causes(cards: Iterable[Card]) -> list[Cause]:
    """Failures grouped by node and reason, the most frequent first."""
    groups: dict[tuple[str, str], list[Card]] = {}
    for card in cards:
        parts = _VARIES.sub("…", card.reason.split("\n")[0]).split("; ")
        reason = "; ".join(sorted(parts))  # reviewers end in any order
        groups.setdefault((card.stopped_at or "", reason), []).append(card)
    found = [Cause(node, some[0].reason, tuple(card.job for card in some)) for (node, _), some in groups.items()]
    return sorted(found, key=lambda cause: -len(cause.jobs))


def card(entry: JobEntry, state: str = "") -> Card:
    """A card from a job's signed statements; `state`: of its PR by now."""
    summary = entry.summary
    diffstat = summary.get("diffstat", {})
    return Card(
        job=entry.job,
        task=entry.task,
        title=str(summary.get("title", entry.title)).split("\n")[0],
        ending=entry.ending,
        reason=entry.reason,
        stopped_at=entry.stopped_at,
        nodes=tuple(Node(node.name, node.verdict, node.reason, node.seconds) for node in entry.nodes),
        files=diffstat.get("files", 0),
        added=diffstat.get("added", 0),
        removed=diffstat.get("removed", 0),
        paths={path: (lines[0], lines[1]) for path, lines in diffstat.get("paths", {}).items()},
        authorship=summary.get("authorship", {}),
        tokens=summary.get("tokens", {}),
        jail_seconds=float(summary.get("cpu", {}).get("jail", 0)),
        seconds=entry.seconds,
        attempt=entry.context.attempt,
        state=state,
    )


def as_json(report: Report) -> dict[str, Any]:
    """The whole report for scripts; the same numbers, from the same place."""
    return {
        "night": report.night,
        "status": report.status,
        "headline": report.headline,
        "verified": report.good,
        "base": report.base,
        "target": report.target,
        "counts": report.counts,
        "shares": report.shares,
        "tokens": report.tokens,
        "cpu_seconds": report.cpu_seconds,
        "seconds": report.seconds,
        "jobs": [_card_json(one) for one in report.cards],
        "causes": [
            {"stopped_at": c.stopped_at, "reason": c.reason, "jobs": list(c.jobs), "next": c.next_command}
            for c in report.causes
        ],
        "not_reached": dict(report.not_reached),
        "waiting": dict(report.waiting),
        "broken": {path: list(faults) for path, faults in report.broken.items()},
        "agents": {name: dict(agent) for name, agent in report.agents.items()},
        "frozen": dict(report.frozen) if report.frozen else None,
        "guard": dict(report.guard),
        "found": list(report.found),
        "trouble": report.trouble,
        "clock_jump": report.clock_jump,
        "certificate": dict(report.certificate),
        "plants": {"count": report.plants, "seconds": report.plant_seconds, "tokens_in": report.plant_tokens},
        "reviewers": reviewers_json(report.reviewers) if report.reviewers else None,
    }


def _card_json(one: Card) -> dict[str, Any]:
    return {
        "job": one.job,
        "ending": one.ending,
        "state": one.state,
        "title": one.title,
        "reason": one.reason,
        "stopped_at": one.stopped_at,
        "nodes": {node.name: node.verdict for node in one.nodes},
        "diffstat": {"files": one.files, "added": one.added, "removed": one.removed},
        "authorship": dict(one.authorship),
        "tokens": dict(one.tokens),
        "jail_cpu_seconds": one.jail_seconds,
        "seconds": one.seconds,
        "next": one.next_command,
    }
