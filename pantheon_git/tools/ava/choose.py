"""Which of many true assertions a test should hold: documented ones first, each saying something new, few of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pantheon_git.tools.ava.candidate import ORIGINS, Assertion

FEW, ERRORS, OF_A_CLASS = 5, 2, 12
_GOOD_LENGTH = range(3, 100)


@dataclass(frozen=True)
class Told:
    assertion: Assertion
    told: frozenset[str]
    """Exports whose stand-in it tells apart."""
    loud: bool = False
    """Whether the call printed something."""


def choose(found: Sequence[Told], exports: Mapping[str, str]) -> list[Told]:
    """For each export (name → kind) its best assertions, in the order of the exports. An assertion serves the export
    that its candidate is about (`group`)."""
    chosen: list[Told] = []
    for name, kind in exports.items():
        mine = [one for one in found if _about(one, name)]
        telling = [one for one in mine if name in one.told or kind == "value"]
        picked = list(_pick(telling, OF_A_CLASS if kind == "class" else FEW, ERRORS, kind == "class"))
        chosen += picked or list(_pick([one for one in found if name in one.told and one not in chosen], 1, 1, False))
    return chosen


def _about(one: Told, name: str) -> bool:
    return one.assertion.candidate.group.split(".")[0] == name


def _pick(found: Iterable[Told], most: int, errors: int, spread: bool) -> Iterable[Told]:
    """The best, no two with the same expected value; of a class (`spread`) at most two about one method. Refusals come
    besides, those with a message of the engine's own only where there is nothing else."""
    shown: set[str] = set()
    groups: dict[str, int] = {}
    counts = {"value": 0, "error": 0}
    for _, one in sorted(enumerate(found), key=lambda pair: (_rank(pair[1]), pair[0])):
        assertion = one.assertion
        group, error = assertion.candidate.group, assertion.kind == "error"
        key = f"{group if spread else ''}:{assertion.kind}:{assertion.shown}"
        weak = assertion.kind == "shape" or assertion.shown == "undefined"
        if key in shown or (spread and groups.get(group, 0) >= 2):
            continue
        if (shown and assertion.native) or (weak and len(shown) > (2 if spread else 0)):
            continue
        if counts["error" if error else "value"] >= (errors if error else most):
            continue
        shown.add(key)
        groups[group] = groups.get(group, 0) + 1
        counts["error" if error else "value"] += 1
        yield one


def _rank(one: Told) -> tuple[int, ...]:
    """Smaller is better."""
    assertion = one.assertion
    candidate = assertion.candidate
    kind = {"value": 0, "shape": 2, "error": 4}[assertion.kind]
    kind = 3 if assertion.shown == "undefined" else kind
    native = assertion.native
    length = len(candidate.expr) + len(candidate.setup)
    return (
        kind + native * 2 + one.loud,
        candidate.alone,
        ORIGINS.index(candidate.origin),
        bool(candidate.setup),
        assertion.shown in ("''", "null", "{}", "[]", "0", "undefined", "false"),
        length not in _GOOD_LENGTH,
        len(assertion.shown) not in _GOOD_LENGTH,
    )
