"""Rates of judges over planted and good cases, with the bounds as they are or set anew on other cases (held out).

A held-out rate sets each bound on some cases and judges the others with it: half of the documents by the other half,
or one repository by all the others. The bounds of the likelihood are all that is fitted; the checklist has none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pantheon_git.day.reviewers import INVENTED, SWAPS, Case, Judged, Kind

HeldOut = Literal["document", "repository"]
STOPPED = 0.05
"""Share of good words that one item may stop."""


@dataclass(frozen=True)
class Rates:
    """How one judge did. Shares are of the cases of that kind; 0.0 where there is none."""

    name: str
    good_passed: float
    planted_caught: float
    """Another document's title or description."""
    titles_caught: float
    descriptions_caught: float
    invented_caught: float
    by_invention: Mapping[str, float]

    @property
    def balanced(self) -> float:
        """Mean of the two rates: 0.5 for whoever does not look."""
        return (self.good_passed + self.planted_caught) / 2

    @property
    def balanced_invented(self) -> float:
        return (self.good_passed + self.invented_caught) / 2


def rates(cases: Sequence[Case], said: Mapping[str, Sequence[bool]]) -> list[Rates]:
    """Each reviewer, both together (one no is a no), one that always passes, and a coin."""
    everyone = {name: list(passed) for name, passed in said.items()}
    everyone["both"] = [all(answers) for answers in zip(*said.values(), strict=True)]
    everyone["always passes"] = [True] * len(cases)
    coin = random.Random(0)  # noqa: S311 - a baseline that is the same every time, no secret
    everyone["a coin"] = [coin.random() < 0.5 for _ in cases]
    return [_rates(name, cases, passed) for name, passed in everyone.items()]


def _rates(name: str, cases: Sequence[Case], passed: Sequence[bool]) -> Rates:
    def share(kinds: Iterable[Kind], wanted: bool) -> float:
        found = [ok is wanted for case, ok in zip(cases, passed, strict=True) if case.kind in kinds]
        return sum(found) / len(found) if found else 0.0

    return Rates(
        name,
        share({"good"}, True),
        share(SWAPS, False),
        share({"title"}, False),
        share({"description"}, False),
        share(INVENTED, False),
        {kind: share({kind}, False) for kind in sorted(INVENTED)},
    )


def as_bound(judged: Mapping[str, Sequence[Judged]]) -> dict[str, list[bool]]:
    """The verdicts with the bounds of the manifests."""
    return {name: [one.passed for one in said] for name, said in judged.items()}


def held_out(cases: Sequence[Case], judged: Mapping[str, Sequence[Judged]], by: HeldOut) -> dict[str, list[bool]]:
    """The verdicts with bounds set on the cases of other folds."""
    fold = _folds(cases, by)
    return {name: _refitted(cases, said, fold) for name, said in judged.items()}


def _folds(cases: Sequence[Case], by: HeldOut) -> list[str]:
    """The fold of each case; all cases of a document are in one."""
    if by == "repository":
        return [case.page.repo for case in cases]
    number = {page: str(at % 2) for at, page in enumerate(dict.fromkeys(case.page.id for case in cases))}
    return [number[case.page.id] for case in cases]


def _refitted(cases: Sequence[Case], said: Sequence[Judged], fold: Sequence[str]) -> list[bool]:
    bounds = {held: _bounds(cases, said, lambda at, held=held: fold[at] != held) for held in set(fold)}  # type: ignore[misc]
    return [
        one.checklist and all(gain >= bounds[fold[at]].get(name, one.least[name]) for name, gain in one.gains.items())
        for at, one in enumerate(said)
    ]


def _bounds(cases: Sequence[Case], said: Sequence[Judged], known: Callable[[int], bool]) -> dict[str, float]:
    """Item → the bound that lets by all but STOPPED of the known good words. Plants have no say: few of them come so
    far as to be weighed, and a bound that is set to catch the last one stops much that is good."""
    found = {}
    for name in sorted({name for one in said for name in one.gains}):
        good = sorted(one.gains[name] for at, (case, one) in enumerate(zip(cases, said, strict=True))
                      if known(at) and case.kind == "good" and name in one.gains)  # fmt: skip
        if good:
            found[name] = good[int(STOPPED * len(good))]
    return found
