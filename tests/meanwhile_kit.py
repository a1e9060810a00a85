"""What a person does with real git while nights run and between merges, by chance: commit, amend, rebase, delete
branches, add work trees, gc, expire reflogs; and what must hold after every step and at the end.

`python -m tests.meanwhile_kit [STEPS] [--seed N]`; a small share is in the suite. Nothing of the ledger may be lost,
doubled or half there, `verify` stays good, and the person's own work tree is never touched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pantheon_git.ledger import read
from pantheon_git.ledger.meta import all_meta
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import CHECKOUT, Done, argv_of, cli, git, put
from tests.conftest import isolate
from tests.night_kit import BODY, commit, queued_repo, task

STEPS_EACH, DOCUMENTS = 25, 6
GONE = "is gone"


@dataclass
class Figures:
    steps: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Merges that were refused, by the reason's first words: refusing is right where the person's changes are in the
    way."""
    during: int = 0
    """Steps while a night was running."""
    repositories: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        each = ", ".join(f"{number} {name}" for name, number in sorted(self.steps.items()))
        no = ", ".join(f"{number} × {why}" for why, number in sorted(self.refused.items())) or "none"
        return (
            f"{self.steps.total()} steps ({each}), {self.during} while a night ran; merges refused: {no}; "
            f"{self.repositories} repositories; problems: {len(self.problems)}"
        )


