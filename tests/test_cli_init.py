"""`init`: it says every change, makes only what is missing, and leaves git's own ways alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pantheon_git.day.hook import WORK_TREE
from tests.cli_support import cli, git, make_repo, program_on_path, put, sh


def state(repo: Path) -> tuple[str, ...]:
    """Everything that `init` could touch in a repository."""
    config = (repo / ".git/config").read_text()
    files = sorted(str(p.relative_to(repo)) for p in repo.rglob("*") if ".git/objects" not in str(p))
    return (config, *files, git(repo, "for-each-ref"), git(repo, "status", "--porcelain=v1"))


def test_every_change_is_said_and_made(tmp_path: Path, home: Path) -> None:
    """One line for each change; afterwards each is there."""
    repo = make_repo(tmp_path / "r")
    said = cli(repo, "init", check=True).out.splitlines()
    assert len(said) == 10
    assert (repo / ".pantheon/policy.toml").is_file()
    assert (repo / ".pantheon/queue/.gitkeep").is_file()
    key = home / ".config/pantheon-git/keys/night"
    assert (key.stat().st_mode & 0o777, key.with_suffix(".pub").is_file()) == (0o600, True)
    assert git(repo, "config", "notes.displayRef") == "refs/notes/pantheon\n"
    signers = home / ".config/pantheon-git/trust/allowed_signers"
    assert git(repo, "config", "gpg.ssh.allowedSignersFile").strip() == str(signers)
    assert all(os.access(repo / ".git/hooks" / name, os.X_OK) for name in WORK_TREE)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """Safe to run again."""
    repo = make_repo(tmp_path / "r")
    cli(repo, "init", check=True)
    before = state(repo)
    assert cli(repo, "init", check=True).out == "nothing to do: everything is in place\n"
    assert state(repo) == before


def test_a_dry_run_changes_nothing(tmp_path: Path, home: Path) -> None:
    """`--dry-run` says the same lines and does none of it."""
    repo = make_repo(tmp_path / "r")
    before = state(repo)
    dry = cli(repo, "init", "--dry-run", check=True).out
    assert state(repo) == before
    assert not (home / ".config/pantheon-git").exists()
    assert [f"would {line}" for line in cli(repo, "init", check=True).out.splitlines()] == dry.splitlines()


def test_own_files_are_never_edited(tmp_path: Path) -> None:
    """A policy that is there stays as it is, byte for byte."""
    repo = make_repo(tmp_path / "r", {".pantheon/policy.toml": "schema = 1\n# mine\n"})
    cli(repo, "init", check=True)
    assert (repo / ".pantheon/policy.toml").read_text() == "schema = 1\n# mine\n"
    assert git(repo, "status", "--porcelain", "--", ".pantheon/policy.toml") == ""


def test_what_it_writes_passes_the_check(tmp_path: Path) -> None:
    """Also with the stock flows copied."""
    repo = make_repo(tmp_path / "r")
    cli(repo, "init", "--flows", check=True)
    assert (repo / ".pantheon/flows/doc.frontmatter.toml").is_file()
    assert cli(repo, "check").code == 0


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    bare = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    return bare


def exchange(repo: Path, remote: Path) -> tuple[str, str, str, str]:
    """What plain push, fetch and fetch --prune do: refs of both sides, and what push would do next."""
    put(repo / "new.md", "new\n")
    git(repo, "add", "new.md")
    git(repo, "commit", "-qm", "New", "--no-verify")
    git(repo, "push", "-q", "--set-upstream", "origin", "main")
    git(repo, "branch", "-f", "side")
    git(repo, "push", "-q", "origin", "side")
    git(remote, "update-ref", "-d", "refs/heads/side")
    git(repo, "fetch", "--prune", "-q")
    dry = sh(repo, "git", "push", "--dry-run", "--porcelain").out.replace(str(remote), "REMOTE")
    refs = "%(refname)"
    return (
        git(remote, "for-each-ref", f"--format={refs}"),
        git(repo, "for-each-ref", f"--format={refs}", "refs/remotes", "refs/heads"),
        dry,
        git(repo, "for-each-ref", f"--format={refs}", "refs/notes", "refs/pantheon"),
    )


def test_plain_push_and_fetch_prune_do_what_they_did(tmp_path: Path, remote: Path) -> None:
    """Fetch refspecs only, none forced, nothing mapped onto our own refs: they survive `fetch --prune`."""
    results = []
    for name in ("plain", "ours"):
        bare = tmp_path / f"{name}.git"
        git(tmp_path, "clone", "-q", "--bare", str(remote), str(bare))
        repo = make_repo(tmp_path / name)
        git(repo, "remote", "add", "origin", str(bare))
        head = git(repo, "rev-parse", "HEAD").strip()
        for ref in ("refs/notes/pantheon", "refs/pantheon/runs/20250101T000000Z", "refs/pantheon/meta/a.1"):
            git(repo, "update-ref", ref, head)
        if name == "ours":
            cli(repo, "init", check=True)
        results.append(exchange(repo, bare))
    assert results[0] == results[1]
    assert "refs/notes/pantheon" in results[1][3]
    fetches = git(tmp_path / "ours", "config", "--get-all", "remote.origin.fetch").splitlines()
    assert len(fetches) == 3
    assert all(":refs/pantheon-remote/origin/" in spec and not spec.startswith("+") for spec in fetches[1:])
    assert sh(tmp_path / "ours", "git", "config", "--get-all", "remote.origin.push", check=False).out == ""


def test_the_refspecs_bring_what_a_remote_has(tmp_path: Path, remote: Path) -> None:
    """What another clone pushed arrives below refs/pantheon-remote, and our own refs are untouched."""
    repo = make_repo(tmp_path / "r")
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "-q", "origin", "main", "main:refs/notes/pantheon", "main:refs/pantheon/runs/N")
    cli(repo, "init", check=True)
    git(repo, "fetch", "-q")
    found = git(repo, "for-each-ref", "--format=%(refname)").split()
    assert {"refs/pantheon-remote/origin/notes/pantheon", "refs/pantheon-remote/origin/runs/N"} <= set(found)
    assert not any(ref.startswith(("refs/notes/", "refs/pantheon/")) for ref in found)


def test_a_remote_without_refspec_is_left_alone(tmp_path: Path, remote: Path) -> None:
    """There plain `git fetch` takes HEAD; a refspec of ours alone would change that."""
    repo = make_repo(tmp_path / "r")
    git(repo, "config", "remote.push-only.url", str(remote))
    cli(repo, "init", check=True)
    assert sh(repo, "git", "config", "--get-all", "remote.push-only.fetch", check=False).out == ""


def test_a_hook_that_is_there_still_runs_first(tmp_path: Path) -> None:
    """The old hook is kept beside ours, runs first, and its no is a no."""
    repo = make_repo(tmp_path / "r")
    hook = put(repo / ".git/hooks/pre-commit", "#!/bin/sh\necho old hook\ntest ! -e stop\n")
    hook.chmod(0o755)
    env = program_on_path(tmp_path / "bin")
    cli(repo, "init", check=True)
    git(repo, "add", ".pantheon")
    done = sh(repo, "git", "commit", "-m", "ours", env=env)
    assert "old hook" in done.both
    put(repo / "stop", "")
    put(repo / "more.md", "x\n")
    git(repo, "add", "more.md")
    assert sh(repo, "git", "commit", "-m", "stopped", env=env, check=False).code == 1


def test_core_hooks_path_is_respected(tmp_path: Path) -> None:
    """A hooks folder of this repository is used, and the hook in it names no path of this machine."""
    repo = make_repo(tmp_path / "r")
    git(repo, "config", "core.hooksPath", ".githooks")
    cli(repo, "init", check=True)
    text = (repo / ".githooks/pre-commit").read_text()
    assert "PANTHEON_GIT=\n" in text
    assert not (repo / ".git/hooks/pre-commit").exists()


def test_a_hooks_folder_of_all_repositories_is_only_talked_about(tmp_path: Path) -> None:
    """A global core.hooksPath serves other repositories too: one line says what to add, nothing is written."""
    repo = make_repo(tmp_path / "r")
    (tmp_path / "everyones").mkdir()
    git(repo, "config", "--global", "core.hooksPath", str(tmp_path / "everyones"))
    done = cli(repo, "init", check=True)
    assert "add this line to its pre-commit hook: pantheon-git check --staged" in done.err
    assert list((tmp_path / "everyones").iterdir()) == []


@pytest.mark.parametrize("folder", ["node_modules", ".venv"])
def test_untracked_folders_that_tests_need_are_proposed(tmp_path: Path, folder: str) -> None:
    """`init` proposes what jobs could share, and `--share` writes it into the new policy."""
    repo = make_repo(tmp_path / "r", {".gitignore": f"{folder}/\n"})
    put(repo / folder / "x", "")
    assert f'share = ["{folder}"]' in cli(repo, "init", "--dry-run", check=True).err
    cli(repo, "init", "--share", folder, check=True)
    assert f'share = ["{folder}"]' in (repo / ".pantheon/policy.toml").read_text()
    assert cli(repo, "check").code == 0
    assert cli(repo, "init", "--share", folder).code == 0


def test_a_branch_in_the_way_is_reported(tmp_path: Path) -> None:
    """A branch called `pantheon` would block pantheon/pr/…; the way out is said."""
    repo = make_repo(tmp_path / "r")
    git(repo, "branch", "pantheon")
    assert "git branch -m pantheon" in cli(repo, "init", check=True).err


def test_before_the_first_commit_and_in_a_bare_repository(tmp_path: Path, remote: Path) -> None:
    """Both work: a bare repository gets keys, configuration and the hooks of a bare one, and no files."""
    git(tmp_path, "init", "-q", str(tmp_path / "empty"))
    assert cli(tmp_path / "empty", "init").code == 0
    done = cli(remote, "init")
    assert done.code == 0
    assert "write " not in done.out
    ours = {path.name for path in (remote / "hooks").iterdir() if path.suffix != ".sample"}
    assert ours == {"pre-receive", "reference-transaction"}


def test_sha256_repositories_are_refused_in_one_line(tmp_path: Path) -> None:
    """Refused before anything is changed."""
    git(tmp_path, "init", "-q", "--object-format=sha256", str(tmp_path / "r"))
    done = cli(tmp_path / "r", "init")
    assert done.code == 1
    assert len(done.err.splitlines()) == 2
    assert not (tmp_path / "r/.pantheon").exists()


def test_a_linked_worktree_shares_the_hook(tmp_path: Path) -> None:
    """git keeps hooks in the common directory; so do we."""
    repo = make_repo(tmp_path / "r")
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    cli(tmp_path / "linked", "init", check=True)
    assert (repo / ".git/hooks/pre-commit").is_file()
    assert (tmp_path / "linked/.pantheon/policy.toml").is_file()
