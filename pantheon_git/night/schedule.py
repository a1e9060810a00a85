"""When a night ought to have started, and whether one did: so that silence is seen in the morning.

`night install` leaves a record of the clock and the clone; `run` leaves a line of its last start beside the
repository's objects. Both are hints for a person, neither is evidence: that is the ledger.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.repo.git import Git

RECORD = Path("/etc/pantheon-git/night.json")
ATTEMPT = "pantheon-last-run.json"
_EARLY = 120.0
"""Seconds: what a start may lie before its time, for clocks that were set."""
_LATE = 600.0
"""Seconds after which a start that has not happened is missed."""


@dataclass(frozen=True)
class Installed:
    """The record of `night install`."""

    user: str
    at: str
    until: str
    repo: str
    clone: str
    program: str
    since: float = 0.0
    """When the record was written; seconds since the epoch."""

    def concerns(self, git: Git) -> bool:
        """Whether this repository is the developer's or the night's own."""
        here = {git.common_dir.resolve(), *([git.work_tree.resolve()] if git.work_tree else [])}
        return bool(here & {Path(self.repo).resolve(), Path(self.clone).resolve()})


@dataclass(frozen=True)
class Attempt:
    """The last `run`, as it wrote of itself. Seconds since the epoch."""

    started: float
    ended: float | None = None
    exit_code: int | None = None
    night: str | None = None
    why: str = ""
    """The first line of what stopped it before its first job."""


def installed(path: Path | None = None) -> Installed | None:
    """The record, or None where nothing is installed. PantheonError when it cannot be read as one."""
    path = path or RECORD
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        names = ("user", "at", "until", "repo", "clone", "program")
        return Installed(**{name: str(found[name]) for name in names}, since=path.stat().st_mtime)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PantheonError(
            f"{path}: not a record of `night install`: {error}", "pantheon-git night install …"
        ) from error


def last_due(at: str, now: float) -> float:
    """The last moment, `now` included, at which the clock showed `HH:MM`, in local time."""
    hour, minute = map(int, at.split(":"))
    moment = dt.datetime.fromtimestamp(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (moment if moment.timestamp() <= now else moment - dt.timedelta(days=1)).timestamp()


def next_due(at: str, now: float) -> float:
    hour, minute = map(int, at.split(":"))
    moment = dt.datetime.fromtimestamp(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (moment if moment.timestamp() > now else moment + dt.timedelta(days=1)).timestamp()


def missed(found: Installed, attempt: Attempt | None, now: float | None = None) -> float | None:
    """When the last night should have started, if it did not; None where it did, or where it may yet."""
    now = time.time() if now is None else now
    due = last_due(found.at, now)
    if attempt is not None and attempt.started >= due - _EARLY:
        return None
    return due if now > due + _LATE and due > found.since else None


def read_attempt(common_dir: Path) -> Attempt | None:
    """The last start in that repository; None where none is recorded, or where this user may not look."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Attempt(**json.loads((common_dir / ATTEMPT).read_text()))
    return None


@contextlib.contextmanager
def attempt(common_dir: Path) -> Iterator[dict[str, Any]]:
    """Record a start and its end around the block, which may fill in `night` and `exit_code`. A disk that takes no
    record is no reason to stop: the night itself will find that out."""
    told: dict[str, Any] = {}
    begun = Attempt(time.time())
    _write(common_dir, begun)
    try:
        yield told
    except PantheonError as error:
        told |= {"exit_code": error.exit_code, "why": error.message.splitlines()[0]}
        raise
    finally:
        _write(common_dir, Attempt(**{**asdict(begun), "ended": time.time(), **told}))


def _write(common_dir: Path, what: Attempt) -> None:
    with contextlib.suppress(OSError):
        fresh = common_dir / f"{ATTEMPT}.new"
        fresh.write_text(json.dumps(asdict(what)) + "\n")
        fresh.replace(common_dir / ATTEMPT)
