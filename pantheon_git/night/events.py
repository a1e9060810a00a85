"""What a night tells while it runs: small facts, in the order in which they happen, for progress and logs."""

from __future__ import annotations

from dataclasses import dataclass

from pantheon_git.ledger.records import Ending, Verdict


@dataclass(frozen=True)
class NightOpened:
    night: str
    jobs: int
    base: str
    level: str
    """Level and kind of tree of the jails, such as `bubblewrap, overlay`."""


@dataclass(frozen=True)
class JobStarted:
    job: str
    title: str


@dataclass(frozen=True)
class NodeEnded:
    job: str
    node: str
    verdict: Verdict
    reason: str
    seconds: float


@dataclass(frozen=True)
class Tokens:
    """What one node read and wrote."""

    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class JobEnded:
    job: str
    ending: Ending
    reason: str
    seconds: float


@dataclass(frozen=True)
class GroupCommitted:
    """From here on these jobs survive anything."""

    jobs: tuple[str, ...]
    refs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Said:
    """One line for the person: something recovered, swept or put off."""

    text: str


Event = NightOpened | JobStarted | NodeEnded | Tokens | JobEnded | GroupCommitted | Said