class Person:
    """One repository and who works in it. Every `do_` is a step that chance may take."""

    def __init__(self, folder: Path, chance: random.Random, figures: Figures) -> None:
        self.repo, self.chance, self.figures = folder / "repo", chance, figures
        queued_repo(self.repo, DOCUMENTS)
        cli(self.repo, "init", "--no-hook", check=True)
        commit(self.repo, "Set up")
        self.tasks, self.turn = DOCUMENTS, 0
        self.night: subprocess.Popen[bytes] | None = None
        self.recorded: set[str] = set()
        self.said = folder / "said"

    def step(self) -> None:
        moves: dict[str, tuple[Callable[[], None], int]] = {
            name.removeprefix("do_"): (getattr(self, name), weight) for name, weight in WEIGHTS.items()
        }
        name = self.chance.choices([*moves], [weight for _, weight in moves.values()])[0]
        running = self.night is not None and self.night.poll() is None
        self.turn += 1
        self.figures.steps[name] += 1
        self.figures.during += running
        before = self.mine()
        moves[name][0]()
        if name in ("run", "report"):
            assert self.mine() == before, f"{name} touched the work tree, the index or HEAD"
        self.require_nothing_lost(name)

    def mine(self) -> tuple[str, str, bytes]:
        """HEAD, status and every file's bytes, which no night may touch."""
        files = sorted(path for path in self.repo.rglob("*") if ".git" not in path.parts and path.is_file())
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).digest()
        return git(self.repo, "rev-parse", "HEAD"), git(self.repo, "status", "--porcelain", "-uall"), digest

    def require_nothing_lost(self, after: str) -> None:
        """What a night has recorded stays recorded, once."""
        git_ = Git.discover(self.repo)
        objects = Objects(git_)
        try:
            nights = [night.night for night in read.nights(git_, objects)]
            jobs = [entry.job for night in nights for entry in read.jobs(git_, objects, night)]
        finally:
            objects.close()
        twice = [job for job, number in Counter(jobs).items() if number > 1]
        assert not twice, f"after {after}: recorded twice: {twice}"
        assert self.recorded <= {*jobs}, f"after {after}: lost {self.recorded - {*jobs}}"
        self.recorded = {*jobs}

    def do_run(self) -> None:
        """A night, in the background; one at a time."""
        if self.night is not None and self.night.poll() is None:
            return
        self.end_night()
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        argv = argv_of("run", "--engine=control", "--quiet", "--jobs=2")
        with self.said.open("w") as said:
            self.night = subprocess.Popen(argv, cwd=self.repo, env=env, stdout=said, stderr=said)

    def end_night(self) -> None:
        if self.night is not None:
            assert self.night.wait(180) == 0, f"the night exited with {self.night.returncode}: {self.said.read_text()}"
            self.night = None

    def do_merge(self) -> None:
        opened = [line.split()[0] for line in cli(self.repo, "pr", "list").out.splitlines()[1:]]
        if not opened:
            return
        chosen = self.chance.sample(opened, min(2, len(opened)))
        held = {path: self._bytes(path) for path in ("mine.txt", "own.txt")}
        done = cli(self.repo, "pr", "merge", *chosen)
        assert done.code in (0, 1), done.both
        assert "Traceback" not in done.both, done.both
        for line in done.err.splitlines():
            if line.startswith("error: "):
                self.figures.refused[_reason(line)] += 1
        assert held == {path: self._bytes(path) for path in held}, "a merge touched files that are the person's"

    def do_reject(self) -> None:
        opened = [line.split()[0] for line in cli(self.repo, "pr", "list").out.splitlines()[1:]]
        if opened and self.chance.random() < 0.5:
            self._ok(cli(self.repo, "pr", "reject", "--reason=no", opened[-1]))
            self._ok(cli(self.repo, "retry", opened[-1].partition(".")[0]), "it is")

    def do_report(self) -> None:
        done = cli(self.repo, "report")
        assert done.code == 0 or "no night" in done.err, done.both

    def do_commit(self) -> None:
        put(self.repo / "mine.txt", f"{self.turn}\n")
        git(self.repo, "add", "mine.txt")
        git(self.repo, "commit", "-qm", f"Mine {self.turn}")

    def do_ask(self) -> None:
        """A new document and its task, committed."""
        name = f"t{self.tasks:03}"
        put(self.repo / f"docs/d{self.tasks:03}.md", BODY.format(name=f"number {self.tasks}"))
        put(self.repo / f".pantheon/queue/{name}.toml", task(f"docs/d{self.tasks:03}.md"))
        self.tasks += 1
        git(self.repo, "add", ".pantheon", "docs")
        git(self.repo, "commit", "-qm", f"Ask {name}")

    def do_edit(self) -> None:
        """Changes that are not committed, which everything has to leave alone."""
        put(self.repo / self.chance.choice(("mine.txt", "own.txt")), f"{self.turn} unsaved\n")

    def do_amend(self) -> None:
        put(self.repo / "mine.txt", f"{self.turn} amended\n")
        git(self.repo, "add", "mine.txt")
        git(self.repo, "commit", "-q", "--amend", "-m", f"Amended {self.turn}")

    def do_rebase(self) -> None:
        """The last commits that are no merge, again on top of a new one: every id changes."""
        root = git(self.repo, "rev-list", "--merges", "--max-count=1", "HEAD").strip() or "HEAD~1"
        git(self.repo, "stash", "-qu")
        git(self.repo, "rebase", "-q", "--force-rebase", root, check=False)
        assert not (self.repo / ".git/rebase-merge").exists()
        git(self.repo, "stash", "pop", "-q", check=False)
        git(self.repo, "checkout", "-q", "--theirs", ".", check=False)
        git(self.repo, "reset", "-q")

    def do_gc(self) -> None:
        git(self.repo, "reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
        git(self.repo, "gc", "-q", "--prune=now")

    def do_pack_refs(self) -> None:
        git(self.repo, "pack-refs", "--all", "--prune")

    def do_delete(self) -> None:
        """The branch of a PR, perhaps unmerged."""
        branches = git(self.repo, "branch", "--list", "pantheon/pr/*", "--format=%(refname:short)").split()
        if branches:
            git(self.repo, "branch", "-q", "-D", self.chance.choice(branches), check=False)

    def do_worktree(self) -> None:
        """Comes, on a branch of its own or on a PR's, and goes."""
        folder = self.repo.parent / "linked"
        if folder.exists():
            git(self.repo, "worktree", "remove", "--force", str(folder))
            return
        branches = git(self.repo, "branch", "--list", "pantheon/pr/*", "--format=%(refname:short)").split()
        if branches and self.chance.random() < 0.5:
            git(self.repo, "worktree", "add", "-q", str(folder), self.chance.choice(branches))
        else:
            git(self.repo, "worktree", "add", "-q", "-b", f"side-{self.turn}", str(folder))

    def finish(self) -> None:
        """The person tidies up; what is queued runs, what waits is merged, and all of it is there once."""
        self.end_night()
        git(self.repo, "stash", "-qu")
        git(self.repo, "worktree", "prune")
        for _ in range(4):
            self._ok(cli(self.repo, "run", "--engine=control", "--quiet"))
            for line in cli(self.repo, "pr", "list").out.splitlines()[1:]:
                self._merge_or_reject(line.split()[0])
            if not self._queued():
                break
        self.require_nothing_lost("the end")
        assert not self._queued(), "something is still queued"
        assert git(self.repo, "status", "--porcelain") == ""
        self._require_whole()

    def _merge_or_reject(self, job: str) -> None:
        done = cli(self.repo, "pr", "merge", job)
        if done.code and GONE in done.err:  # as the message says
            hint = done.err.partition("hint: git ")[2].split()
            git(self.repo, *hint)
            done = cli(self.repo, "pr", "merge", job)
        if done.code:
            self.figures.refused[_reason(done.err)] += 1
            self._ok(cli(self.repo, "pr", "reject", "--reason=stale", job))
            self._ok(cli(self.repo, "retry", job.partition(".")[0]))

    def _queued(self) -> list[str]:
        plan = json.loads(cli(self.repo, "run", "--dry-run", "--json").out)
        return [one["id"] for one in plan["tasks"] if one["runs"]]

    def _require_whole(self) -> None:
        git_ = Git.discover(self.repo)
        objects = Objects(git_)
        metas = all_meta(git_, objects)
        merged = Counter(job.partition(".")[0] for job, meta in metas.items() if meta.state == "merged")
        objects.close()
        assert not [one for one, number in merged.items() if number > 1], f"merged twice: {merged}"
        trailers = git(
            self.repo, "log", "--first-parent", "--format=%(trailers:key=Pantheon-Job,valueonly)", "main"
        ).split()
        twice = [job for job, number in Counter(trailers).items() if number > 1]
        assert not twice, f"merged twice into main: {twice}"
        for n in range(self.tasks):
            assert (self.repo / f"docs/d{n:03}.md").read_text().startswith("---\n"), f"d{n:03} has no front matter"
        done = cli(self.repo, "verify")
        assert done.code == 0, done.both
        git(self.repo, "fsck", "--strict", "--no-dangling")
        assert not [*(self.repo / ".git").rglob("*.lock")], "a lock is left"
        assert not (self.repo / ".git/pantheon-merge").exists()

    def _bytes(self, name: str) -> bytes | None:
        path = self.repo / name
        return path.read_bytes() if path.exists() else None

    @staticmethod
    def _ok(done: Done, but: str = "\0") -> None:
        assert done.code == 0 or but in done.err, done.both


WEIGHTS = {
    "do_run": 6,
    "do_merge": 6,
    "do_reject": 1,
    "do_report": 1,
    "do_commit": 4,
    "do_ask": 3,
    "do_edit": 2,
    "do_amend": 3,
    "do_rebase": 2,
    "do_gc": 3,
    "do_pack_refs": 1,
    "do_delete": 2,
    "do_worktree": 2,
}


def _reason(said: str) -> str:
    """What a refusal is about, without names."""
    known = ("changes of yours in the way", GONE, "does not merge onto", "under way", "does not pass the gate")
    return next((words for words in known if words in said), said.strip())


def campaign(steps: int, seed: int, say: bool = False) -> Figures:
    """A new repository for every STEPS_EACH steps."""
    chance, figures = random.Random(seed), Figures()
    while figures.steps.total() < steps:
        with tempfile.TemporaryDirectory(prefix="meanwhile-") as name, pytest.MonkeyPatch.context() as patch:
            isolate(patch, Path(name) / "home")
            figures.repositories += 1
            person = Person(Path(name), chance, figures)
            try:
                for _ in range(min(STEPS_EACH, steps - figures.steps.total())):
                    person.step()
                person.finish()
            except AssertionError as error:
                figures.problems.append(str(error))
            finally:
                if person.night is not None:
                    person.night.kill()
                    person.night.wait()
        if say:
            sys.stdout.write(f"{figures}\n" + "".join(f"  {line}\n" for line in figures.problems))
            sys.stdout.flush()
        if len(figures.problems) > 3:
            break
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    return 1 if campaign(wanted.steps, wanted.seed, say=True).problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
