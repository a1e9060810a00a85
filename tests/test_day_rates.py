from __future__ import annotations

from typing import Any

from pantheon_git.day.rates import as_bound, held_out, rates
from pantheon_git.day.reviewers import Case, Judged, Page

ITEM = "description-follows"


def case(kind: Any, number: int, repo: str = "one") -> Case:
    return Case(kind, Page(f"d{number}", repo, f"{number}.md", "text", "t", "d"))


def judged(gain: float, least: float = 0.0, checklist: bool = True) -> Judged:
    return Judged(checklist and gain >= least, checklist, {ITEM: gain}, {ITEM: least})


def test_rates_are_shares_of_their_kind_beside_constant_pass_and_a_coin() -> None:
    """Swapped words and invented facts are counted apart; both together say no where one does."""
    cases = [case("good", 1), case("title", 1), case("description", 2), case("number", 1), case("entity", 2)]
    said = {"a": [True, False, True, False, True], "b": [True, True, False, True, True]}
    found = {one.name: one for one in rates(cases, said)}
    assert list(found) == ["a", "b", "both", "always passes", "a coin"]
    both = found["both"]
    assert (both.good_passed, both.planted_caught, both.titles_caught, both.descriptions_caught) == (1, 1, 1, 1)
    assert (both.invented_caught, both.by_invention["number"], both.by_invention["entity"]) == (0.5, 1.0, 0.0)
    assert (both.balanced, both.balanced_invented) == (1.0, 0.75)
    assert found["always passes"].balanced == found["always passes"].balanced_invented == 0.5


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
