"""The tally from the ledger: the latest nights' plants, and what people decided about the latest changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.gate.facts import GATE
from pantheon_git.gate.tally import People, Seen, Tally, kind_of, reviewer_id, summed
from pantheon_git.ledger import meta, read
from pantheon_git.ledger.entries import JobEntry, read_entry
from pantheon_git.ledger.layout import RUNS, find_job
from pantheon_git.ledger.plants import Plant, plants_of
from pantheon_git.ledger.read import NightInfo
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs

NIGHTS, VERDICTS = 90, 500
"""So many of the latest nights, and of people's latest verdicts, count: a model, a prompt or a repository moves on."""


def gather(git: Git, objects: Objects, keys: TrustedKeys) -> Tally:
    """What is known now. A night whose records cannot be read or are not what was signed counts for nothing."""
    nights = [info for info in read.nights(git, objects) if info.state != "open"]
    latest = sorted(nights, key=lambda info: (info.opened, info.night))[-NIGHTS:]
    states = meta.all_meta(git, objects)
    settled = {job: one for job, one in states.items() if one.state in ("merged", "rejected") and one.events}
    decided = sorted((one.events[-1].when, job) for job, one in settled.items())[-VERDICTS:]
    merged = tuple(sorted(job for _, job in decided if states[job].state == "merged"))
    rejected = tuple(sorted(job for _, job in decided if states[job].state == "rejected"))
    heads = {info.night: info.head for info in latest}
    return tally_of(git, objects, keys, latest, Tally(nights=heads, merged=merged, rejected=rejected))


def tally_of(git: Git, objects: Objects, keys: TrustedKeys, nights: Iterable[NightInfo], named: Tally) -> Tally:
    """The tally of just these nights and of the verdicts that `named` names: what it was computed from is what it
    says."""
    seen = [one for info in nights for one in seen_in(info, keys)]
    heads, states = read_refs(git, RUNS), meta.all_meta(git, objects)
    verdicts = dict.fromkeys(named.merged, True) | dict.fromkeys(named.rejected, False)
    people: dict[str, People] = {}
    for job, good in verdicts.items():
        entry = _entry(objects, heads.get(RUNS + states[job].night) if job in states else None, job)
        if entry is None:
            continue
        kind = kind_of_job(entry)
        known = people.get(kind, People())
        people[kind] = People(known.merged + good, known.rejected + (not good))
        seen += _free_votes(entry, kind, good)
    return replace(named, seen=summed(seen), people=people)


def _entry(objects: Objects, head: str | None, job: str) -> JobEntry | None:
    folder = find_job(objects, objects.commit(head).tree, job) if head else None
    return read_entry(objects, folder) if folder else None


def seen_in(info: NightInfo, keys: TrustedKeys) -> Iterator[Seen]:
    """What the plants of a night show of its reviewers."""
    try:
        plants = list(plants_of(info.closing, info.night, keys))
    except PantheonError:
        return  # `verify` tells of it
    yield from (seen_of(plant) for plant in plants)


def seen_of(plant: Plant) -> Seen:
    return Seen(plant.kind, plant.bad, *_sides(plant.reviews))


def _sides(reviews: Iterable[Mapping[str, Any]]) -> tuple[frozenset[str], frozenset[str]]:
    """Who said pass, and who said fail; a review that broke down says nothing."""
    found = [(reviewer_id(str(one["uses"]), one), one["verdict"]) for one in reviews]
    return tuple(frozenset(name for name, said in found if said == verdict) for verdict in ("pass", "fail"))  # type: ignore[return-value]


def kind_of_job(entry: JobEntry) -> str:
    return kind_of(name for node in entry.nodes if node.kind == "review" for name in node.details.get("kinds", ()))


def _free_votes(entry: JobEntry, kind: str, good: bool) -> Iterator[Seen]:
    """What reviewers said whose pass was not asked for: only their words say something of them (`rates`)."""
    gate = next((node for node in entry.nodes if node.uses == GATE), None)
    said = gate.details.get("gate", {}).get("acceptance", {}) if gate else {}
    free = [
        {**node.details, "uses": node.uses, "verdict": node.verdict}
        for node in entry.nodes
        if node.kind == "review" and reviewer_id(node.uses, node.details) not in said.get("required", ())
    ]
    if said and free:
        yield Seen(kind, not good, *_sides(free))
