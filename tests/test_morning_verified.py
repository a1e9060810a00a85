"""The report and `verify` from the command line: what is not what was signed is said first, with exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pantheon_git.ledger.anchor import marks_file
from pantheon_git.morning.collect import collect, find_night
from pantheon_git.morning.metrics import Report
from pantheon_git.morning.verified import verified
from pantheon_git.repo import paths
from tests.cli_support import cli, git
from tests.ledger_kit import NAME, House, house


@pytest.fixture
def recorded(tmp_path: Path) -> House:
    at = house(tmp_path / "r", ["a-1", "b-1"])
    at.night([at.result("a-1.1"), at.result("b-1.1", "failed")])
    return at


def report_of(at: House) -> Report:
    return verified(at.git, at.objects, collect(at.git, at.objects, find_night(at.git, at.objects)))


def test_a_good_night_is_called_verified(recorded: House) -> None:
    """With the number of jobs; and one key for nights and reviews is said to be one."""
    report = report_of(recorded)
    assert report.good is True
    assert report.headline == "1 accepted, 1 stopped; verified, 2 jobs"
    assert report.one_key


def test_a_moved_branch_is_the_first_thing_said(recorded: House) -> None:
    """The headline, and exit code 2 of the command."""
    git(recorded.git.path, "update-ref", "refs/heads/pantheon/pr/a-1.1", recorded.base)
    report = report_of(recorded.again())
    assert report.good is False
    assert report.headline.startswith("NOT TO BE TRUSTED: ")
    done = cli(recorded.git.path, "report")
    assert done.code == 2
    assert done.out.startswith("NOT TO BE TRUSTED: ")
    assert cli(recorded.git.path, "verify").code == 2


def test_without_trusted_keys_the_report_says_not_verified(recorded: House) -> None:
    """It is shown all the same: the reader is told, not blocked."""
    paths.trust_file().unlink()
    report = report_of(recorded)
    assert report.good is None
    assert "not verified: no list of trusted keys" in report.headline
    assert cli(recorded.git.path, "verify").code == 1


def test_verify_remembers_what_it_saw(recorded: House) -> None:
    """The first run says that freshness is not proven; after it a rollback of the whole ledger is found."""
    path = recorded.git.path
    before = git(path, "for-each-ref", "--format=%(objectname) %(refname)", "refs/pantheon", "refs/notes")
    marks_file(recorded.git).unlink(missing_ok=True)
    first = cli(path, "verify", check=True)
    assert "not proven: freshness" in first.out
    assert "good: 2 of 2 jobs" in first.out
    assert "not proven" not in cli(path, "verify", check=True).out
    second = recorded.again()
    second.night([second.result("c-1.1", night="20261126T230000Z")], "20261126T230000Z")
    cli(path, "verify", check=True)
    git(path, "update-ref", "-d", "refs/pantheon/runs/20261126T230000Z")
    for line in before.splitlines():
        oid, ref = line.split()
        git(path, "update-ref", ref, oid)
    done = cli(path, "verify")
    assert done.code == 2
    assert "20261126T230000Z" in done.err


def test_verify_works_in_a_fresh_clone_with_the_public_key_alone(recorded: House, tmp_path: Path) -> None:
    """A clone that fetched the refs, another home, no private key, no network."""
    clone = tmp_path / "clone.git"
    git(tmp_path, "clone", "-q", "--mirror", str(recorded.git.path), str(clone))
    line = cli(recorded.git.path, "keys", "export", check=True).out
    other = {"XDG_CONFIG_HOME": str(tmp_path / "other"), "XDG_STATE_HOME": str(tmp_path / "state")}
    cli(clone, "keys", "trust", "-", "--yes", env=other, text=line, check=True)
    assert "good: 2 of 2 jobs" in cli(clone, "verify", env=other, check=True).out


def test_json_is_a_stream_of_verdicts_with_a_summary_at_the_end(recorded: House) -> None:
    """For scripts: a line for each job and night as it is verified, each fault with its place, counts and exit code."""
    git(recorded.git.path, "update-ref", "-d", "refs/pantheon/failed/b-1.1")
    git(recorded.git.path, "update-ref", "refs/heads/pantheon/pr/a-1.1", recorded.base)
    done = cli(recorded.git.path, "verify", "--json", "--night", NAME)
    *verdicts, last = [json.loads(line) for line in done.out.splitlines()]
    assert last["summary"]["exit_code"] == done.code == 2
    assert last["summary"]["first"] == next(told for told in verdicts if told["kind"] == "tampered")
    assert [told["kind"] for told in verdicts if told["job"] == "a-1.1"] == ["tampered"]
    assert [told["kind"] for told in verdicts if told["job"] == "b-1.1"] == ["good"]
