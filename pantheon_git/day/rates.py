"""Rates of judges over planted and good cases, with the bounds as they are or set anew on other cases (held out), and
what the computed rule lets through.

A held-out verdict sets each bound on some cases and judges the others with it: half of the documents by the other half,
or one repository by all the others. The bounds of the likelihood are all that is fitted; the checklist has none. The
rule for acceptance is always computed on other cases than those it is then counted on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pantheon_git.day.reviewers import GOOD, Case, Judged
from pantheon_git.gate.acceptance import rule
from pantheon_git.gate.intervals import Share, wilson
from pantheon_git.gate.rates import Agreement, Rates, agreement, rates
from pantheon_git.gate.tally import Seen, Tally, summed

HeldOut = Literal["document", "repository"]
Verdicts = Mapping[str, Sequence[bool]]
"""Judge → whether it passes each case."""
STOPPED = 0.02
"""Share of good words that one item may stop."""
PRIOR = 0.2
"""Share of bad changes among those that reach the reviewers, for what is accepted of a hundred."""


@dataclass(frozen=True)
class Judge:
    """How one did."""

    name: str
    rates: Rates
    caught: Mapping[str, Share]
    """Sort of fault → share of it that was failed."""

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.rates.record(), "caught": {n: vars(s) for n, s in self.caught.items()}}


@dataclass(frozen=True)
class Accepted:
    """What the rule lets through, over all cases, each judged by a rule that was computed without it."""

    required: tuple[str, ...]
    """The rule from all cases: who must pass."""
    says: str
    rates: Rates
    bad: Share
    """Bad changes among the accepted where PRIOR of all are bad; the limits are those against and for the rule."""


def judge(cases: Sequence[Case], said: Verdicts) -> list[Judge]:
    """Each reviewer, both together (one no is a no), one that always passes, and a coin."""
    everyone = {name: list(passed) for name, passed in said.items()}
    everyone["both"] = [all(answers) for answers in zip(*said.values(), strict=True)]
    everyone["always passes"] = [True] * len(cases)
    coin = random.Random(0)  # noqa: S311 - a baseline that is the same every time, no secret
    everyone["a coin"] = [coin.random() < 0.5 for _ in cases]
    seen = seen_of(cases, everyone)
    return [Judge(name, rates(seen, [name]), _caught(cases, passed)) for name, passed in everyone.items()]


def _caught(cases: Sequence[Case], passed: Sequence[bool]) -> dict[str, Share]:
    sorts = sorted({case.sort for case in cases} - {GOOD})
    said = {sort: [not ok for case, ok in zip(cases, passed, strict=True) if case.sort == sort] for sort in sorts}
    return {sort: wilson(sum(found), len(found)) for sort, found in said.items()}


def seen_of(cases: Sequence[Case], said: Verdicts) -> tuple[Seen, ...]:
    """The cases as a tally has them, of one kind."""
    return summed(
        Seen("", case.bad, frozenset(n for n in said if said[n][at]), frozenset(n for n in said if not said[n][at]))
        for at, case in enumerate(cases)
    )


def agree(cases: Sequence[Case], said: Verdicts) -> Agreement:
    """Of the first two judges."""
    first, second = sorted(said)[:2]
    return agreement(seen_of(cases, said), first, second)


def accepted(cases: Sequence[Case], said: Verdicts, budget: float, by: HeldOut = "document") -> Accepted:
    """The computed rule, and what comes of it where it is computed without the case that it judges."""
    fold = _folds(cases, by)
    required = {held: _rule(cases, said, budget, lambda at, held=held: fold[at] != held)[0] for held in set(fold)}  # type: ignore[misc]
    passed = [all(said[name][at] for name in required[fold[at]]) for at in range(len(cases))]
    found = rates(seen_of(cases, {"rule": passed}), ["rule"])
    names, says = _rule(cases, said, budget, lambda at: True)
    return Accepted(names, says, found, accepted_bad(found))


def _rule(
    cases: Sequence[Case], said: Verdicts, budget: float, known: Callable[[int], bool]
) -> tuple[tuple[str, ...], str]:
    places = [at for at in range(len(cases)) if known(at)]
    part = {name: [passed[at] for at in places] for name, passed in said.items()}
    found = rule(Tally(seen_of([cases[at] for at in places], part)), list(said), "", budget)
    return found.required, found.says


def accepted_bad(found: Rates, prior: float = PRIOR) -> Share:
    """Bad changes among the accepted, by Bayes (`gate.acceptance`)."""

    def share(bad: float, good: float) -> float:
        passed = prior * bad + (1 - prior) * good
        return prior * bad / passed if passed else 0.0

    approve, reject = found.false_approve, found.false_reject
    return Share(approve.of + reject.of, share(approve.point, 1 - reject.point), share(approve.low, 1 - reject.low),
                 share(approve.high, 1 - reject.high))  # fmt: skip


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
        return [case.change.repo for case in cases]
    documents = [case.change.id.rstrip("+") for case in cases]
    number = {document: str(at % 2) for at, document in enumerate(dict.fromkeys(documents))}
    return [number[document] for document in documents]


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
                      if known(at) and case.sort == GOOD and name in one.gains)  # fmt: skip
        if good:
            found[name] = good[int(STOPPED * len(good))]
    return found
