"""Looking at PRs, rejecting them, and what a person did by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError
from pantheon_git.pulls.close import reject
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.land import merge
from pantheon_git.pulls.listing import checkout, diff, list_pulls, open_pulls, show
from tests.gate_world import GOOD, World, git_in, state_of, with_a_pr


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two tasks asked for, one PR open."""
    return with_a_pr(tmp_path / "repo")


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world.git)


def test_looking_at_a_pr(world: World, desk: Desk) -> None:
    """All a person needs: the task, each verdict, who wrote what, the diff, whether it would merge, what to type."""
    view = show(desk, "one")
    assert view.pull.title == "Describe one"
    assert [node.name for node in view.nodes][-1] == "gate"
    assert {(path.path, path.added, path.removed) for path in view.paths} == {
        ("docs/a.md", 3, 0),
        (".pantheon/queue/one.toml", 0, 7),
    }
    assert view.authorship == {"docs/a.md": {"description": "model"}}
    assert (view.faults, view.findings, view.behind) == ([], [], 0)
    assert view.signed.startswith("SHA256:")
    assert "pantheon-git pr merge one.1" in view.next
    patch = diff(desk, "one")
    assert b"+description: What this is about" in patch
    git_in(world.path, "apply", "--check", data=patch)
    world.write("docs/a.md", b"elsewhere\n")
    world.commit()
    view = show(desk, "one")
    assert view.behind == 1
    assert view.findings
    assert "pantheon-git pr merge one.1" not in view.next


def test_checking_out_a_pr(world: World, desk: Desk) -> None:
    """The branch is put into the work tree, and the way back is what is returned."""
    back = checkout(desk, "one")
    assert git_in(world.path, "symbolic-ref", "--short", "HEAD") == "pantheon/pr/one.1"
    git_in(world.path, *back.split()[1:])
    assert git_in(world.path, "symbolic-ref", "--short", "HEAD") == "main"
    world.write("docs/a.md", b"mine\n")
    with pytest.raises(PantheonError, match=r"docs/a\.md"):
        checkout(desk, "one")


def test_a_job_that_failed_is_no_pr(world: World, desk: Desk) -> None:
    """Names that are no PR are refused with the next command."""
    world.run("two", {"docs/b.md": GOOD}, says={"peer-a": "fail"})
    with pytest.raises(PantheonError, match=r"two\.1 is no PR: it ended as failed"):
        show(desk, "two")


def test_rejecting_keeps_the_work_and_says_why(world: World, desk: Desk) -> None:
    """The branch goes, its commit stays reachable, the reason is recorded; a reason is needed; twice is refused."""
    with pytest.raises(PantheonError, match="needs a reason"):
        reject(desk, ["one"], "  ")
    commit = git_in(world.path, "rev-parse", "pantheon/pr/one.1")
    git_in(world.path, "checkout", "-q", "pantheon/pr/one.1")
    (outcome,) = reject(desk, ["one"], "Too vague")
    assert (outcome.done, outcome.branch) == (True, "kept")  # somebody is on it
    git_in(world.path, "checkout", "-q", "main")
    assert state_of(world, "one") == "rejected"
    assert show(desk, "one").events[0]["text"] == "Too vague"
    (outcome,) = reject(desk, ["one"], "Again")
    assert outcome.message == "one.1 is rejected"
    assert not merge(desk, ["one"])[0].done
    world.run("two", {"docs/b.md": GOOD})
    (outcome,) = reject(desk, ["two"], "No")
    assert outcome.branch == "deleted"
    git_in(world.path, "gc", "-q", "--prune=now")
    assert git_in(world.path, "cat-file", "-t", commit) == "commit"


def test_a_merge_by_hand_is_found(world: World, desk: Desk) -> None:
    """`git merge` of the branch counts: the next look records it, once."""
    git_in(world.path, "merge", "-q", "--no-ff", "-m", "by hand", "pantheon/pr/one.1")
    tip = git_in(world.path, "rev-parse", "main")
    world.write("docs/b.md", b"more\n")
    world.commit()
    assert state_of(world, "one") == "pr"  # nobody has signed it yet
    assert list_pulls(desk) == []
    assert merge(desk, ["one"])[0].message == f"one.1 was merged already, as {tip[:12]}; that is now recorded"
    assert show(desk, "one").pull.state == "merged"
    assert open_pulls(desk) == []
    assert open_pulls(desk) == []
    (pull,) = list_pulls(desk, None)
    assert (pull.state, pull.merge) == ("merged", tip)
    assert git_in(world.path, "rev-list", "--count", "refs/pantheon/meta/one.1") == "1"
    assert state_of(world, "one") == "merged"
