"""Protected branches, what a push may send of the ledger, and what a team's bare repository takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.repo import paths
from tests.cli_support import Done, cli, git, put, sh
from tests.hooks_kit import copied, made_night

pytestmark = pytest.mark.jail
PROTECT = 'schema = 1\n[protect]\nbranches = ["main", "release/*"]\n'


@pytest.fixture
def repo(tmp_path: Path, home: Path) -> Path:
    return copied(made_night(), tmp_path / "repo", home)


def attempt(repo: Path, command: str) -> Done:
    return sh(repo, "sh", "-c", command, check=False)


def sign_with(repo: Path, key: Path) -> None:
    git(repo, "config", "gpg.format", "ssh")
    git(repo, "config", "user.signingKey", str(key))


def protect(repo: Path) -> None:
    put(repo / ".pantheon/policy.toml", PROTECT)
    git(repo, "add", ".pantheon/policy.toml")
    git(repo, "commit", "-qm", "Protect main")


def test_a_protected_branch_takes_signed_commits_only(repo: Path) -> None:
    """From the commit that protects it on: what is not signed by a trusted person, and what takes anything away, is
    refused; `pr merge` and `git commit -S` go on; other branches are free. The policy that counts is the branch's own,
    not what would replace it, so nobody lifts the protection by an unsigned commit."""
    protect(repo)
    before = git(repo, "rev-parse", "main")
    git(repo, "checkout", "-qb", "work")
    git(repo, "commit", "-qm", "unsigned", "--allow-empty")
    git(repo, "branch", "release/1", "main")
    put(repo / ".pantheon/policy.toml", "schema = 1\n")
    git(repo, "commit", "-qam", "Unprotect")
    git(repo, "checkout", "-q", "main")
    for command in (
        "git commit -q --allow-empty -m x",
        "git commit -q --amend -m x",
        "git merge -q --no-ff -m x work",
        "git reset -q --hard HEAD^",
        "git push -q --no-verify . +work^:release/1",
        "git checkout -q work && git branch -D main",
        "git update-ref refs/heads/main HEAD^",
    ):
        done = attempt(repo, command)
        git(repo, "checkout", "-qf", "main")
        assert done.code != 0, command
        assert "pantheon-git: refs/heads/" in done.err, command
        assert git(repo, "rev-parse", "main") == before, command
        git(repo, "reset", "-q", "--hard")
    assert cli(repo, "pr", "merge", "t000").code == 0
    sign_with(repo, paths.night_key())
    assert attempt(repo, "git commit -q -S --allow-empty -m signed").code == 0
    assert attempt(repo, "git merge -q -S --no-ff -m 'signed merge of what is not' work").code == 0
    assert attempt(repo, "git commit -q --allow-empty -m free-again").code == 0, (
        "the signed merge brought the new policy"
    )


def test_a_strangers_signature_counts_for_nothing(repo: Path, tmp_path: Path) -> None:
    """A commit signed by a key that is not trusted is as good as unsigned."""
    protect(repo)
    sh(tmp_path, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "stranger"))
    sign_with(repo, tmp_path / "stranger")
    done = attempt(repo, "git commit -q -S --allow-empty -m x")
    assert "signed with the unknown key" in done.err
    assert done.code != 0


def test_a_policy_that_cannot_be_read_protects(repo: Path) -> None:
    """A broken file is no way around it."""
    put(repo / ".pantheon/policy.toml", PROTECT + "typo = 1\n")
    git(repo, "add", ".pantheon/policy.toml")
    git(repo, "commit", "-qm", "Broken", "--no-verify")
    assert "protected by the policy" in attempt(repo, "git commit -q --allow-empty --no-verify -m x").err


@pytest.fixture
def team(tmp_path: Path, repo: Path) -> Path:
    """The team's bare repository with hooks, into which main was pushed; its user trusts the same keys."""
    bare = tmp_path / "team.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    cli(bare, "init", check=True)
    git(repo, "remote", "add", "origin", str(bare))
    cli(repo, "init", check=True)
    git(repo, "push", "-q", "origin", "main")
    return bare


def test_a_ledger_that_verifies_travels(repo: Path, team: Path) -> None:
    """`sync` passes both hooks; a plain push too; a second clone gets the night and verifies it."""
    done = cli(repo, "sync")
    assert done.code == 0, done.both
    assert attempt(repo, "git push -q origin pantheon/pr/t000.1").code == 0
    assert cli(repo, "pr", "merge", "t000").code == 0
    assert attempt(repo, "git push -q origin main :pantheon/pr/t000.1").code == 0
    assert cli(repo, "sync").code == 0
    other = repo.parent / "other"
    git(repo.parent, "clone", "-q", str(team), str(other))
    cli(other, "init", check=True)
    assert cli(other, "sync").code == 0
    assert cli(other, "verify").code == 0


