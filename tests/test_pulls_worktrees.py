"""Work trees follow a merged target as a fast-forward would move them, or nothing happens at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.land import merge
from pantheon_git.repo.git import Git
from tests.gate_world import BODY, GOOD, World, git_in, snapshot, with_a_pr


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two tasks asked for, one PR open."""
    return with_a_pr(tmp_path / "repo")


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world.git)


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


def test_odd_work_trees(world: World, tmp_path: Path) -> None:
    """Line endings of the person's choice, files that a sparse checkout leaves out, and a linked work tree whose folder
    is gone: the merge lands and the work tree is clean."""
    git_in(world.path, "worktree", "add", "-q", "-b", "lost", str(tmp_path / "lost"))
    subprocess.run(["rm", "-r", str(tmp_path / "lost")], check=True)
    world.write(".gitattributes", "*.md text eol=crlf\n")
    world.commit("Carriage returns")
    world.run("two", {"docs/b.md": GOOD})
    desk = Desk(world.git)
    assert merge(desk, ["one"])[0].done
    assert (world.path / "docs/a.md").read_bytes() == GOOD.replace(b"\n", b"\r\n")
    assert git_in(world.path, "status", "--porcelain") == ""
    git_in(world.path, "sparse-checkout", "set", "src")
    assert not (world.path / "docs").exists()
    assert merge(desk, ["two"])[0].done
    assert not (world.path / "docs").exists()
    assert git_in(world.path, "status", "--porcelain") == ""
    assert git_in(world.path, "show", "main:docs/b.md").encode() == GOOD.rstrip()


def test_a_file_that_was_only_touched_is_no_change(world: World, desk: Desk) -> None:
    """A newer time stamp alone does not count as a change of the person's."""
    world.write("docs/a.md", BODY)
    os.utime(world.path / "docs/a.md", (1, 1))
    assert merge(desk, ["one"])[0].done


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
