"""A night that did not start is seen in the morning: what `run` leaves behind, `night status` and `report`."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pantheon_git.cli.main import cli as command
from pantheon_git.day.install import Place
from pantheon_git.day.standing import standing
from pantheon_git.day.unit import EGRESS, NAME, RECORD, UNITS, Service, files
from pantheon_git.errors import PantheonError
from pantheon_git.night import schedule
from pantheon_git.night.schedule import Attempt, Installed
from pantheon_git.repo.git import Git
from tests.cli_support import cli, make_repo
from tests.night_kit import queued_repo

DAY = 24 * 3600


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def machine(folder: Path, repo: Path, clone: Path | None = None, since: float = 0.0) -> Place:
    """A system in a folder with the night installed for `repo`, its timer and egress block enabled."""
    service = Service("pantheon", "23:00", "06:00", str(repo), "/opt/p")
    for path, text in files(service).items():
        target = folder / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    record = folder / RECORD[1:]
    record.write_text(record.read_text().replace(service.clone, str(clone or repo / ".git")))
    os.utime(record, (since, since))
    for unit, target in ((f"{NAME}.timer", "timers"), (f"{EGRESS}.service", "multi-user")):
        wants = folder / f"{UNITS[1:]}/{target}.target.wants"
        wants.mkdir()
        (wants / unit).symlink_to(f"{UNITS}/{unit}")
    return Place(folder)


@pytest.mark.parametrize(
    ("started", "now", "missed"),
    [
        (None, "2026-03-02T07:00", "2026-03-01T23:00"),
        ("2026-02-28T23:00", "2026-03-02T07:00", "2026-03-01T23:00"),
        ("2026-03-01T23:00:02", "2026-03-02T07:00", None),
        ("2026-03-02T01:30", "2026-03-02T07:00", None),
        ("2026-03-01T22:59:30", "2026-03-02T07:00", None),
        ("2026-02-28T23:00", "2026-03-01T23:05", None),
        ("2026-02-28T23:00", "2026-03-01T23:11", "2026-03-01T23:00"),
        ("2026-02-28T23:00", "2026-03-01T22:00", None),
    ],
)
def test_when_a_night_was_missed(started: str | None, now: str, missed: str | None) -> None:
    """Due and not begun ten minutes later: missed. A start by hand in the night counts; one of the night before does
    not."""
    found = Installed("pantheon", "23:00", "06:00", "/r", "/c", "/p")
    attempt = Attempt(at(started)) if started else None
    assert schedule.missed(found, attempt, at(now)) == (at(missed) if missed else None)


def test_nothing_was_due_before_it_was_installed() -> None:
    """The morning of the installation has nothing to complain of."""
    found = Installed("pantheon", "23:00", "06:00", "/r", "/c", "/p", since=at("2026-03-02T09:00"))
    assert schedule.missed(found, None, at("2026-03-02T10:00")) is None
    assert schedule.missed(found, None, at("2026-03-03T10:00")) == at("2026-03-02T23:00")


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 2**31))
def test_due_times_surround_now(hour: int, minute: int, now: int) -> None:
    """The last one is past, the next one is to come, and both are at that time of day, whatever the clock does."""
    clock = f"{hour:02}:{minute:02}"
    last, following = schedule.last_due(clock, now), schedule.next_due(clock, now)
    assert last <= now < following
    assert following - last <= DAY + 3600
    assert dt.datetime.fromtimestamp(following).strftime("%H:%M") == clock


def test_status_says_what_stands_against_the_next_one(tmp_path: Path) -> None:
    """All is well, then a timer that is off, then a repository that is gone: each in words, with exit code 1."""
    repo = queued_repo(tmp_path / "r", 2)
    place = machine(tmp_path / "m", repo, since=time.time())
    found = standing(place)
    assert (found.against, found.missed, found.exit_code) == ((), None, 0)
    assert found.queue == "2 of 2 tasks in the committed queue would run"
    assert found.next > time.time()
    (tmp_path / f"m{UNITS}/timers.target.wants/{NAME}.timer").unlink()
    assert standing(place).against == (f"{NAME}.timer is not enabled (systemctl enable --now {NAME}.timer)",)
    repo.rename(tmp_path / "elsewhere")
    found = standing(place)
    assert "no such folder" in found.against[1]
    assert found.exit_code == 1


def test_status_from_the_command(tmp_path: Path) -> None:
    """A missed night is named with its time, in text and in JSON; where nothing is installed that is said."""
    repo = queued_repo(tmp_path / "r", 1)
    none = cli(repo, "night", "status", f"--root={tmp_path / 'empty'}")
    assert (none.code, "no night is installed here" in none.out) == (0, True)
    machine(tmp_path / "m", repo)
    done = cli(repo, "night", "status", f"--root={tmp_path / 'm'}")
    due = schedule.last_due("23:00", time.time())
    if time.time() > due + 700:  # not in the minutes after 23:00, when it may yet start
        assert done.code == 1
        assert f"the night of {dt.datetime.fromtimestamp(due):%Y-%m-%d %H:%M} did not start" in done.out
        told = json.loads(cli(repo, "night", "status", f"--root={tmp_path / 'm'}", "--json").out)
        assert told["missed"] == due
        assert told["last"] is None


def test_the_report_says_it_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything else, and also where no night is recorded at all; not in other repositories."""
    repo, other = queued_repo(tmp_path / "r", 1), make_repo(tmp_path / "other")
    place = machine(tmp_path / "m", repo)
    monkeypatch.setattr(schedule, "RECORD", place.at(RECORD))  # the real one belongs to the machine that tests run on
    monkeypatch.setattr(time, "time", lambda: at("2026-03-02T07:00"))
    said = CliRunner().invoke(command, ["-C", str(repo), "report"]).stderr
    assert said.startswith("MISSED: the night of 2026-03-01 23:00 did not start; pantheon-git night status")
    assert "MISSED" not in CliRunner().invoke(command, ["-C", str(other), "report"]).stderr


