"""Test results against the base: what is introduced, fixed, flaky or gone, and what cannot be made to look so."""

from __future__ import annotations

import pytest

from pantheon_git.night.results import WHOLE, Results, compare, read_results, suspicious
from pantheon_git.tools.junit import NotJunitError, read_junit
from pantheon_git.tools.tap import read_tap


def tap(code: int, **tests: bool) -> Results:
    lines = [f"{'ok' if good else 'not ok'} {i} - {name}" for i, (name, good) in enumerate(tests.items(), 1)]
    return read_results("tap", code, "\n".join(["TAP version 13", *lines, f"1..{len(tests)}"]).encode())


GREEN = tap(0, a=True, b=True)


def test_a_test_that_fails_now_and_did_not_before_is_introduced() -> None:
    """It is, where it fails in both runs; what fails at the base too is not the job's doing."""
    base, now = tap(1, a=True, old=False), tap(1, a=False, old=False)
    assert suspicious([base], now)
    found = compare([base, base], [now, now])
    assert (found.introduced, found.still, found.fixed, found.gone) == (("a",), ("old",), (), ())


def test_a_flaky_test_is_never_fixed_nor_introduced() -> None:
    """What passes in one run and fails in the other of the same tree is flaky, whichever tree that is."""
    red = tap(1, a=True, b=False)
    for base, now in (([red, GREEN], [GREEN, GREEN]), ([red, red], [GREEN, red]), ([GREEN], [red, GREEN])):
        found = compare(base, now)
        assert ("b" in found.flaky, found.fixed, found.introduced) == (True, (), ())


def test_what_failed_in_every_run_and_passes_in_every_run_is_fixed() -> None:
    """And the whole run with it."""
    red = tap(1, a=True, b=False)
    assert compare([red, red], [GREEN, GREEN]).fixed == ("b",)


def test_a_test_that_is_no_longer_there_is_gone() -> None:
    """A run that reports fewer tests than the base is no better for it; new ones are counted."""
    found = compare([GREEN], [tap(0, a=True, c=True)])
    assert (found.gone, found.new, found.introduced) == (("b",), 1, ())


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("ok 1 - a\nok 2 - b\n1..2", 1),
        ("ok 1 - a\nok 2 - b\n1..2", -9),
        ("ok 1 - a\nok 2 - b\nok 3 - c\n1..2", 0),
        ("ok 1 - a\nok 2 - b", 0),
        ("ok 1 - a\nok 1 - b\nnot ok 1 - a\n1..3", 1),
        ("ok 1 - a\nnot ok 2 - b # TODO later\n1..2\nBail out! no", 0),
        ("1..0", 0),
        ("everything is fine", 0),
        ("", 0),
    ],
)
def test_printed_lines_do_not_make_a_red_run_green(printed: str, code: int) -> None:
    """The exit code rules, results have to be whole, and the worst result of a name counts."""
    now = read_results("tap", code, printed.encode())
    found = compare([GREEN], [now, now])
    assert found.introduced or found.gone, found


def test_a_run_that_was_killed_is_red_although_the_base_has_failures() -> None:
    """A printed failure that the base has too does not explain a run that never came to its end."""
    base = tap(1, a=True, old=False)
    now = read_results("tap", 1, b"ok 1 - a\nnot ok 2 - old\n")
    assert compare([base, base], [now, now]).introduced == (WHOLE,)


def test_junit_reports_are_read_without_entities() -> None:
    """Worst of a name counts; document types, cut-off files and what is no XML are refused, and the run is red."""
    case = '<testcase classname="m" name="t">{}</testcase>'
    body = case.format("") + case.format("<failure/>") + '<testcase name="s"><skipped/></testcase>'
    assert read_junit(f"<testsuites><testsuite>{body}</testsuite></testsuites>".encode()).tests == {
        "m::t": "fail",
        "s": "skip",
    }
    for bad in (
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<testsuite><testcase",
        b"no",
        b"<a>" * 100 + b"</a>" * 100,
    ):
        with pytest.raises(NotJunitError):
            read_junit(bad)
        assert read_results("junit", 0, b"", bad).failed == {WHOLE}
    assert read_results("junit", 0, b"", b"").failed == {WHOLE}
    assert read_results("junit", 1, b"", f"<testsuite>{case.format('<error/>')}</testsuite>".encode()).failed == {
        "m::t"
    }


def test_an_exit_code_is_one_test() -> None:
    """Where there is nothing else to read."""
    good, bad = read_results("exit", 0, b"anything"), read_results("exit", 3, b"ok 1 - a\n1..1")
    assert compare([good], [bad, bad]).introduced == (WHOLE,)
    assert compare([bad, bad], [good, good]).fixed == (WHOLE,)
    assert bad.why == "it ended with 3"


def test_tap_as_printers_write_it() -> None:
    """Numbers and dashes are optional, directives in any case, a number sign may stand in a title."""
    found = read_tap(
        "ok 1 - a # b\nok c\nnot ok 3 d # todo e\nok # SKIP f\n    ok 1 - nested\nnot ok - g\n1..5\n# ok 9 - h\n"
    )
    assert (found.passed, found.failed, found.skipped, found.complete) == (["a # b", "c"], ["g"], ["d", ""], True)
