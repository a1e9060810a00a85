"""`sync`: two clones exchange their nights through a bare repository; nothing is lost and nothing forced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pantheon_git.ledger.meta import Event, add_event
from pantheon_git.ledger.read import job
from tests.cli_support import cli, git, inside, sh
from tests.ledger_kit import House, house

FIRST, SECOND = "20261124T230000Z", "20261125T230000Z"


@pytest.fixture
def clones(tmp_path: Path) -> tuple[House, House, Path]:
    """Two clones of one history that share a bare remote, both set up, one key."""
    left = house(tmp_path / "left", ["a-1", "b-1"])
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "left"), str(bare))
    git(tmp_path, "clone", "-q", str(bare), str(tmp_path / "right"))
    git(tmp_path / "left", "remote", "add", "origin", str(bare))
    right = House(left.git.discover(tmp_path / "right"), left.key)
    for at in (left, right):
        cli(at.git.path, "init", "--no-hook", check=True)
    return left, right, bare


def ledger(folder: Path) -> set[str]:
    out = git(folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/pantheon", "refs/notes")
    return set(out.splitlines())


def test_a_night_travels_and_verifies_on_the_other_side(clones: tuple[House, House, Path]) -> None:
    """One pushes, the other takes it: same refs, the PR's branch is there, and everything verifies."""
    left, right, bare = clones
    left.night([left.result("a-1.1", night=FIRST), left.result("b-1.1", "failed", night=FIRST)], FIRST)
    assert cli(left.git.path, "sync", check=True).out.startswith("took 0 refs from origin, pushed ")
    done = cli(right.git.path, "sync", check=True)
    assert "branches made: a-1.1" in done.out
    assert ledger(left.git.path) == ledger(right.git.path) == ledger(bare)
    assert cli(right.git.path, "verify").code == 0
    assert git(right.git.path, "for-each-ref", "refs/heads/pantheon/pr/a-1.1")


def test_a_frozen_queue_travels(clones: tuple[House, House, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Frozen on one machine, it binds the other; withdrawn there, it binds neither."""
    left, right, _ = clones
    turns = [(left, "freeze", "--only=a-1"), (left, "sync"), (right, "sync"), (right, "run", "--dry-run"),
             (right, "freeze", "--drop"), (right, "sync"), (left, "sync"), (left, "run", "--dry-run"),
             (left, "verify")]  # fmt: skip
    said = [inside(at.git.path, *words, capsys=capsys, check=True).out for at, *words in turns]
    assert "1 of 2 tasks would run" in said[3]
    assert "2 of 2 tasks would run" in said[7]


def test_nights_of_both_sides_are_united(clones: tuple[House, House, Path]) -> None:
    """Both have notes of their own: the union is signed, loses no line, and both end with the same ledger."""
    left, right, bare = clones
    left.night([left.result("a-1.1", night=FIRST)], FIRST)
    right.night([right.result("b-1.1", night=SECOND)], SECOND)
    cli(left.git.path, "sync", check=True)
    assert "the notes of both sides united" in cli(right.git.path, "sync", check=True).out
    cli(left.git.path, "sync", check=True)
    assert ledger(left.git.path) == ledger(right.git.path) == ledger(bare)
    for at in (left, right):
        assert cli(at.git.path, "verify").code == 0
        note = git(at.git.path, "notes", "--ref=pantheon", "show", at.base)
        assert "a-1.1" in note
        assert "b-1.1" in note
    signed = sh(left.git.path, "git", "verify-commit", "refs/notes/pantheon", check=False)
    assert signed.code == 0, signed.err


def test_a_second_sync_has_nothing_to_do(clones: tuple[House, House, Path]) -> None:
    """And changes nothing."""
    left, _, bare = clones
    left.night([left.result("a-1.1", night=FIRST)], FIRST)
    cli(left.git.path, "sync", check=True)
    before = ledger(bare)
    assert cli(left.git.path, "sync", check=True).out == "took 0 refs from origin, pushed 0\n"
    assert ledger(bare) == before


def test_decisions_travel(clones: tuple[House, House, Path]) -> None:
    """What was rejected on one side is rejected on the other, and its branch is not made again."""
    left, right, _ = clones
    left.night([left.result("a-1.1", night=FIRST)], FIRST)
    add_event(
        left.git, left.objects, left.key, job(left.git, left.objects, "a-1.1"), Event("rejected", "A <a@b>", "no")
    )
    cli(left.git.path, "sync", check=True)
    done = cli(right.git.path, "sync", check=True)
    assert "branches made" not in done.out
    rows = json.loads(cli(right.git.path, "log", "--json", check=True).out)
    assert rows[0]["state"] == "rejected"


def test_what_went_two_ways_is_named_and_left(clones: tuple[House, House, Path]) -> None:
    """Both decided about one PR: exit code 1, the ref is named, neither side's decision is lost."""
    left, right, _ = clones
    left.night([left.result("a-1.1", night=FIRST)], FIRST)
    cli(left.git.path, "sync", check=True)
    cli(right.git.path, "sync", check=True)
    for at, what in ((left, "rejected"), (right, "approved")):
        entry = job(at.git, at.again().objects, "a-1.1")
        add_event(at.git, at.again().objects, at.key, entry, Event(what, "A <a@b>", "mine"))  # type: ignore[arg-type]
    cli(left.git.path, "sync", check=True)
    before = ledger(right.git.path)
    done = cli(right.git.path, "sync")
    assert done.code == 1
    assert "refs/pantheon/meta/a-1.1 went two ways" in done.err
    assert ledger(right.git.path) == before


@pytest.mark.parametrize(("remote", "said"), [("nowhere", "there is no remote 'nowhere'"), ("gone", "git fetch gone")])
def test_a_remote_that_cannot_be_used_is_one_line(clones: tuple[House, House, Path], remote: str, said: str) -> None:
    """Unknown, or not there."""
    left, _, bare = clones
    git(left.git.path, "remote", "add", "gone", f"{bare}-gone")
    done = cli(left.git.path, "sync", remote)
    assert (done.code, said in done.err) == (1, True)
