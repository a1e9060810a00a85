"""Merging PRs in real repositories: what is signed is what lands, and a refusal changes nothing."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.keys import generate
from pantheon_git.ledger.trust import Revoked
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.pulls.close import reject
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.land import merge
from pantheon_git.pulls.listing import list_pulls, show
from pantheon_git.repo import paths
from pantheon_git.repo.refs import read_refs
from tests.gate_world import BODY, GOOD, World, git_in, snapshot, state_of, with_a_pr


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two tasks asked for, one PR open."""
    return with_a_pr(tmp_path / "repo")


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world.git)


def test_a_merge_lands_signed_and_updates_the_work_tree(world: World, desk: Desk) -> None:
    """The target moves to a signed merge with its trailers; files and index follow; the task is merged and gone."""
    base = git_in(world.path, "rev-parse", "main")
    notes = git_in(world.path, "rev-parse", "refs/notes/pantheon")
    (outcome,) = merge(desk, ["one"])
    assert (outcome.done, outcome.state, outcome.message) == (True, "merged", outcome.message)
    tip = git_in(world.path, "rev-parse", "main")
    assert outcome.commit == tip
    job_commit = git_in(world.path, "rev-parse", "main^2")
    assert git_in(world.path, "rev-parse", "main^1") == base
    assert git_in(world.path, "status", "--porcelain") == ""
    assert (world.path / "docs/a.md").read_bytes() == GOOD
    assert not (world.path / ".pantheon/queue/one.toml").exists()
    assert "Good" in subprocess.run(
        ["git", "-C", str(world.path), "verify-commit", "main"], capture_output=True, text=True, check=True
    ).stderr  # fmt: skip
    trailers = git_in(world.path, "log", "-1", "--format=%(trailers:only)", "main").splitlines()
    assert trailers[0] == "Pantheon-Job: one.1"
    assert trailers[2:] == [f"Pantheon-Ledger: {notes}", "Reviewed-by: Ada Person <ada@example.org>"]
    assert git_in(world.path, "log", "-1", "--format=%an <%ae>") == "Ada Person <ada@example.org>"
    assert state_of(world, "one") == "merged"
    assert outcome.branch == "deleted"
    git_in(world.path, "gc", "-q", "--prune=now")
    assert git_in(world.path, "cat-file", "-t", job_commit) == "commit"
    assert git_in(world.path, "fsck", "--strict", "--no-dangling") == ""
    (again,) = merge(desk, ["one.1"])
    assert not again.done
    assert again.message == f"one.1 is merged as {tip[:12]}"


def test_the_target_may_have_moved_meanwhile(world: World, desk: Desk) -> None:
    """A target with other commits gets a true merge; one that edited the same lines refuses, and says to retry."""
    world.run("two", {"docs/b.md": GOOD})
    world.write("docs/a.md", BODY + b"\nA new last line.\n")
    world.commit("Same file, other place")
    (outcome,) = merge(desk, ["one"])
    assert outcome.done, outcome.message
    assert (world.path / "docs/a.md").read_bytes() == GOOD + b"\nA new last line.\n"
    world.write("docs/b.md", b"---\ndescription: Another one\n---\n" + BODY)
    world.commit("Same lines")
    before = snapshot(world)
    (outcome,) = merge(desk, ["two"])
    assert not outcome.done
    assert "docs/b.md: does not merge onto" in outcome.message
    assert "pantheon-git retry two" in outcome.hint
    assert snapshot(world) == before


def test_a_task_that_was_edited_meanwhile(world: World, desk: Desk) -> None:
    """A PR answers one revision of its task; when the task was edited, it says so. One that was withdrawn merges."""
    world.add_task("one", "docs/*.md")
    world.commit("Ask for more")
    (outcome,) = merge(desk, ["one"])
    assert ".pantheon/queue/one.toml: the task was edited since" in outcome.message
    (world.path / ".pantheon/queue/one.toml").unlink()
    world.commit("Never mind")
    assert merge(desk, ["one"])[0].done


