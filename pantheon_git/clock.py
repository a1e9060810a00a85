"""The night's two clocks, in one place, so that a test can let them jump.

`now` is what people read and what is signed; it jumps when somebody sets it. Whatever waits or measures asks `steady`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def steady() -> float:
    """Seconds since the machine started, the time that it slept included: no jump of the clock changes it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Moment:
    """A point in time on both clocks."""

    epoch: float
    at: float

    @classmethod
    def here(cls) -> Moment:
        return cls(now(), steady())

    @property
    def jump(self) -> float:
        """Seconds by which somebody set the clock ahead since then (negative: back); 0 below a minute, which is what
        keeping time amounts to."""
        ahead = now() - self.epoch - (steady() - self.at)
        return ahead if abs(ahead) >= 60 else 0.0

    @property
    def seconds(self) -> float:
        """Since then; never negative."""
        return max(0.0, steady() - self.at)
