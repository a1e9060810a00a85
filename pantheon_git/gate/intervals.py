"""Intervals for shares of small counts, and agreement beyond chance. Pure functions; z = 1.96 everywhere (95 %)."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959964


@dataclass(frozen=True)
class Share:
    """A share with its interval, all from 0 to 1; of no cases it is 0.5, from 0 to 1."""

    of: int
    point: float
    low: float
    high: float


def wilson(count: int, of: int) -> Share:
    """Wilson's score interval (E. B. Wilson, JASA 22, 1927): with p = count/of,
    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)."""
    if not of:
        return Share(0, 0.5, 0.0, 1.0)
    share, z2 = count / of, Z * Z
    middle = share + z2 / (2 * of)
    spread = Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    scale = 1 + z2 / of
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return Share(of, share, max(0.0, min(low, share)), min(1.0, max(high, share)))  # but for rounding


def mean_of(one: Share, other: Share) -> Share:
    """The mean of two independent shares: the limits combine by squares, each side by itself (R. G. Newcombe,
    Statistics in Medicine 17, 1998, method 10, for a sum in place of a difference)."""
    point = (one.point + other.point) / 2
    down = math.hypot(one.point - one.low, other.point - other.low) / 2
    up = math.hypot(one.high - one.point, other.high - other.point) / 2
    return Share(one.of + other.of, point, max(0.0, point - down), min(1.0, point + up))


def complement(share: Share) -> Share:
    return Share(share.of, 1 - share.point, 1 - share.high, 1 - share.low)


def kappa(both: int, first: int, second: int, neither: int) -> float:
    """Agreement beyond chance (J. Cohen, Educational and Psychological Measurement 20, 1960) of two judges who both
    said yes, only the first did, only the second did, neither did: 1 always agree, 0 as often as by chance. Judges who
    always say the same one thing agree: 1."""
    of = both + first + second + neither
    if not of:
        return 0.0
    seen = (both + neither) / of
    yes, also = (both + first) / of, (both + second) / of
    chance = yes * also + (1 - yes) * (1 - also)
    return 1.0 if chance == 1 else (seen - chance) / (1 - chance)
