"""Results of a test run, and what they say against the base commit's: pure functions over what the host received.

The exit code rules: a run that ended with anything but 0 is red whatever it printed, and a run that ended with 0 is
green only where its results are whole and none of them failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pantheon_git.tools.junit import NotJunitError, read_junit, worse
from pantheon_git.tools.tap import read_tap

Format = Literal["tap", "junit", "exit"]
WHOLE = "(the run as a whole)"
"""Stands among the tests for a run that failed without a failed test to show for it."""


@dataclass(frozen=True)
class Results:
    tests: Mapping[str, str]
    """Test → `pass`, `fail` or `skip`."""
    code: int
    why: str = ""
    """Why the run as a whole failed, where no test says so."""

    @property
    def failed(self) -> frozenset[str]:
        return frozenset(name for name, state in self.tests.items() if state == "fail")

    @property
    def passed(self) -> frozenset[str]:
        return frozenset(name for name, state in self.tests.items() if state == "pass")

    def counts(self) -> dict[str, int]:
        return {state: list(self.tests.values()).count(state) for state in ("pass", "fail", "skip")}


@dataclass(frozen=True)
class Compared:
    introduced: tuple[str, ...] = ()
    """Fail now in every run, and did not at the base."""
    fixed: tuple[str, ...] = ()
    """Failed at the base in every run, and pass now in every run."""
    flaky: tuple[str, ...] = ()
    """Passed in one run and failed in another of the same tree."""
    still: tuple[str, ...] = ()
    """Fail at the base and now."""
    gone: tuple[str, ...] = ()
    """Passed or failed at the base, and are not among the results now."""
    new: int = 0
    """Tests that the base does not have."""

    def as_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass
class _Reading:
    tests: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def read_results(kind: Format, code: int, output: bytes, report: bytes = b"", cut: bool = False) -> Results:
    """The results of one run. `output`: what it printed; `report`: the JUnit file; `cut`: more than the limit came."""
    reading = _Reading()
    if kind == "tap":
        _tap(output.decode("utf-8", "replace"), reading)
    elif kind == "junit":
        _junit(report, reading)
    if cut and kind != "exit":
        reading.fault = "its output was cut off at the limit"
    failed = "fail" in reading.tests.values()
    why = reading.fault
    if bool(code) != failed:
        why = f"it ended with {code}" + ("" if kind == "exit" else f", and {'a' if failed else 'no'} test failed")
    tests = {**reading.tests, WHOLE: "fail" if why else "pass"}
    return Results(tests, code, why)


def _tap(output: str, reading: _Reading) -> None:
    tap = read_tap(output)
    for state, names in (("pass", tap.passed), ("fail", tap.failed), ("skip", tap.skipped)):
        for name in names:
            worse(reading.tests, name, state)
    if not tap.complete:
        reading.fault = "its results are not whole: the plan and the number of results differ"
    elif not reading.tests:
        reading.fault = "it ran no test"


def _junit(report: bytes, reading: _Reading) -> None:
    try:
        reading.tests = read_junit(report).tests if report else {}
    except NotJunitError as error:
        reading.fault = f"its report does not read: {error}"
    if not reading.tests:
        reading.fault = reading.fault or "it reported no test"


def suspicious(base: Sequence[Results], now: Results) -> bool:
    """Whether `now` has to be run again before anything is said of it: something fails that did not, or passes that
    did not."""
    failed = frozenset[str]().union(*(one.failed for one in base))
    return bool(now.failed - failed) or bool(now.passed & failed)


def compare(base: Sequence[Results], now: Sequence[Results]) -> Compared:
    """What several runs of one tree say against several of the base. Both have at least one."""
    always_base, ever_base = _fails(base)
    always, ever = _fails(now)
    passes = frozenset.intersection(*(one.passed for one in now))
    known = frozenset[str]().union(*(one.passed | one.failed for one in base))
    seen = frozenset[str]().union(*(frozenset(one.tests) for one in now))
    wavering = (ever_base - always_base) | (ever - always)
    return Compared(
        introduced=tuple(sorted(always - ever_base - wavering)),
        fixed=tuple(sorted((always_base & passes) - wavering)),
        flaky=tuple(sorted(wavering & (seen | known))),
        still=tuple(sorted(always & always_base)),
        gone=tuple(sorted(known - seen)),
        new=len(seen - known - frozenset(name for one in base for name in one.tests)),
    )


def _fails(runs: Sequence[Results]) -> tuple[frozenset[str], frozenset[str]]:
    """Tests that fail in every run, and those that fail in any."""
    return frozenset.intersection(*(one.failed for one in runs)), frozenset[str]().union(*(one.failed for one in runs))
