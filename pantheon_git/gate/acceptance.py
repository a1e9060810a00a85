"""Which reviewers must say pass, computed from what is known of them and from a budget of escaped defects. Pure.

With S the reviewers who must all pass, A = P(all of S pass | bad), G = P(all of S pass | good) and π the share of bad
changes among those that reach the reviewers, Bayes' rule gives the share of bad ones among the accepted,

    e(S) = π A / (π A + (1 − π) G).

People see accepted changes only, of which p = e(all reviewers) are bad, since the pass of all is what showed them
the change. π is therefore the mean of the posterior of a Beta(1, 4) (one in five, until people have decided otherwise)
times the likelihood p^r (1 − p)^m of m merged and r rejected, on a grid. For A in e(S) stands the upper limit of its
interval and for G the lower: what is not known counts as bad. A and G are counted together for S, never multiplied
(`rates.rates`).

The rule is the S with e(S) within the budget that lets most good changes pass. Until LEAST bad and LEAST good changes
are known that all reviewers judged, and where no S is within the budget, all who have a vote must pass.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pantheon_git.gate.rates import Rates, rates
from pantheon_git.gate.tally import People, Seen, Tally

LEAST = 20
"""Bad changes, and good ones, from which on rates count."""
_TINY = 1e-9
_GRID = tuple((n + 0.5) / 400 for n in range(400))


@dataclass(frozen=True)
class Rule:
    """For one kind of change."""

    kind: str
    required: tuple[str, ...]
    """Reviewers (`tally.reviewer_id`) that must pass."""
    voteless: tuple[str, ...]
    """Reviewers that are no better than chance: neither their pass nor their fail counts."""
    cold: bool
    """Too little is known, so that all must agree."""
    escaped: float | None
    """Upper estimate of bad changes among the accepted, 0 to 1; None while too little is known."""
    budget: float | None
    says: str

    @property
    def within_budget(self) -> bool:
        return self.budget is None or (self.escaped is not None and self.escaped <= self.budget)


def rule(tally: Tally, reviewers: Collection[str], kind: str, budget: float | None = None, at_least: int = 1) -> Rule:
    """The rule for a change of this kind that `reviewers` judge. `at_least`: so many must pass in any case."""
    everyone = tuple(sorted(reviewers))
    seen = tally.of(kind)
    together = rates(seen, everyone)
    known = min(together.false_approve.of, together.false_reject.of)
    if not everyone or known < LEAST:
        says = f"all must pass: {known} of {LEAST} good and bad changes of this kind are known"
        return Rule(kind, everyone, (), True, None, budget, says)
    voteless = tuple(name for name in everyone if rates(seen, [name]).by_chance)
    voters = tuple(name for name in everyone if name not in voteless)
    bad = share_of_bad(tally.people.get(kind, People()), together)
    strict = Rule(kind, voters, voteless, False, _escaped(seen, voters, bad), budget, "all who have a vote must pass")
    if budget is None:
        return strict
    within = [one for one in _choices(seen, voters, bad, max(1, at_least)) if one.escaped <= budget]
    if not within:
        says = f"all who have a vote must pass, and more than {budget:.1%} may still be bad"
        return Rule(kind, voters, voteless, False, strict.escaped, budget, says)
    best = max(within, key=lambda one: (one.good_passed, -one.escaped, one.names))
    says = f"{' and '.join(best.names)} must pass: within the budget, and fewest good changes are lost"
    return Rule(kind, best.names, voteless, False, best.escaped, budget, says)


@dataclass(frozen=True)
class _Choice:
    names: tuple[str, ...]
    escaped: float
    good_passed: float


def _choices(seen: Iterable[Seen], voters: tuple[str, ...], bad: float, at_least: int) -> Iterator[_Choice]:
    seen = tuple(seen)
    for size in range(min(at_least, len(voters)), len(voters) + 1):
        for names in itertools.combinations(voters, size):
            if names:
                good = 1 - rates(seen, names).false_reject.point
                yield _Choice(names, _escaped(seen, names, bad), good)


def share_of_bad(people: People, together: Rates) -> float:
    """π, from people's verdicts; `together`: the rates of all reviewers."""
    passed_bad, passed_good = max(together.false_approve.point, _TINY), max(1 - together.false_reject.point, _TINY)
    weights = []
    for share in _GRID:
        among_accepted = _bayes(share, passed_bad, passed_good)
        weights.append(
            3 * math.log(1 - share)
            + people.rejected * math.log(among_accepted)
            + people.merged * math.log1p(-among_accepted)
        )
    top = max(weights)
    likely = [math.exp(weight - top) for weight in weights]
    return sum(share * one for share, one in zip(_GRID, likely, strict=True)) / sum(likely)


def _bayes(share: float, passed_bad: float, passed_good: float) -> float:
    """e, from π, A and G."""
    bad, good = share * passed_bad, (1 - share) * passed_good
    return min(bad / (bad + good), 1 - _TINY)


def _escaped(seen: Iterable[Seen], names: tuple[str, ...], bad: float) -> float:
    """e(S), with the limits that are against S."""
    found = rates(seen, names)
    return _bayes(bad, max(found.false_approve.high, _TINY), max(1 - found.false_reject.high, _TINY))