@pytest.mark.jail
def test_run_leaves_a_word_of_its_start(tmp_path: Path) -> None:
    """Started, ended, how, and which night; one that was refused says why; none of it is needed for the next."""
    repo = queued_repo(tmp_path / "r", 1)
    assert cli(repo, "run", "--engine=control", "--quiet").code == 0
    found = schedule.read_attempt(repo / ".git")
    assert found is not None
    assert found.ended is not None
    assert (found.exit_code, found.why) == (0, "")
    assert found.night in cli(repo, "report", "--list").out
    assert cli(repo, "run", "--only=nothing").code == 1
    refused = schedule.read_attempt(repo / ".git")
    assert refused is not None
    assert (refused.exit_code, refused.night) == (1, None)
    assert "nothing" in refused.why


def test_a_start_that_was_cut_off(tmp_path: Path) -> None:
    """While it runs, and after a kill, there is a start without an end; after Ctrl-C an end without an exit code; what
    cannot be read is no start."""

    def interrupted() -> None:
        with schedule.attempt(tmp_path) as told:
            begun = schedule.read_attempt(tmp_path)
            assert begun is not None
            assert begun.ended is None
            told["night"] = "x"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    ended = schedule.read_attempt(tmp_path)
    assert ended is not None
    assert ended.ended is not None
    assert (ended.exit_code, ended.night) == (None, "x")
    (tmp_path / schedule.ATTEMPT).write_text("{")
    assert schedule.read_attempt(tmp_path) is None


def test_a_broken_record_is_said(tmp_path: Path) -> None:
    """It names the file; silence would look like a night that is well."""
    path = tmp_path / "night.json"
    path.write_text(
        json.dumps({**asdict(Installed("u", "23:00", "06:00", "/r", "/c", "/p")), "at": None}).replace("at", "a")
    )
    with pytest.raises(PantheonError, match=r"night\.json: not a record"):
        schedule.installed(path)
    assert schedule.installed(tmp_path / "none") is None


def test_the_record_knows_its_repositories(tmp_path: Path) -> None:
    """The developer's, from any folder of it, and the night's own; no other."""
    repo, other = make_repo(tmp_path / "r"), make_repo(tmp_path / "o")
    found = Installed("u", "23:00", "06:00", str(repo), str(other / ".git"), "/p")
    assert found.concerns(Git.discover(repo / "docs"))
    assert found.concerns(Git.discover(other / ".git"))
    assert not found.concerns(Git.discover(make_repo(tmp_path / "x")))
