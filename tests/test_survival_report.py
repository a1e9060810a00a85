"""What a person reads in the morning after a night that did not end as it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.clock import Moment
from pantheon_git.morning.metrics import Report
from pantheon_git.morning.words import describe_found
from pantheon_git.night.lease import lease
from pantheon_git.repo import paths
from tests.cli_support import cli
from tests.ledger_kit import NAME, House, house


@pytest.fixture
def at(tmp_path: Path) -> House:
    """A night that was opened, of which one job was written."""
    made = house(tmp_path / "repo")
    made.ledger.open_night(NAME, [made.context(job) for job in ("a.1", "b.1")], {})
    made.ledger.commit_group(NAME, [made.result("a.1")])
    return made


def test_a_night_that_was_cut_off_is_told_from_one_that_runs(at: House) -> None:
    """The ledger cannot know which; the lease does, and the next command is named."""
    told = cli(at.git.path, "report")
    assert told.out.startswith("Not closed (still running, or cut off): 1 accepted, 1 not reached")
    assert "cut off: no runner is at work here; pantheon-git run closes it and does the rest" in told.err
    with lease(paths.state_dir(at.git), "a night of this test"):
        told = cli(at.git.path, "report")
    assert "running: process " in told.err
    assert "(a night of this test)" in told.err


def test_recovered_nights_say_so(at: House) -> None:
    """Closed by the next runner: the headline begins with what happened, the job that was not reached says why."""
    assert at.again().ledger.recover()[-1] == f"night {NAME} was cut off: closed as interrupted"
    told = cli(at.git.path, "report")
    assert told.out.startswith("Interrupted: 1 accepted, 1 not reached")
    assert "b.1: the night was cut off" in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    ("jump", "words"),
    [(90.0, "2 min ahead"), (-7200.0, "2 h 0 min back"), (93600.0, "26 h 0 min ahead")],
)
def test_a_clock_that_was_set_is_told(jump: float, words: str) -> None:
    """By how much and which way; a second of keeping time is no jump."""
    lines = describe_found(Report("n", "closed", "", "", 0.0, 1.0, None, (), {}, clock_jump=jump))
    assert lines == [f"while it ran: somebody set the clock {words}; times of day jump with it, seconds are right"]
    here = Moment.here()
    assert here.jump == 0.0
    assert Moment(here.epoch - jump, here.at).jump == pytest.approx(jump, abs=1)
