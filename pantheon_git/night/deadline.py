"""`--until`: no job starts that would not end in time, by what the night's jobs have taken so far."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import deque

from pantheon_git import clock
from pantheon_git.errors import PantheonError


def parse_until(text: str, now: dt.datetime) -> dt.datetime:
    """The next moment at which the clock shows `HH:MM` (24 hours), after `now`. PantheonError for anything else."""
    try:
        at = dt.time.fromisoformat(text if len(text) == 5 else "")
    except ValueError as error:
        raise PantheonError(f"--until: {text!r} is no time of day", "pantheon-git run --until 06:00") from error
    day = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return day if day > now else day + dt.timedelta(days=1)


class Deadline:
    """Times are seconds of `clock.steady`; `until` None never ends."""

    def __init__(self, until: float | None) -> None:
        self.until = until
        self._seen: deque[float] = deque(maxlen=50)

    @classmethod
    def at(cls, epoch: float | None) -> Deadline:
        """At that time of day, as the clock stands now: setting it later moves no deadline."""
        return cls(None if epoch is None else clock.steady() + epoch - clock.now())

    def saw(self, seconds: float) -> None:
        """A job took this long."""
        self._seen.append(seconds)

    @property
    def expected(self) -> float:
        """Seconds that the next job is expected to take at most: mean and two deviations of the last 50; 0 unknown."""
        if not self._seen:
            return 0.0
        return statistics.fmean(self._seen) + 2 * statistics.pstdev(self._seen)

    def allows(self, now: float) -> bool:
        return self.until is None or now + self.expected < self.until

    def left(self, now: float) -> float | None:
        return None if self.until is None else max(0.0, self.until - now)
