"""What a night leaves outside the repository is its owner's alone, whatever the umask."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from tests.cli_support import CHECKOUT, argv_of, cli, make_repo, put, sh
from tests.night_kit import BODY, commit, task

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_to_others(folder: Path) -> Iterator[str]:
    """What another user could read, write or list, coming down from `folder`: a closed folder closes all below it."""
    for path in sorted(folder.iterdir()):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or not mode & OTHERS:
            continue
        if stat.S_ISDIR(mode):
            if mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
                yield f"{path} {stat.S_IMODE(mode):04o}"
            yield from open_to_others(path)
        elif not path.name.endswith(".pub"):
            yield f"{path} {stat.S_IMODE(mode):04o}"


@pytest.mark.parametrize("umask", ["022", "000"])
def test_keys_trust_state_and_lease_are_the_owners_alone(tmp_path: Path, umask: str) -> None:
    """After init, a whole guarded night, a merge, a rotation, a revocation and a report, nothing in the folders of
    configuration and state is open to anybody else."""
    repo = make_repo(tmp_path / "repo", {"docs/a.md": BODY.format(name="a")})
    put(repo / ".pantheon/queue/a.toml", task("docs/a.md", flow="doc.frontmatter"))
    commit(repo, "Queue")
    for args in (
        ["init"], ["run", "--engine=control", "--quiet"], ["verify"], ["pr", "merge", "a"], ["report"],
        ["keys", "rotate"], ["keys", "rotate", "--person"], ["replay", "a"],
        ["keys", "revoke", "night", "--yes", "--since", "2100-01-01"],
    ):  # fmt: skip
        command = f'umask {umask}; exec "$@"'
        done = sh(repo, "sh", "-c", command, "sh", *argv_of(*args), env={"PYTHONPATH": str(CHECKOUT)}, check=False)
        assert done.code == 0, (args, done.both)
    state = paths.state_dir(Git.discover(repo))
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for folder in (paths.config_home(), state.parent):
        assert list(open_to_others(folder)) == []
    put(state.parent / "stray", "x").chmod(0o644)
    assert list(open_to_others(state.parent)) == [f"{state.parent / 'stray'} 0644"]


@pytest.mark.parametrize("name", ["night", "person"])
def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, name: str) -> None:
    """Pasted, it works."""
    repo = make_repo(tmp_path / "repo")
    cli(repo, "init", check=True)
    if name == "person":
        cli(repo, "keys", "rotate", "--person", check=True)
    key = paths.keys_dir() / name
    key.chmod(0o644)
    done = cli(repo, "keys", "list")
    assert (done.code, f"chmod 600 {key}" in done.err) == (1, True)
    assert sh(repo, *done.err.partition("hint: ")[2].split()).code == 0
    assert cli(repo, "keys", "list").code == 0
