"""Rates, intervals and the rule for acceptance: pure sums, against published or hand-made figures."""

from __future__ import annotations

import itertools

import pytest

from pantheon_git.gate.acceptance import LEAST, rule, share_of_bad
from pantheon_git.gate.intervals import kappa, mean_of, wilson
from pantheon_git.gate.rates import agreement, rates
from pantheon_git.gate.tally import People, Seen, Tally, parse, summed

A, B = "review.peerA@1", "review.peerB@2"


def seen(bad: bool, both: int, a: int, b: int, none: int, kind: str = "frontmatter") -> list[Seen]:
    """Counts of changes that both passed, only A, only B, none."""
    sides = [({A, B}, set()), ({A}, {B}), ({B}, {A}), (set(), {A, B})]
    return [Seen(kind, bad, frozenset(p), frozenset(f), n)
            for (p, f), n in zip(sides, (both, a, b, none), strict=True) if n]  # fmt: skip


GOOD = seen(False, 85, 9, 4, 2)
SHARP = [*GOOD, *seen(True, 2, 3, 8, 87)]
"""A lets 5 of 100 bad ones by, B 10, both 2; A stops 6 of 100 good ones, B 11."""


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval_is_as_published(count: int, of: int, low: float, high: float) -> None:
    """The last row is Newcombe's own example (Statistics in Medicine 17, 1998, pages 857 to 872)."""
    found = wilson(count, of)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert found.low <= found.point <= found.high


def test_of_no_cases_nothing_is_known() -> None:
    """From 0 to 1, so that no bound is ever met by ignorance."""
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
    assert mean_of(wilson(0, 0), wilson(5, 5)).low < 0.5


def test_kappa_is_agreement_beyond_chance() -> None:
    """Cohen's own kind of example; chance alone gives 0, and judges who never differ 1."""
    assert kappa(20, 5, 10, 15) == pytest.approx(0.4)
    assert kappa(25, 25, 25, 25) == 0
    assert kappa(7, 0, 0, 0) == 1


def test_errors_are_counted_together_and_never_multiplied() -> None:
    """Two reviewers fooled by the same words pass together more often than independent ones would."""
    fooled = [*GOOD, *seen(True, 20, 0, 0, 80)]
    assert rates(fooled, [A]).false_approve.point == rates(fooled, [A, B]).false_approve.point == 0.2
    assert rates(SHARP, [A, B]).false_reject.point == pytest.approx(0.15)
    assert agreement(SHARP, A, B).of == 200


def test_until_enough_is_known_all_must_pass() -> None:
    """Also with plants but without good changes, and for a kind of change that was never planted in."""
    few = Tally(tuple(seen(True, 0, 0, 0, LEAST) + seen(False, LEAST - 1, 0, 0, 0)))
    for tally, kind in ((Tally(), "frontmatter"), (few, "frontmatter"), (Tally(tuple(SHARP)), "code")):
        found = rule(tally, [A, B], kind, budget=0.99)
        assert (found.cold, found.required, found.voteless) == (True, (A, B), ())
        assert found.escaped is None


def test_the_budget_decides_whose_pass_is_asked_for() -> None:
    """A wide one is kept by the reviewer that loses fewest good changes; a narrower one needs both; one that nobody
    keeps asks for all who have a vote, and says that it is not kept."""
    tally = Tally(tuple(SHARP), {"frontmatter": People(merged=40)})
    wide, narrow, none = (rule(tally, [A, B], "frontmatter", budget) for budget in (0.05, 0.02, 0.0001))
    assert (wide.required, wide.within_budget) == ((A,), True)
    assert (narrow.required, narrow.within_budget) == ((A, B), True)
    assert (none.required, none.within_budget) == ((A, B), False)
    assert narrow.escaped is not None
    assert none.escaped == narrow.escaped
    assert "may still be bad" in none.says


def test_never_fewer_than_the_policy_says() -> None:
    """With `reviewers = 2` one is never enough, however good; without a budget all must pass."""
    tally = Tally(tuple(SHARP), {"frontmatter": People(merged=40)})
    assert rule(tally, [A, B], "frontmatter", 0.05, at_least=2).required == (A, B)
    assert rule(tally, [A, B], "frontmatter").required == (A, B)


def test_who_is_no_better_than_chance_has_no_vote() -> None:
    """B passes good and bad alike: its pass is not asked for, and does not help A."""
    blind = [*seen(False, 47, 47, 3, 3), *seen(True, 3, 2, 47, 48)]
    found = rule(Tally(tuple(blind)), [A, B], "frontmatter", 0.5)
    assert (found.required, found.voteless) == ((A,), (B,))
    assert rates(blind, [B]).by_chance
    assert not rates(blind, [A]).by_chance


def test_what_people_reject_raises_the_share_of_bad_changes() -> None:
    """Bayes backwards through the reviewers' own rates: without verdicts the prior, one in five."""
    together = rates(SHARP, [A, B])
    shares = [share_of_bad(people, together) for people in
              (People(200, 0), People(20, 0), People(), People(20, 5), People(20, 20))]  # fmt: skip
    assert shares == sorted(shares)
    assert shares[2] == pytest.approx(0.2, abs=0.002)
    assert all(low < high for low, high in itertools.pairwise(shares))


def test_a_stricter_budget_never_asks_for_less() -> None:
    """Over a range of budgets, escapes fall as the budget does."""
    tally = Tally(tuple(SHARP))
    escapes = [rule(tally, [A, B], "frontmatter", budget / 1000).escaped for budget in range(10, 500, 10)]
    assert escapes == sorted(escapes, key=lambda one: one or 0)


def test_a_tally_travels_as_json() -> None:
    """What a night signs is what a later reader computes from; equal observations are one row."""
    tally = Tally(summed([*SHARP, *SHARP]), {"frontmatter": People(3, 1)}, {"n": "oid"}, ("a.1",), ("b.1",))
    assert parse(tally.record()) == tally
    assert sum(one.count for one in tally.seen) == 400
    assert parse({}) == Tally()
