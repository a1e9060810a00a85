"""`kill -9` at many random points of every command that writes or reads, and what must hold when all is done.

`python -m tests.kill_kit 500` prints its figures as they grow; `--seed N` repeats a run. A small share is in the suite.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pantheon_git.ledger import read
from pantheon_git.ledger.meta import all_meta
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import CHECKOUT, argv_of, cli, git
from tests.conftest import isolate
from tests.night_kit import adopt_orphans, children, queued_repo, require_no_strays

RUN = ("run", "--engine=control", "--quiet", "--jobs=4")
WEIGHTS = {"run": 8, "merge": 4, "reject": 2, "retry": 1, "sync": 2, "report": 1, "verify": 2}
_LOCK = re.compile(r"'?(/\S+?\.lock)'?")


@dataclass
class Figures:
    kills: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    """Ended before the kill came."""
    repositories: int = 0
    locks: int = 0
    """Locks of git's own that a killed process group left, and that were removed as the message says."""
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        each = ", ".join(f"{number} {name}" for name, number in sorted(self.kills.items()))
        told = (
            f"{self.kills.total()} kills ({each}), {self.missed} came too late, {self.locks} git locks removed by hand"
        )
        return f"{told}; {self.repositories} repositories; problems: {len(self.problems)}"


class World:
    """One repository with a remote and a queue, and a person whose every command may be killed."""

    def __init__(self, folder: Path, documents: int, chance: random.Random, figures: Figures) -> None:
        self.repo, self.documents, self.chance, self.figures = folder / "repo", documents, chance, figures
        queued_repo(self.repo, documents)
        git(folder, "init", "-q", "--bare", "remote.git")
        git(self.repo, "remote", "add", "origin", str(folder / "remote.git"))
        cli(self.repo, "init", "--no-hook", check=True)
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-qm", "Set up")
        self.strays = children()
        start = time.monotonic()
        cli(self.repo, *RUN, f"--limit={documents // 3}", check=True)  # so that there is something to merge at once
        self.took: dict[str, float] = {"run": time.monotonic() - start}

    def kill_one(self) -> None:
        """Start a command chosen by chance and kill it, alone or with the processes that it started."""
        possible = {name: weight for name, weight in WEIGHTS.items() if self.words(name)}
        name = self.chance.choices([*possible], [*possible.values()])[0]
        start = time.monotonic()
        process = subprocess.Popen(
            argv_of(*self.words(name)),
            cwd=self.repo,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(self.chance.uniform(0.03, 1.1 * self.took.get(name, 0.7)))
        except subprocess.TimeoutExpired:
            whole_group = self.chance.random() < 0.3
            (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
            self.figures.kills[name] += 1
            return
        self.took[name] = time.monotonic() - start
        self.figures.missed += 1

    def words(self, name: str) -> tuple[str, ...]:
        """The command with its arguments; empty where there is nothing for it to do."""
        if name == "run":
            return RUN
        if name in ("sync", "report", "verify"):
            return (name,)
        states = self.states()
        wanted = {"merge": ("pr",), "reject": ("pr",), "retry": ("rejected",)}[name]
        found = [task for task, state in states.items() if state in wanted]
        if not found:
            return ()
        some = self.chance.sample(found, min(len(found), 3 if name == "merge" else 1))
        return {
            "merge": ("pr", "merge", *some),
            "reject": ("pr", "reject", "--reason=no", *some),
            "retry": ("retry", *some),
        }[name]

    def states(self) -> dict[str, str]:
        git_ = Git.discover(self.repo)
        objects = Objects(git_)
        tip = objects.commit(str(objects.resolve("main")))
        found = {task: state.state for task, state in read.task_states(git_, objects, tip.tree).items()}
        objects.close()
        return found

    def type(self, *words: str) -> None:
        """Type a command until it works; a lock of git's own that stands in the way goes as the message says."""
        for _ in range(8):
            done = cli(self.repo, *words)
            if done.code == 0:
                return
            lock = _LOCK.search(done.err)
            if lock is None or "Traceback" in done.err:
                break
            self.figures.locks += 1
            Path(lock[1]).unlink(missing_ok=True)
        raise AssertionError(f"{' '.join(words)} exited with {done.code}: {done.both}")

    def finish(self) -> None:
        """Without kills, until every task is merged."""
        for _ in range(6):
            self.type(*RUN)
            states = self.states()
            if opened := [task for task, state in states.items() if state == "pr"]:
                self.type("pr", "merge", *opened)
            if rejected := [task for task, state in states.items() if state == "rejected"]:
                self.type("retry", *rejected)
            if set(self.states().values()) == {"merged"}:
                break
        self.type("sync")

    def require_whole(self) -> None:
        """Nothing lost, nothing twice, nothing half: see each line."""
        git_ = Git.discover(self.repo)
        objects = Objects(git_)
        states = self.states()
        assert states == {f"t{n:03}": "merged" for n in range(self.documents)}, states
        entries = [e for night in read.nights(git_, objects) for e in read.jobs(git_, objects, night.night)]
        twice = [job for job, number in Counter(entry.job for entry in entries).items() if number > 1]
        assert not twice, f"recorded twice: {twice}"
        assert {night.state for night in read.nights(git_, objects)} <= {"closed", "interrupted"}
        metas = all_meta(git_, objects)
        merged = sorted(job for job, meta in metas.items() if meta.state == "merged")
        assert [job.partition(".")[0] for job in merged] == sorted(states), "one merged attempt for each task"
        trailers = git(self.repo, "log", "--first-parent", "--format=%(trailers:key=Pantheon-Job,valueonly)", "main")
        assert sorted(trailers.split()) == merged, "merge commits and metadata differ"
        for n in range(self.documents):
            assert (self.repo / f"docs/d{n:03}.md").read_text().startswith("---\n"), f"d{n:03} has lost its change"
        assert git(self.repo, "status", "--porcelain") == "", "something of a merge is left in the checkout"
        for where in (self.repo, self.clone()):
            done = cli(where, "verify")
            assert done.code == 0, done.both
        objects.close()
        self._require_clean(git_)

    def clone(self) -> Path:
        """A fresh clone with the ledger, as a colleague makes it."""
        folder = self.repo.parent / "clone"
        git(self.repo, "push", "-q", "origin", "main")
        git(self.repo.parent, "clone", "-q", "remote.git", "clone")
        git(folder, "fetch", "-q", "origin", "refs/pantheon/*:refs/pantheon/*", "refs/notes/*:refs/notes/*")
        return folder

    def _require_clean(self, git_: Git) -> None:
        state = paths.state_dir(git_)
        left = [*(state / "jobs").iterdir(), *(state / "checkouts").glob("building-*")]
        for pattern in ("*.lock", "tmp_*", "pantheon_tmp_*", "*.keep", "pantheon-merging*"):
            left += (self.repo / ".git").rglob(pattern)
        assert not left, f"left behind: {left}"
        require_no_strays(self.strays)
        git(self.repo, "fsck", "--strict", "--no-dangling")


def campaign(wanted: int, seed: int, *, each: int = 12, documents: int = 16, figures: Figures | None = None) -> Figures:
    """So many kills, in as many repositories as that takes; problems are collected and not raised."""
    adopt_orphans()
    chance, figures = random.Random(seed), figures or Figures()
    while figures.kills.total() < wanted:
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="kills-") as name:
            isolate(patch, Path(name) / "home")
            world = World(Path(name), documents, chance, figures)
            until = min(wanted, figures.kills.total() + each)
            tries = 0
            while figures.kills.total() < until and tries < 5 * each:
                world.kill_one()
                tries += 1
            try:
                world.finish()
                world.require_whole()
            except AssertionError as error:
                figures.problems.append(f"after {figures.kills.total()} kills (seed {seed}): {error}")
                say(figures.problems[-1])
                _keep(Path(name), len(figures.problems))
            figures.repositories += 1
            say(str(figures))
    return figures


def _keep(folder: Path, number: int) -> None:
    """Put a broken world aside, to be looked at."""
    if into := os.environ.get("KEEP_WORLDS"):
        subprocess.run(["cp", "-a", str(folder), f"{into}/world-{number}"], check=True)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    figures = campaign(asked.kills, asked.seed)
    say(json.dumps({"kills": figures.kills.total(), "problems": figures.problems}))
    return 1 if figures.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
