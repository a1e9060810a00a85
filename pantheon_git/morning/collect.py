"""From the ledger to a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import meta, read
from pantheon_git.ledger.plants import plants_of
from pantheon_git.ledger.read import NightInfo
from pantheon_git.morning.metrics import Report, card
from pantheon_git.morning.reviewers import Reviewers
from pantheon_git.morning.reviewers import collect as collect_reviewers
from pantheon_git.night.plan import read_policy
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.policy import Policy

NOT_REACHED = "not reached"


def find_night(git: Git, objects: Objects, night: str | None = None) -> NightInfo:
    """The night of that name, or any that begins so; the newest without one. PantheonError when there is none."""
    nights = read.nights(git, objects)
    if not nights:
        raise PantheonError("no night is recorded here", "pantheon-git run")
    if night is None:
        return max(nights, key=lambda info: (info.opened, info.night))
    found = [info for info in nights if info.night == night] or [i for i in nights if i.night.startswith(night)]
    if len(found) != 1:
        many = "no night is" if not found else f"{len(found)} nights are"
        names = ", ".join(info.night for info in (found or nights)[-5:])
        raise PantheonError(f"{many} called {night}", f"one of: {names}")
    return found[0]


def collect(git: Git, objects: Objects, info: NightInfo) -> Report:
    """Everything about one night; not yet verified."""
    states = meta.all_meta(git, objects)
    cards = tuple(
        card(entry, (states[entry.job].state if entry.job in states else "open") if entry.ending == "pr" else "")
        for entry in read.jobs(git, objects, info.night)
    )
    closing: Mapping[str, Any] = info.closing or {}
    put_off: dict[str, str] = dict(closing.get("put_off", {}))
    ended = {one.job for one in cards}
    cut = "the night was cut off" if info.state != "open" else "not ended yet, or cut off"
    not_reached = {c.job: put_off.pop(c.task, cut) for c in info.contexts if c.job not in ended}
    not_reached |= {task: why for task, why in put_off.items() if why.startswith(NOT_REACHED)}
    first = info.contexts[0] if info.contexts else None
    planted = list(plants_of(closing, info.night))
    return Report(
        night=info.night,
        status=info.state,
        base=str(info.info.get("base", first.base if first else "")),
        target=str(info.info.get("target", first.target if first else "")),
        opened=info.opened,
        seconds=closing.get("seconds"),
        cpu_seconds=closing.get("cpu_seconds"),
        cards=cards,
        not_reached=not_reached,
        waiting={task: why for task, why in put_off.items() if task not in not_reached},
        broken=closing.get("broken", info.info.get("broken", {})),
        agents=info.info.get("agents", {}),
        guard=info.info.get("guard", {}),
        frozen=info.info.get("frozen"),
        found=info.info.get("found", ()),
        trouble=str(closing.get("trouble", "")),
        clock_jump=float(closing.get("clock_jump", 0.0)),
        certificate=info.info.get("certificate", {}),
        reviewers=_reviewers(git, objects, str(info.info.get("target", ""))),
        plants=len(planted),
        plant_tokens=sum(int(one.get("tokens", {}).get("in", 0)) for plant in planted for one in plant.reviews),
        plant_seconds=round(sum(plant.seconds for plant in planted), 3),
    )


def _reviewers(git: Git, objects: Objects, target: str) -> Reviewers | None:
    """By the policy as it stands on the target; None where nothing can be verified (the report says so elsewhere)."""
    tip = objects.resolve(target) if target else None
    try:
        policy = read_policy(objects, objects.commit(tip).tree)[0] if tip else Policy()
        return collect_reviewers(git, objects, policy.gate)
    except PantheonError:
        return None
