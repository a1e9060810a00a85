"""The hook `reference-transaction` in real repositories with real nights: the ledger only grows, and git goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_support import Done, cli, git, program_on_path, put, sh
from tests.hooks_kit import copied, made_night

pytestmark = pytest.mark.jail


@pytest.fixture
def repo(tmp_path: Path, home: Path) -> Path:
    return copied(made_night(), tmp_path / "repo", home)


def refs(repo: Path) -> str:
    return git(repo, "for-each-ref", "refs/pantheon", "refs/notes", "refs/heads")


def attempt(repo: Path, command: str, env: dict[str, str] | None = None) -> Done:
    return sh(repo, "sh", "-c", command, check=False, env=env)


RUN = "$(git for-each-ref --format='%(refname)' refs/pantheon/runs)"
WAYS = {
    "a run is deleted": f"git update-ref -d {RUN}",
    "the notes are deleted": "git update-ref -d refs/notes/pantheon",
    "a ref is deleted among others": f"printf 'create refs/heads/x HEAD\\ndelete %s\\n' {RUN} | git update-ref --stdin",
    "a run is rewound": f"git update-ref {RUN} {RUN}^",
    "a run is replaced by what is not signed": f"git update-ref {RUN} HEAD",
    "a run grows by what is not signed": f"git update-ref {RUN} $(git commit-tree -p {RUN} -m x {RUN}^{{tree}})",
    "the old value is given too": f"git update-ref {RUN} HEAD {RUN}",
    "a note is removed": "git notes --ref=pantheon remove pantheon/pr/t000.1",
    "a note is overwritten": "git notes --ref=pantheon add -f -m mine pantheon/pr/t000.1",
    "the notes are replaced": "git update-ref refs/notes/pantheon HEAD",
    "a push into the own repository": f"git push -q . +HEAD:{RUN}",
    "a deletion by push": f"git push -q . :{RUN}",
    "a mirror prunes": "git init -q --bare ../empty && git fetch -q --prune ../empty '+refs/*:refs/*'",
    "a forced fetch": f"git fetch -q . +HEAD:{RUN}",
    "from a linked worktree": f"git worktree add -q ../linked && git -C ../linked update-ref -d {RUN}",
    "a night is made up": "git update-ref refs/pantheon/runs/20990101T000000Z HEAD",
    "a review is made up": "git update-ref refs/pantheon/meta/t000.1 HEAD",
    "a frozen queue is made up": "git update-ref refs/pantheon/frozen/20990101T000000Z HEAD",
    "a night's commit as a frozen queue": f"git update-ref refs/pantheon/frozen/20990101T000000Z {RUN}",
    "from a folder below": f"cd docs && git update-ref -d {RUN}",
    "with the git directory named": f"cd / && export GIT_DIR=$OLDPWD/.git && git update-ref -d {RUN}",
}  # fmt: skip


def test_no_ref_of_the_ledger_is_taken_away(repo: Path) -> None:
    """Every way git has to delete, rewind or replace it is refused with the ref and the reason; nothing has moved."""
    before = refs(repo)
    for way, command in WAYS.items():
        done = attempt(repo, command)
        assert done.code != 0, way
        assert "pantheon-git: refs/" in done.err, way
        assert "hint: " in done.err, way
        assert [line for line in refs(repo).splitlines() if "linked" not in line] == before.splitlines(), way


def test_what_is_not_the_ledgers_is_free(repo: Path) -> None:
    """Branches, tags, other notes, housekeeping: as without the hook; then everything verifies. (git 2.39 tells the
    hook of a deletion when `gc` drops the file of a ref that it has just packed.)"""
    for command in (
        "git branch x && git branch -f x HEAD && git branch -m x y && git branch -D y",
        "git tag t && git tag -d t",
        "git notes add -m mine HEAD && git notes remove HEAD",
        "git update-ref refs/pantheon-remote/o/runs/x HEAD && git update-ref -d refs/pantheon-remote/o/runs/x",
        "git checkout -q -b z && git commit -q --allow-empty -m z && git commit -q --amend --allow-empty -m y",
        "git reset -q --hard HEAD^",
        "git checkout -q main && git stash -q || true",
        "git reflog expire --expire=now --all && git pack-refs --all --prune && git gc -q --prune=now",
        "git pack-refs --all --prune && git prune && git repack -qad",
        "git worktree add -q ../other && git worktree remove ../other",
    ):
        done = attempt(repo, command)
        assert done.code == 0, (command, done.both)
    assert cli(repo, "verify").code == 0


def test_a_packed_ref_is_not_deleted_either(repo: Path) -> None:
    """Packed, packed with its file still there, and packed while another version is loose."""
    for pack in ("git pack-refs --all --prune", "git pack-refs --all --no-prune"):
        assert attempt(repo, pack).code == 0
        for way in ("a run is deleted", "the notes are deleted", "a deletion by push"):
            before = refs(repo)
            assert attempt(repo, WAYS[way]).code != 0, (pack, way)
            assert refs(repo) == before, (pack, way)


def test_our_own_moves_pass(repo: Path) -> None:
    """Merging, rejecting and another night write the ledger under the hook; it judges the moves, not who makes them."""
    assert cli(repo, "pr", "merge", "t000").code == 0
    assert cli(repo, "pr", "reject", "t001", "--reason", "no").code == 0
    assert cli(repo, "retry", "t001").code == 0
    done = cli(repo, "run", "--engine=control", "--quiet")
    assert done.code == 0, done.both
    assert cli(repo, "verify").code == 0


def test_stock_git_may_add_notes(repo: Path) -> None:
    """`git notes append` and `add` on other commits grow the notes, so they pass; `verify` tells what is unsigned."""
    assert attempt(repo, "git notes --ref=pantheon append -m 'a remark' HEAD").code == 0
    assert attempt(repo, "git notes --ref=pantheon add -m 'a remark' HEAD^").code in (0, 128)
    assert cli(repo, "verify").code == 2


def test_the_hook_that_was_there_runs_first_and_its_no_is_a_no(repo: Path, tmp_path: Path) -> None:
    """With the same words and lines, in every phase."""
    hooks = repo / ".git/hooks"
    (hooks / "reference-transaction").unlink()
    told = tmp_path / "told"
    hook = put(
        hooks / "reference-transaction", f'#!/bin/sh\necho "$1" >> {told}\ncat >> {told}\n[ ! -e {told}.stop ]\n'
    )
    hook.chmod(0o755)
    cli(repo, "init", check=True)
    git(repo, "branch", "x")
    assert told.read_text().split("\n")[0] == "prepared"
    assert "refs/heads/x" in told.read_text()
    assert "committed" in told.read_text()
    assert attempt(repo, WAYS["a run is deleted"]).code != 0
    put(Path(f"{told}.stop"), "")
    assert attempt(repo, "git branch y").code != 0


def test_an_unrelated_move_starts_no_python(repo: Path, tmp_path: Path) -> None:
    """The script alone decides: with a program that leaves a trace in place of ours, there is none."""
    trace = tmp_path / "trace"
    program = put(tmp_path / "fake", f'#!/bin/sh\necho "$@" >> {trace}\nexit 1\n')
    program.chmod(0o755)
    hook = repo / ".git/hooks/reference-transaction"
    lines = hook.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("PANTHEON_GIT="))
    hook.write_text("\n".join([*lines[:at], f"PANTHEON_GIT={program}", *lines[at + 1 :]]) + "\n")
    for command in ("git commit -q --allow-empty -m x", "git branch x", "git tag t", "git update-ref refs/stash HEAD"):
        assert attempt(repo, command).code == 0
    assert not trace.exists()
    assert attempt(repo, WAYS["a run is deleted"]).code != 0
    assert trace.read_text() == "hook reference-transaction\n"


def test_without_the_program_the_ledger_stands_still(repo: Path) -> None:
    """A hook that cannot ask refuses moves of the ledger, says how to be rid of it, and lets all else pass."""
    hook = repo / ".git/hooks/reference-transaction"
    hook.write_text("\n".join("PANTHEON_GIT=" if line.startswith("PANTHEON_GIT=") else line
                              for line in hook.read_text().splitlines()) + "\n")  # fmt: skip
    bare = {"PATH": "/usr/bin:/bin"}
    assert shutil.which("pantheon-git", path=bare["PATH"]) is None
    done = attempt(repo, WAYS["a run is deleted"], env=bare)
    assert done.code != 0
    assert "not found" in done.err
    assert attempt(repo, "git branch x", env=bare).code == 0


@pytest.mark.parametrize("how", ["removed", "emptied", "hooksPath"])
def test_taking_the_hooks_away_makes_nothing_good(repo: Path, how: str, tmp_path: Path) -> None:
    """Without any hook the same tampering succeeds, and `verify` and `pr merge` say no to it all the same."""
    hooks = repo / ".git/hooks"
    assert cli(repo, "verify").code == 0, "and this is the anchor"
    if how == "hooksPath":
        git(repo, "config", "core.hooksPath", "/dev/null")
    for hook in hooks.iterdir():
        if how == "removed":
            hook.unlink()
        elif how == "emptied":
            hook.write_text("#!/bin/sh\nexit 0\n")
    tip = git(repo, "rev-parse", "pantheon/pr/t000.1").strip()
    forged = git(repo, "commit-tree", "-p", f"{tip}^", "-m", "forged", f"{tip}^{{tree}}").strip()
    git(repo, "update-ref", "refs/heads/pantheon/pr/t000.1", forged)
    assert cli(repo, "pr", "merge", "t000").code != 0
    git(repo, "update-ref", "refs/heads/pantheon/pr/t000.1", tip)
    assert attempt(repo, WAYS["a run is replaced by what is not signed"]).code == 0
    assert cli(repo, "verify").code == 2
    assert cli(repo, "pr", "merge", "t001").code != 0
    assert attempt(repo, WAYS["a run is deleted"]).code == 0
    assert cli(repo, "verify").code == 2
    assert cli(repo, "pr", "merge", "t001").code != 0
    assert git(repo, "log", "-1", "--format=%s").strip() == "Queue"


def test_doctor_says_which_are_in_place(repo: Path, tmp_path: Path) -> None:
    """One line for each hook; a missing one is a note, and no reason for a night not to run."""
    (repo / ".git/hooks/pre-push").unlink()
    said = cli(repo, "doctor", env=program_on_path(tmp_path / "bin")).out
    assert "reference-transaction hook: in place" in said
    assert "pre-push hook: not installed" in said