def test_several_at_once_each_on_the_last(world: World, desk: Desk) -> None:
    """One call merges several PRs in turn; one that is refused does not stop the others."""
    world.run("two", {"docs/b.md": GOOD})
    outcomes = merge(desk, ["one", "nosuch", "pantheon/pr/two.1"])
    assert [outcome.done for outcome in outcomes] == [True, False, True]
    assert "no job nosuch" in outcomes[1].message
    assert git_in(world.path, "rev-list", "--count", "--merges", "main") == "2"
    assert git_in(world.path, "status", "--porcelain") == ""
    assert list_pulls(desk) == []
    assert [pull.state for pull in list_pulls(desk, None)] == ["merged", "merged"]


def test_a_moved_branch_is_refused(world: World, desk: Desk) -> None:
    """What was added to the branch after the gate was never judged; a branch that is gone is named with its remedy."""
    tip = git_in(world.path, "rev-parse", "pantheon/pr/one.1")
    other = git_in(world.path, "commit-tree", "-p", tip, "-m", "sneak", f"{tip}^{{tree}}")
    git_in(world.path, "update-ref", "refs/heads/pantheon/pr/one.1", other)
    before = snapshot(world)
    (outcome,) = merge(desk, ["one"])
    assert not outcome.done
    assert "moved" in outcome.message
    assert snapshot(world) == before
    assert show(desk, "one").faults
    git_in(world.path, "update-ref", "-d", "refs/heads/pantheon/pr/one.1")
    (outcome,) = merge(desk, ["one"])
    assert "is gone" in outcome.message
    git_in(world.path, *outcome.hint.split()[1:])
    assert merge(desk, ["one"])[0].done


def test_a_night_that_nobody_trusts_is_not_merged(world: World) -> None:
    """With the night's key no longer pinned, merging stops with exit code 2: tampered."""
    other = generate(paths.keys_dir() / "other")
    paths.person_key()  # the night's own until a person has made another
    paths.trust_file().write_text(f'pantheon-night,pantheon-person namespaces="git" {other.public.line()}\n')
    (paths.keys_dir() / "other").rename(paths.keys_dir() / "person")
    (outcome,) = merge(Desk(world.git), ["one"])
    assert not outcome.done
    assert outcome.exit_code == 2
    assert "unknown key" in outcome.message


def test_a_key_that_does_not_count_signs_nothing(world: World) -> None:
    """A person whose key is not trusted for merges is told before anything is looked at."""
    generate(paths.keys_dir() / "person")
    with pytest.raises(PantheonError, match="does not count"):
        merge(Desk(world.git), ["one"])


def test_what_was_tampered_with_is_never_merged(world: World, desk: Desk) -> None:
    """A note that stock git changed, or artifacts that are not those that were signed: exit code 2, nothing changed."""
    commit = git_in(world.path, "rev-parse", "pantheon/pr/one.1")
    git_in(world.path, "notes", "--ref=pantheon", "append", "-m", "looks good", commit)
    before = snapshot(world)
    (outcome,) = merge(desk, ["one"])
    assert (outcome.done, outcome.exit_code) == (False, 2)
    assert "refs/notes/pantheon" in outcome.message
    assert snapshot(world) == before
    assert show(desk, "one").faults[0].startswith("TAMPERED")


def test_the_ledger_verifies_after_all_that(world: World, desk: Desk) -> None:
    """Merges and rejections leave a ledger in which `verify` finds nothing wrong, and an anchor for later."""
    world.run("two", {"docs/b.md": GOOD})
    assert merge(desk, ["one"])[0].done
    assert reject(desk, ["two"], "No")[0].done
    summary = summarise(verify(world.git, desk.keys))
    assert (summary.exit_code, summary.first, summary.jobs) == (0, None, 2)
    assert summary.remarks == ()


def test_what_a_revoked_key_gave_an_early_date_is_not_merged(world: World, desk: Desk) -> None:
    """The entry's time is before the revocation, but the ledger of that day did not hold it; had it, it would merge."""
    honest, later, refs = desk.keys, 4_000_000_000.0, read_refs(world.git)
    (key_id,) = {entry.key.key_id for entry in honest.entries}
    desk.__dict__["keys"] = replace(honest, revoked={key_id: Revoked(later, {})})
    (outcome,) = merge(desk, ["one"])
    assert not outcome.done
    assert "was not in the ledger when it was" in outcome.message
    desk.__dict__["keys"] = replace(honest, revoked={key_id: Revoked(later, refs)})
    (outcome,) = merge(desk, ["one"])
    assert outcome.done, outcome.message
