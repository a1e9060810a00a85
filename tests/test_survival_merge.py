"""`pr merge` killed half-way: the next command finishes it or undoes it and says so; nobody commits half of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pantheon_git.cli import settled
from pantheon_git.errors import PantheonError
from pantheon_git.pulls import journal, land
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.land import merge
from pantheon_git.pulls.settle import settle
from pantheon_git.repo import held_index
from pantheon_git.repo.refs import RefUpdate, update_refs
from tests.cli_support import cli
from tests.gate_world import BODY, GOOD, World, git_in, snapshot, with_a_pr
from tests.merge_kill_kit import campaign, can_trace


class Killed(BaseException):
    """Nothing of ours catches it: what `kill -9` leaves, but in this process."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two tasks asked for, one PR open."""
    return with_a_pr(tmp_path / "repo")


@pytest.mark.skipif(not can_trace(), reason="apt install strace, where it may trace")
def test_killed_at_some_of_its_system_calls() -> None:
    """A small share of `python -m tests.merge_kill_kit`."""
    figures = [*campaign(2, seed=5)][-1]
    assert figures.problems == []
    assert figures.states["killed"] == 2


@pytest.fixture
def half(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A merge that died between its files and its branch, its locks left behind."""
    with monkeypatch.context() as patch:
        patch.setattr(land, "update_refs", _die)
        patch.setattr(land, "undo", _nothing)
        patch.setattr(land, "sweep", _nothing)
        patch.setattr(journal, "remove", _nothing)
        patch.setattr(held_index.HeldIndex, "clear", _nothing)
        with pytest.raises(Killed):
            merge(Desk(world.git), ["one"])
    (world.path / ".git/index.lock").write_bytes(held_index.MARK + b"1\n")
    return world


def _die(*_: object) -> None:
    raise Killed


def _nothing(*_: object) -> None:
    return None


def test_commands_that_look_say_it_and_change_nothing(half: World) -> None:
    """`pr list` and `report` tell of it, and name what to type; the person's own git cannot commit half of it."""
    before = snapshot(half)
    line = "cut off: the merge of one.1 into main was cut off half-way; pantheon-git pr merge one.1 finishes or undoes"
    for words in (("pr", "list"), ("report",), ("pr", "merge", "--dry-run", "one")):
        assert line in cli(half.path, *words).err, words
    with pytest.raises(AssertionError, match=r"index\.lock"):
        git_in(half.path, "commit", "-qam", "Mine")
    assert snapshot(half) == before


def test_a_command_that_writes_undoes_it_and_says_so(half: World) -> None:
    """The branch had not moved: files and index are as before; a path that was changed since stays, and is named."""
    half.write("docs/b.md", b"mine\n")
    done = cli(half.path, "retry", "one")
    assert (
        "put right: the merge of one.1 into main was cut off half-way and is undone: nothing of it is left" in done.err
    )
    assert (half.path / "docs/a.md").read_bytes() == BODY
    assert git_in(half.path, "status", "--porcelain") == "M docs/b.md"
    assert not (half.path / ".git/index.lock").exists()
    assert settle(Desk(half.git)) is None
    assert merge(Desk(half.git), ["one"])[0].state == "merged"


def test_what_a_person_wrote_since_stays(half: World) -> None:
    """A file that is neither what stood there nor what the merge wrote is left, and named."""
    half.write("docs/a.md", b"precious\n")
    outcome = settle(Desk(half.git))
    assert outcome is not None
    assert "changed since, and left as they are: docs/a.md" in outcome.message
    assert (half.path / "docs/a.md").read_bytes() == b"precious\n"
    assert git_in(half.path, "diff", "--cached", "--name-only") == "", "nothing of the merge is staged"


@pytest.mark.parametrize("torn", [b"", GOOD[:20], GOOD[:20] + bytes(4076)])
def test_a_torn_file_is_put_back(half: World, torn: bytes) -> None:
    """A kill cuts a file that git writes; a power cut empties it, or leaves zeros in it."""
    half.write("docs/a.md", torn)
    outcome = settle(Desk(half.git))
    assert outcome is not None
    assert outcome.message.endswith("nothing of it is left")
    assert (half.path / "docs/a.md").read_bytes() == BODY


def test_a_branch_that_moved_is_finished(half: World) -> None:
    """Died after the branch had moved: it is recorded, and `pr merge` of it says so instead of refusing."""
    found = journal.read(half.git)
    assert found is not None
    update_refs(half.git, [RefUpdate(found.target, found.new, found.old)])
    (outcome,) = merge(Desk(half.git), ["one"])
    assert (outcome.done, outcome.state, outcome.commit) == (True, "merged", found.new)
    assert "after the branch had moved: it is whole, and recorded as" in outcome.message
    assert git_in(half.path, "status", "--porcelain") == ""
    assert journal.read(half.git) is None


def test_a_branch_that_went_elsewhere_is_left(half: World) -> None:
    """A person removed the lock and committed: that is theirs, and no command of ours takes it back."""
    (half.path / ".git/index.lock").unlink()
    git_in(half.path, "commit", "-qm", "Mine")
    tip = git_in(half.path, "rev-parse", "main")
    outcome = settle(Desk(half.git))
    assert outcome is not None
    assert not outcome.done
    assert "main was moved since, so nothing was undone" in outcome.message
    assert git_in(half.path, "rev-parse", "main") == tip
    assert settle(Desk(half.git)) is None


def test_the_lock_of_the_persons_own_git_is_respected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another git holds the index nothing is merged; which it is, and what to do, is said."""
    monkeypatch.setattr(held_index, "_PATIENCE_SECONDS", 0.1)
    lock = world.path / ".git/index.lock"
    lock.touch()
    (outcome,) = merge(Desk(world.git), ["one"])
    assert not outcome.done
    assert f"{lock}: another git is at work in this work tree, or one died" in outcome.message
    lock.unlink()
    assert merge(Desk(world.git), ["one"])[0].done


def test_a_journal_that_nobody_can_read_is_named(world: World) -> None:
    """Only we write it; anything else there is told, with what to do, and stops no look at the PRs but merges."""
    (world.path / ".git" / journal.NAME).write_text('{"job": "one.1"}')
    with pytest.raises(PantheonError, match="cannot be read, so it is not known which merge was cut off") as caught:
        settle(Desk(world.git))
    assert caught.value.hint.endswith(f"rm {world.path}/.git/{journal.NAME}")


def test_a_git_killed_in_a_failing_merge_is_undone_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the git under it dies, the merge itself puts everything back, the lock of its branch too."""
    before = snapshot(world)
    real = land.update_refs

    def dies(*words: object) -> None:
        (world.path / ".git/refs/heads/main.lock").touch()
        monkeypatch.setattr(land, "update_refs", real)
        raise PantheonError("git died")

    monkeypatch.setattr(land, "update_refs", dies)
    (outcome,) = merge(Desk(world.git), ["one"])
    assert not outcome.done
    assert snapshot(world) == before
    assert merge(Desk(world.git), ["one"])[0].done


def test_names_agree() -> None:
    """The command line looks for the journal without loading what writes it."""
    assert settled.NAME == journal.NAME
    assert os.sep not in journal.NAME
