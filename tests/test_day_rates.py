from __future__ import annotations

import pytest

from pantheon_git.day.rates import accepted, accepted_bad, agree, as_bound, held_out, judge
from pantheon_git.day.reviewers import Case, Change, Judged
from pantheon_git.gate.intervals import wilson
from pantheon_git.gate.rates import Rates

ITEM = "description-follows"


def case(sort: str, number: int, repo: str = "one") -> Case:
    return Case(sort, Change(f"d{number}", repo, ()), ())


def judged(gain: float, least: float = 0.0, checklist: bool = True) -> Judged:
    return Judged(checklist and gain >= least, checklist, {ITEM: gain}, {ITEM: least})


def test_rates_are_shares_beside_constant_pass_and_a_coin() -> None:
    """Bad cases that are passed and good ones that are failed; both together say no where one does; sorts apart."""
    cases = [case("good", 1), case("swapped-title", 1), case("lost-key", 2), case("tag-spam", 1), case("tag-spam", 2)]
    said = {"a": [True, False, True, False, True], "b": [True, True, False, True, True]}
    found = {one.name: one for one in judge(cases, said)}
    assert list(found) == ["a", "b", "both", "always passes", "a coin"]
    both = found["both"]
    assert (both.rates.false_approve.point, both.rates.false_reject.point) == (0.25, 0)
    assert both.caught["tag-spam"].point == 0.5
    assert both.caught["lost-key"].point == 1
    assert found["a"].caught["lost-key"].point == 0
    assert found["always passes"].rates.balanced.point == 0.5
    assert agree(cases, said).of == 5


def test_the_rule_is_counted_where_it_was_not_computed() -> None:
    """One half's best reviewer is the other half's worst: each half is judged by the other's choice, and what would
    look perfect within a half comes out wrong."""
    cases = [case(sort, number) for number in (0, 1) for sort in ("good", "bad") for _ in range(40)]
    first = [True] * 40 + [False] * 40 + [False] * 40 + [True] * 40
    said = {"a": first, "b": [not one for one in first]}
    found = accepted(cases, said, budget=0.2)
    assert found.rates.false_approve.point == found.rates.false_reject.point == 1
    honest = accepted(cases, {"a": [case.sort == "good" for case in cases], "b": [True] * 160}, budget=0.2)
    assert honest.rates.false_approve.point == honest.rates.false_reject.point == 0
    assert honest.bad.point == 0


def test_accepted_but_bad_follows_from_rates_and_the_share_of_bad_ones() -> None:
    """By Bayes: of 100 changes 20 are bad, of which 2 pass, and of the 80 good ones 72; 2 of 74."""
    rates = Rates(wilson(10, 100), wilson(10, 100))
    found = accepted_bad(rates)
    assert found.point == pytest.approx(2 / 74)
    assert found.low < found.point < found.high


def test_a_held_out_case_is_judged_with_a_bound_that_never_saw_it() -> None:
    """Two halves whose good and planted words part at different places: each half is judged by the other's bound, and
    what one bound for all would get right goes wrong."""
    cases = [case("good", 0), case("description", 0), case("good", 1), case("description", 1)]
    said = {"a": [judged(1.0, 0.5), judged(0.0, 0.5), judged(3.0, 0.5), judged(2.0, 0.5)]}
    assert as_bound(said) == {"a": [True, False, True, True]}
    # The second half's bound is 3.0: it stops the first half's good. The first's is 1.0: it lets the second's plant by.
    assert held_out(cases, said, "document") == {"a": [False, False, True, True]}


def test_a_held_out_repository_is_judged_by_all_the_others() -> None:
    """Three repositories; the odd one out is judged by the two that agree."""
    cases = [one for n, repo in enumerate(("x", "y", "z")) for one in
             (case("good", n, repo), case("description", n, repo))]  # fmt: skip
    said = {"a": [judged(1.0), judged(0.1), judged(1.2), judged(0.15), judged(0.3), judged(-1.0)]}
    assert held_out(cases, said, "repository") == {"a": [True, False, True, False, False, False]}


def test_a_held_out_verdict_keeps_the_checklist() -> None:
    """No bound passes what a deterministic item failed; an item that other folds never had keeps its own bound."""
    cases = [case("good", 0), case("good", 1), case("good", 1)]
    said = {"a": [Judged(False, False, {}, {}), judged(0.4, 0.5), judged(0.6, 0.5)]}
    assert held_out(cases, said, "document") == {"a": [False, False, True]}
