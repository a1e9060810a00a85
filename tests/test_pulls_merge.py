"""Merging and rejecting PRs in real repositories: what is signed is what lands, and a refusal changes nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.keys import generate
from pantheon_git.ledger.read import task_states
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.pulls.close import reject
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.land import merge
from pantheon_git.pulls.listing import checkout, diff, list_pulls, open_pulls, show
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from tests.gate_world import BODY, World, git_in

GOOD = b"---\ndescription: What this is about\n---\n" + BODY


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two tasks asked for, one PR open."""
    world = World(tmp_path / "repo")
    world.add_task("one", "docs/a.md")
    world.add_task("two", "docs/b.md")
    world.commit("Ask")
    assert world.run("one", {"docs/a.md": GOOD}).committed is not None
    return world


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world.git)


def snapshot(world: World) -> tuple[str, str, str]:
    """Every ref, the state of the work tree, and the index."""
    refs = git_in(world.path, "for-each-ref", "--format=%(objectname) %(refname)")
    return refs, git_in(world.path, "status", "--porcelain"), git_in(world.path, "ls-files", "-s")


def state_of(world: World, task: str) -> str:
    tree = git_in(world.path, "rev-parse", "main^{tree}")
    return task_states(world.git, world.objects, tree)[task].state


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


def test_changes_elsewhere_stay_and_changes_in_the_way_stop_the_merge(world: World, desk: Desk) -> None:
    """Local edits of other files survive a merge; an edit of a touched file, or an untracked file where one would be
    written, refuses it with nothing changed."""
    world.write("docs/a.md", b"mine\n")
    before = snapshot(world)
    (outcome,) = merge(desk, ["one"])
    assert not outcome.done
    assert "changes of yours in the way" in outcome.message
    assert "docs/a.md" in outcome.message
    assert snapshot(world) == before
    world.write("docs/a.md", BODY)
    world.write("docs/b.md", b"mine\n")
    world.write("new.txt", b"mine too\n")
    (outcome,) = merge(desk, ["one"])
    assert outcome.done, outcome.message
    assert git_in(world.path, "status", "--porcelain").splitlines() == ["M docs/b.md", "?? new.txt"]


def test_an_untracked_file_in_the_way_is_never_overwritten(world: World, desk: Desk) -> None:
    """A file that the merge would write and git does not know stays as it is."""
    world.add_task("three", "docs/*.md")
    world.commit()
    world.run("three", {"docs/new.md": GOOD})
    world.write("docs/new.md", b"precious\n")
    before = snapshot(world)
    (outcome,) = merge(desk, ["three"])
    assert not outcome.done
    assert "docs/new.md" in outcome.message
    assert snapshot(world) == before


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


def test_merging_in_a_bare_repository(world: World, tmp_path: Path) -> None:
    """No work tree is needed: a mirror merges just so."""
    bare = tmp_path / "bare.git"
    git_in(tmp_path, "clone", "-q", "--mirror", str(world.path), str(bare))
    for name, value in (("user.name", "Ada Person"), ("user.email", "ada@example.org")):
        git_in(bare, "config", name, value)
    desk = Desk(Git.discover(bare))
    (outcome,) = merge(desk, ["one"])
    assert outcome.done, outcome.message
    assert outcome.updated == []
    assert git_in(bare, "show", "main:docs/a.md").encode() == GOOD.rstrip()


def test_every_work_tree_that_shows_the_target_follows(world: World, tmp_path: Path) -> None:
    """The target may be checked out in a linked work tree while the main one is elsewhere, and be merged from there."""
    linked = tmp_path / "linked tree"
    git_in(world.path, "checkout", "-q", "-b", "elsewhere")
    git_in(world.path, "worktree", "add", "-q", str(linked), "main")
    (outcome,) = merge(Desk(world.git), ["one"])
    assert outcome.updated == [str(linked)]
    assert (linked / "docs/a.md").read_bytes() == GOOD
    assert git_in(linked, "status", "--porcelain") == ""
    assert (world.path / "docs/a.md").read_bytes() == BODY


def test_a_merge_or_rebase_under_way_stops_it(world: World, desk: Desk) -> None:
    """A branch that is being rebased, or in the middle of a merge, is not moved."""
    git_in(world.path, "update-ref", "MERGE_HEAD", "main~1")
    (outcome,) = merge(desk, ["one"])
    assert "a merge of main is under way" in outcome.message
    git_in(world.path, "update-ref", "-d", "MERGE_HEAD")
    rebase = world.path / ".git" / "rebase-merge"
    rebase.mkdir()
    (rebase / "head-name").write_text("refs/heads/main\n")
    git_in(world.path, "checkout", "-q", "--detach")
    (outcome,) = merge(desk, ["one"])
    assert "a rebase of main is under way" in outcome.message


def test_a_refused_ref_transaction_puts_the_files_back(world: World, desk: Desk) -> None:
    """A hook that says no stops the merge: branch, files and index are as before."""
    hook = world.path / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" = prepared ] && grep -q refs/heads/main && exit 1\nexit 0\n')
    hook.chmod(0o755)
    before = snapshot(world)
    (outcome,) = merge(desk, ["one"])
    assert not outcome.done
    assert snapshot(world) == before
    hook.unlink()
    assert merge(desk, ["one"])[0].done


def test_a_merge_by_hand_is_found(world: World, desk: Desk) -> None:
    """`git merge` of the branch counts: the next look records it, once."""
    git_in(world.path, "merge", "-q", "--no-ff", "-m", "by hand", "pantheon/pr/one.1")
    tip = git_in(world.path, "rev-parse", "main")
    world.write("docs/b.md", b"more\n")
    world.commit()
    assert list_pulls(desk) == []
    assert merge(desk, ["one"])[0].message == f"one.1 is merged as {tip[:12]}"
    assert show(desk, "one").pull.state == "merged"
    assert state_of(world, "one") == "pr"  # nobody has signed it yet
    assert open_pulls(desk) == []
    assert open_pulls(desk) == []
    (pull,) = list_pulls(desk, None)
    assert (pull.state, pull.merge) == ("merged", tip)
    assert git_in(world.path, "rev-list", "--count", "refs/pantheon/meta/one.1") == "1"
    assert state_of(world, "one") == "merged"


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
