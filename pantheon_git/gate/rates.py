"""How good reviewers are, from changes whose worth is known. Pure: a tally in, figures out.

Rates are taken from changes that reached the reviewers whatever they said of them. Changes that people judged had
passed the reviewers first; counting those for a reviewer whose pass was asked for would make everybody look perfect
(verification bias: C. B. Begg and R. A. Greenes, Biometrics 39, 1983), so the tally leaves that reviewer out of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pantheon_git.gate.intervals import Share, complement, kappa, mean_of, wilson
from pantheon_git.gate.tally import Seen


@dataclass(frozen=True)
class Rates:
    """One reviewer, or several who must all pass."""

    false_approve: Share
    """Of bad changes, those that it passed."""
    false_reject: Share
    """Of good changes, those that it failed."""

    @property
    def balanced(self) -> Share:
        """Mean of the shares of bad changes failed and of good ones passed: 0.5 for whoever does not look."""
        return mean_of(complement(self.false_approve), complement(self.false_reject))

    def record(self) -> dict[str, list[float]]:
        """JSON: each share with its interval and the number of changes behind it."""
        shares = {"false_approve": self.false_approve, "false_reject": self.false_reject, "balanced": self.balanced}
        return {name: [one.of, *(round(x, 6) for x in (one.point, one.low, one.high))] for name, one in shares.items()}

    @property
    def by_chance(self) -> bool:
        """Whether the interval of the balanced accuracy reaches down to a coin."""
        return self.balanced.low <= 0.5


def rates(seen: Iterable[Seen], reviewers: Collection[str]) -> Rates:
    """Of those who must all pass, from the changes that all of them judged: their errors are not taken for
    independent, since two small models are often fooled by the same words."""
    needed, passed, of = frozenset(reviewers), {True: 0, False: 0}, {True: 0, False: 0}
    for one in seen:
        if needed <= one.judged:
            of[one.bad] += one.count
            passed[one.bad] += one.count if needed <= one.passed else 0
    return Rates(wilson(passed[True], of[True]), complement(wilson(passed[False], of[False])))


def known_reviewers(seen: Iterable[Seen]) -> list[str]:
    return sorted({name for one in seen for name in one.judged})


@dataclass(frozen=True)
class Agreement:
    """Two reviewers on the same changes, good and bad together."""

    both_pass: int
    first_only: int
    second_only: int
    both_fail: int

    @property
    def of(self) -> int:
        return self.both_pass + self.first_only + self.second_only + self.both_fail

    @property
    def share(self) -> Share:
        return wilson(self.both_pass + self.both_fail, self.of)

    @property
    def kappa(self) -> float:
        return kappa(self.both_pass, self.first_only, self.second_only, self.both_fail)


def agreement(seen: Iterable[Seen], first: str, second: str) -> Agreement:
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for one in seen:
        if {first, second} <= one.judged:
            counts[first in one.passed, second in one.passed] += one.count
    return Agreement(counts[True, True], counts[True, False], counts[False, True], counts[False, False])