def test_a_tampered_night_is_not_pushed(repo: Path, team: Path) -> None:
    """pre-push verifies the whole night: one that was changed behind the hook's back does not leave."""
    run = git(repo, "for-each-ref", "--format=%(refname)", "refs/pantheon/runs").strip()
    parent = git(repo, "rev-parse", f"{run}^").strip()
    git(repo, "-c", "core.hooksPath=/dev/null", "update-ref", "refs/notes/pantheon", "HEAD")
    done = attempt(repo, f"git push origin {run}")
    assert done.code != 0
    assert "pantheon-git: " + run in done.err
    assert git(team, "for-each-ref", "refs/pantheon") == ""
    assert attempt(repo, f"git push origin HEAD:{run}").code != 0, "another thing under a night's name"
    assert attempt(repo, "git push -q origin HEAD:refs/heads/other").code == 0, "what is none of the ledger's passes"
    assert parent


def test_the_teams_repository_refuses_what_no_hook_of_the_sender_saw(repo: Path, team: Path) -> None:
    """With --no-verify: unsigned, deleted, rewound and made-up entries, and PR branches that are not their entry's."""
    run = git(repo, "for-each-ref", "--format=%(refname)", "refs/pantheon/runs").strip()
    night = run.rpartition("/")[2]
    assert "push the ledger first" in attempt(repo, "git push --no-verify origin pantheon/pr/t000.1").err
    assert cli(repo, "sync").code == 0
    before = git(team, "for-each-ref")
    tip = git(repo, "rev-parse", "pantheon/pr/t000.1").strip()
    message = f"x\n\nPantheon-Night: {night}"
    forged = git(repo, "commit-tree", "-p", f"{tip}^", "-m", message, f"{tip}^{{tree}}").strip()
    empty = git(repo, "mktree").strip()
    gone = git(repo, "commit-tree", "-p", "refs/notes/pantheon", "-m", "x", empty).strip()
    for command, why in (
        (f"origin +HEAD:{run}", "may only grow"),
        (f"origin +{run}^:{run}", "may only grow"),
        (f"origin :{run}", "may not be deleted"),
        ("origin :refs/notes/pantheon", "may not be deleted"),
        ("origin +HEAD:refs/notes/pantheon", "may only grow"),
        (f"origin +{gone}:refs/notes/pantheon", "would lose"),
        ("origin HEAD:refs/pantheon/runs/20990101T000000Z", "not signed"),
        ("origin HEAD:refs/pantheon/meta/t000.1", "not signed"),
        (f"origin $(git commit-tree -p {run} -m x {run}^{{tree}}):{run}", "not signed"),
        ("origin pantheon/pr/t001.1:refs/heads/pantheon/pr/t000.1", "the night's entry names"),
        ("origin HEAD:refs/heads/pantheon/pr/t000.1", "no night here"),
        (f"origin {forged}:refs/heads/pantheon/pr/t000.1", "the night's entry names"),
    ):  # fmt: skip
        done = attempt(repo, f"git push --no-verify {command}")
        assert done.code != 0, command
        assert why in done.err, (command, done.err)
        assert git(team, "for-each-ref") == before, command


def test_the_teams_protected_branch_takes_signed_commits_only(repo: Path, team: Path) -> None:
    """Also where the sender has no hooks at all."""
    protect(repo)
    git(repo, "push", "-q", "origin", "main")
    git(repo, "config", "core.hooksPath", "/dev/null")
    git(repo, "commit", "-q", "--allow-empty", "-m", "unsigned")
    done = attempt(repo, "git push origin main")
    assert done.code != 0
    assert "protected by the policy" in done.err
    assert attempt(repo, "git push origin :main").code != 0
    git(repo, "reset", "-q", "--hard", "origin/main")
    assert cli(repo, "pr", "merge", "t000").code == 0
    assert attempt(repo, "git push -q origin main").code == 0


def test_a_made_up_night_does_not_come_in_by_sync(repo: Path, team: Path) -> None:
    """Where the other side has no hooks: `sync` says which ref the hook refused and why, and takes nothing."""
    for hook in (team / "hooks").iterdir():
        hook.unlink()
    git(team, "update-ref", "refs/pantheon/runs/20990101T000000Z", "main")
    before = git(repo, "for-each-ref", "refs/pantheon", "refs/notes")
    done = cli(repo, "sync")
    assert done.code == 1
    assert "refs/pantheon/runs/20990101T000000Z: the commit is not signed" in done.err
    assert git(repo, "for-each-ref", "refs/pantheon", "refs/notes") == before
