"""How often a specialist's work came through in this repository, from its signed nights alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import meta, read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.verify import verify
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

NIGHTS = 20
"""The latest ones that are counted."""


@dataclass(frozen=True)
class Success:
    """Jobs of one specialist. Those that the machinery broke, or that had nothing to do, are not counted."""

    tried: int = 0
    good: int = 0
    """Became a PR that no person rejected."""

    @property
    def chance(self) -> float:
        """That the next one comes through, by Laplace's rule of succession: (good + 1) / (tried + 2)."""
        return (self.good + 1) / (self.tried + 2)


@dataclass(frozen=True)
class Record:
    by_agent: Mapping[str, Success]
    nights: int
    """That were counted: all their signatures are good."""
    left_out: str = ""
    """Why others were not."""

    def of(self, agent: str) -> Success:
        return self.by_agent.get(agent, Success())


def record(git: Git, objects: Objects) -> Record:
    """What each specialist came to in the latest nights. Only nights that verify count."""
    latest = sorted(read.nights(git, objects), key=lambda info: info.opened)[-NIGHTS:]
    if not latest:
        return Record({}, 0)
    try:
        keys = trusted(git, objects).keys
    except PantheonError as error:
        return Record({}, 0, error.message)
    settled, found, counted, bad = meta.all_meta(git, objects), dict[str, Success](), 0, []
    for info in latest:
        if not all(verdict.ok for verdict in verify(git, keys, night=info.night, objects=objects)):
            bad.append(info.night)
            continue
        counted += 1
        for entry in read.jobs(git, objects, info.night):
            state = settled[entry.job].state if entry.job in settled else ""
            _count(found, entry, state)
    return Record(found, counted, f"{', '.join(bad)}: not what was signed" if bad else "")


def _count(found: dict[str, Success], entry: JobEntry, state: str) -> None:
    if entry.ending in ("error", "unchanged"):
        return
    good = entry.ending == "pr" and state != "rejected"
    agents = {node.details["agent"]["name"] for node in entry.nodes if node.kind == "agent" and "agent" in node.details}
    for name in agents:
        one = found.get(name, Success())
        found[name] = replace(one, tried=one.tried + 1, good=one.good + good)
