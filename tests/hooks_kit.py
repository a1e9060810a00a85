"""A repository with hooks and one real night, made once and copied; and what the hook costs other moves.

`python -m tests.hooks_kit [REFS]` prints the cost: wall time of `git update-ref` with the hook and without.
"""

from __future__ import annotations

import atexit
import functools
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from tests.cli_support import cli, git
from tests.conftest import isolate
from tests.night_kit import queued_repo

TURNS = 31


@dataclass(frozen=True)
class Made:
    repo: Path
    home: Path


@functools.cache
def made_night() -> Made:
    """Two documents, tasks, keys, all hooks, and a closed night of PRs t000.1 and t001.1; made once, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="hooks-"))
    atexit.register(shutil.rmtree, folder)
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder / "home")
        repo = queued_repo(folder / "repo", 2)
        cli(repo, "init", check=True)
        assert cli(repo, "run", "--engine=control", "--quiet").code == 0
    return Made(repo, folder / "home")


def copied(made: Made, repo: Path, home: Path) -> Path:
    """A copy to play with, its keys and trust in `home`."""
    shutil.copytree(made.repo, repo, symlinks=True)
    shutil.copytree(made.home / ".config", home / ".config", dirs_exist_ok=True)
    git(repo, "config", "gpg.ssh.allowedSignersFile", str(home / ".config/pantheon-git/trust/allowed_signers"))
    return repo


def cost(repo: Path, refs: int, prefix: str = "refs/heads") -> tuple[float, float]:
    """Median wall and mean CPU milliseconds of a `git update-ref --stdin` that makes `refs` refs."""
    took, before = [], resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(TURNS):
        name = uuid.uuid4().hex
        lines = "".join(f"create {prefix}/{name}/{n} HEAD\n" for n in range(refs))
        started = time.perf_counter()
        subprocess.run(["git", "update-ref", "--stdin"], cwd=repo, input=lines, text=True, check=True)
        took.append((time.perf_counter() - started) * 1000)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return statistics.median(took), cpu * 1000 / TURNS


def main(refs: int) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        isolate(patch, Path(name) / "home")
        repo = queued_repo(Path(name) / "repo", 1)
        bare = {prefix: cost(repo, refs, prefix) for prefix in ("refs/tags", "refs/heads")}
        cli(repo, "init", check=True)
        for prefix, (wall, cpu) in bare.items():
            with_wall, with_cpu = cost(repo, refs, prefix)
            times = f"{wall:.1f} ms without the hook, {with_wall:.1f} with it ({with_wall - wall:+.1f})"
            click.echo(f"{refs} of {prefix}: {times}; CPU {cpu:.1f} and {with_cpu:.1f} ms ({with_cpu - cpu:+.1f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
