"""`night status`: whether the next night would run, and whether the last one did."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pantheon_git.day.install import Place
from pantheon_git.day.unit import EGRESS, NAME, UNITS
from pantheon_git.errors import PantheonError
from pantheon_git.night import schedule
from pantheon_git.night.plan import make_plan, resolve_target
from pantheon_git.night.schedule import Attempt, Installed
from pantheon_git.repo.git import Git, require_supported
from pantheon_git.repo.objects import Objects


@dataclass(frozen=True)
class Standing:
    """All of it, or `installed` None. Times are seconds since the epoch."""

    installed: Installed | None
    against: tuple[str, ...] = ()
    """Why the next night would not run, or would do nothing."""
    queue: str = ""
    next: float = 0.0
    attempt: Attempt | None = None
    missed: float | None = None

    @property
    def exit_code(self) -> int:
        return 1 if self.against or self.missed is not None else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "installed": asdict(self.installed) if self.installed else None,
            "would_run": bool(self.installed) and not self.against,
            "against": list(self.against),
            "queue": self.queue,
            "next": self.next or None,
            "last": asdict(self.attempt) if self.attempt else None,
            "missed": self.missed,
        }


def standing(place: Place, now: float | None = None) -> Standing:
    """Look at the record, the units, the queue that the developer has committed, and the last start."""
    found = schedule.installed(place.at(str(schedule.RECORD)))
    if found is None:
        return Standing(None)
    moment = time.time() if now is None else now
    attempt = schedule.read_attempt(Path(found.clone))
    against, queue = list(_units(place)), ""
    try:
        queue = _queue(Git.discover(Path(found.repo)))
    except PantheonError as error:
        against.append(error.message.splitlines()[0])
    return Standing(
        installed=found,
        against=tuple(against),
        queue=queue,
        next=schedule.next_due(found.at, moment),
        attempt=attempt,
        missed=schedule.missed(found, attempt, moment),
    )


def _units(place: Place) -> list[str]:
    wanted = {f"{NAME}.timer": "timers", f"{EGRESS}.service": "multi-user"}
    return [
        f"{unit} is not enabled (systemctl enable --now {unit})"
        for unit, target in wanted.items()
        if not place.at(f"{UNITS}/{target}.target.wants/{unit}").is_symlink()
    ]


def _queue(git: Git) -> str:
    require_supported(git)
    plan = make_plan(git, Objects(git), resolve_target(git, None))
    return f"{len(plan.runnable)} of {len(plan.tasks)} tasks in the committed queue would run"
