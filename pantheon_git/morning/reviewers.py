"""Reviewers from signed records alone: how often each errs, how often two agree, and how that moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.gate.acceptance import Rule, rule
from pantheon_git.gate.facts import TALLY
from pantheon_git.gate.gather import gather, seen_in
from pantheon_git.gate.intervals import Share
from pantheon_git.gate.rates import Agreement, Rates, agreement, known_reviewers, rates
from pantheon_git.gate.tally import Seen, Tally, parse, reviewer_id, summed
from pantheon_git.ledger import read
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.plants import Plant, plants_of
from pantheon_git.ledger.read import NightInfo
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.policy import GateRules

HALVES = 2
"""Drift compares the earlier half of the nights that planted with the later one."""


@dataclass(frozen=True)
class Standing:
    """One reviewer on one kind of change."""

    reviewer: str
    kind: str
    rates: Rates
    has_vote: bool
    caught: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Sort of fault → how many were failed, of how many."""


@dataclass(frozen=True)
class Pair:
    """Two reviewers, and how their agreement moved: the earlier nights, and the later ones."""

    first: str
    second: str
    all: Agreement
    before: Agreement
    since: Agreement

    @property
    def drift(self) -> float:
        """Of kappa."""
        return self.since.kappa - self.before.kappa


@dataclass(frozen=True)
class Reviewers:
    """All of them."""

    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    rules: tuple[Rule, ...]
    """By kind of change, as the next night would compute them."""
    tally: Tally
    nights: int
    """Nights that planted something."""
    plants: int
    seconds: float
    """Of reviewers' time that the plants took, over all nights."""


def collect(git: Git, objects: Objects, gate: GateRules) -> Reviewers:
    """From the ledger; `gate`: the policy as it stands. PantheonError where nobody is trusted."""
    keys = trusted(git, objects).keys
    tally = gather(git, objects, keys)
    nights = sorted((one for one in read.nights(git, objects) if one.night in tally.nights), key=lambda one: one.opened)
    planted = [(info, list(plants_of(info.closing, info.night, keys))) for info in nights]
    planted = [(info, plants) for info, plants in planted if plants]
    by_night = [summed(seen_in(info, keys)) for info, _ in planted]
    plants = [plant for _, found in planted for plant in found]
    kinds = sorted({one.kind for one in tally.seen})
    rules = tuple(
        rule(tally, known_reviewers(_latest(tally.of(kind), plants)), kind, gate.escaped_defects, gate.reviewers)
        for kind in kinds
    )
    return Reviewers(
        tuple(_standing(tally, one, name, plants) for one in rules for name in known_reviewers(tally.of(one.kind))),
        tuple(_pairs(tally, by_night)),
        rules,
        tally,
        len(planted),
        len(plants),
        round(sum(plant.seconds for plant in plants), 3),
    )


def _latest(seen: Sequence[Seen], plants: Sequence[Plant]) -> list[Seen]:
    """Of reviewers of one name only the newest: an older manifest or model judges no more."""
    newest: dict[str, str] = {}
    for plant in plants:
        for one in plant.reviews:
            newest[str(one["uses"])] = reviewer_id(str(one["uses"]), one)
    keep = frozenset(newest.values())
    return [Seen(one.kind, one.bad, one.passed & keep, one.failed & keep, one.count) for one in seen]


def _standing(tally: Tally, found: Rule, name: str, plants: Iterable[Plant]) -> Standing:
    caught: dict[str, tuple[int, int]] = {}
    for plant in plants:
        said = {reviewer_id(str(one["uses"]), one): one["verdict"] for one in plant.reviews}
        if plant.bad and plant.kind == found.kind and said.get(name) in ("pass", "fail"):
            count, of = caught.get(plant.sort, (0, 0))
            caught[plant.sort] = (count + (said[name] == "fail"), of + 1)
    return Standing(name, found.kind, rates(tally.of(found.kind), [name]), name not in found.voteless,
                    dict(sorted(caught.items())))  # fmt: skip


def _pairs(tally: Tally, by_night: Sequence[Sequence[Seen]]) -> Iterable[Pair]:
    middle = len(by_night) // HALVES
    before, since = (list(itertools.chain.from_iterable(part)) for part in (by_night[:middle], by_night[middle:]))
    for first, second in itertools.combinations(known_reviewers(tally.seen), 2):
        whole = agreement(tally.seen, first, second)
        if whole.of:
            yield Pair(first, second, whole, agreement(before, first, second), agreement(since, first, second))


def as_json(found: Reviewers) -> dict[str, Any]:
    return {
        "nights": found.nights,
        "plants": found.plants,
        "seconds": found.seconds,
        "reviewers": [_standing_json(one) for one in found.standings],
        "agreement": [_pair_json(one) for one in found.pairs],
        "rules": [
            {"kind": one.kind, "required": list(one.required), "voteless": list(one.voteless), "cold": one.cold,
             "escaped": one.escaped, "budget": one.budget, "says": one.says}
            for one in found.rules
        ],
        "people": {kind: vars(people) for kind, people in found.tally.people.items()},
    }  # fmt: skip


def _standing_json(one: Standing) -> dict[str, Any]:
    shares = {"false_approve": one.rates.false_approve, "false_reject": one.rates.false_reject,
              "balanced": one.rates.balanced}  # fmt: skip
    told = {name: share_json(share) for name, share in shares.items()}
    caught = {sort: {"caught": count, "of": of} for sort, (count, of) in one.caught.items()}
    return {"reviewer": one.reviewer, "kind": one.kind, "has_vote": one.has_vote, **told, "caught": caught}


def share_json(share: Share) -> dict[str, float]:
    return {name: round(value, 4) for name, value in vars(share).items()}


def _pair_json(one: Pair) -> dict[str, Any]:
    def told(part: Agreement) -> dict[str, Any]:
        return {**vars(part), "kappa": round(part.kappa, 4), "share": share_json(part.share)}

    return {"first": one.first, "second": one.second, **told(one.all), "before": told(one.before),
            "since": told(one.since), "drift": round(one.drift, 4)}  # fmt: skip


def known_at(info: NightInfo) -> Tally:
    """What a night knew of the reviewers when it began."""
    return parse(info.info.get(TALLY, {}))
