"""`pantheon-git freeze` as a person uses it: what is printed, what is signed, and the night that keeps to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_support import cli, git, inside, put
from tests.night_kit import commit, queued_repo, task

QUEUE = ".pantheon/queue"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Three good tasks and one whose scope matches nothing; in the work tree one more and an edit."""
    repo = queued_repo(tmp_path / "repo", 3)
    put(repo / f"{QUEUE}/lost.toml", task("docs/none.md", flow="doc.frontmatter"))
    commit(repo, "One that is not well-posed")
    put(repo / f"{QUEUE}/late.toml", task("docs/d000.md", flow="doc.frontmatter"))
    put(repo / f"{QUEUE}/t002.toml", task("docs/d002.md", flow="doc.frontmatter") + "priority = 2\n")
    return repo


def test_it_says_what_is_frozen_and_what_is_not(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults of `check` (exit code 1), uncommitted edits, tasks not asked for; `--dry-run` writes nothing."""
    done = inside(repo, "freeze", "--dry-run", capsys=capsys)
    assert done.code == 1
    assert [line.split()[0] for line in done.out.splitlines()] == ["JOB", "t000.1", "t001.1", "t002.1", "would"]
    assert "not frozen: lost: .pantheon/queue/lost.toml:" in done.err
    assert f"not frozen: {QUEUE}/late.toml: is not tracked" in done.err
    assert f"not frozen: {QUEUE}/t002.toml: was changed" in done.err
    assert not git(repo, "for-each-ref", "refs/pantheon/frozen")
    made = json.loads(inside(repo, "freeze", "--json", "--only=t000", capsys=capsys).out)
    assert [job["job"] for job in made["jobs"]] == ["t000.1"]
    assert made["not_frozen"]["t001"] == "not asked for"
    shown = git(repo, "show", f"refs/pantheon/frozen/{made['frozen']}:queue.jsonl").splitlines()
    assert (json.loads(shown[0])["commit"], json.loads(shown[1])["job"]) == (made["commit"], "t000.1")
    assert "no such task" in inside(repo, "freeze", "--only=t009", capsys=capsys).err


def test_it_can_be_listed_and_withdrawn(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By a signed record; twice there is nothing to withdraw, and with nothing queued nothing to freeze."""
    inside(repo, "freeze", "-m", "tonight", capsys=capsys)
    assert "3 of 4 tasks would run" in inside(repo, "run", "--dry-run", capsys=capsys).out
    assert inside(repo, "freeze", "--drop", "--dry-run", capsys=capsys).out.startswith("would withdraw ")
    assert inside(repo, "freeze", "--drop", capsys=capsys, check=True).out.startswith("withdrawn: ")
    assert "withdrawn by" in inside(repo, "freeze", "--list", capsys=capsys).out
    assert "none to withdraw" in inside(repo, "freeze", "--drop", capsys=capsys).err
    assert "4 of 4 tasks would run" in inside(repo, "run", "--dry-run", capsys=capsys).out
    git(repo, "rm", "-rqf", QUEUE)
    git(repo, "commit", "-qm", "Nothing left")
    done = inside(repo, "freeze", capsys=capsys)
    assert (done.code, "nothing to freeze" in done.err) == (1, True)


@pytest.mark.jail
def test_the_night_keeps_to_it_and_the_report_and_verify_know(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of four tasks is frozen: that one runs, whatever else is committed; the opening carries the digest."""
    name = json.loads(inside(repo, "freeze", "--json", "--only=t000", capsys=capsys).out)["frozen"]
    done = cli(repo, "run", "--engine=control", check=True)
    assert f"frozen queue {name}: 1 job at " in done.err
    assert "waits: t001: not in the frozen queue" in done.err
    found = json.loads(inside(repo, "report", "--json", capsys=capsys).out)
    assert [job["job"] for job in found["jobs"]] == ["t000.1"]
    git(repo, "branch", "-qD", "pantheon/pr/t000.1")
    inside(repo, "pr", "reject", "t000", "--reason", "once more", capsys=capsys)
    assert "next: pantheon-git freeze" in inside(repo, "retry", "t000", capsys=capsys, check=True).err
    assert found["frozen"]["sha256"]
    assert f"only what was frozen: {name}, by " in inside(repo, "report", capsys=capsys).out
    assert inside(repo, "verify", capsys=capsys).code == 0
    assert " is done: the queue is what main holds" in inside(repo, "run", "--dry-run", capsys=capsys).out
