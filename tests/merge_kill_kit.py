"""`pr merge` killed at every system call that changes something, its own and those of the git that it runs, and what
must hold afterwards. The command that puts it right is killed too, now and then.

`python -m tests.merge_kill_kit [KILLS] [--seed N]`; without KILLS, every point once. A small share is in the suite.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pantheon_git.pulls import journal
from tests.cli_support import CHECKOUT, argv_of, cli, git, put
from tests.conftest import isolate
from tests.gate_world import GOOD, with_a_pr

CHANGES = (
    "clone,clone3,vfork,fork,wait4,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,link,linkat,fsync,"
    "fdatasync,mkdir,mkdirat,rmdir,fchmod,chmod,flock,utimensat,ftruncate,copy_file_range,sendfile"
)
MERGE = ("pr", "merge", "many")
PATHS = ("docs/a.md", "docs/b.md", "docs/new/c.md", ".pantheon/queue/many.toml")
MINE = " M src/x.py\nA  staged.txt\n?? mine.txt\n"
WRITERS = ("read-tree", "update-index", "update-ref", "checkout-index", "ls-files", "diff-files")
"""git commands that a merge or its undoing runs: those are killed."""
_SHIM = """#!/bin/sh
n=$(($(cat "$SHIM/count" 2>/dev/null || echo 0) + 1))
echo $n > "$SHIM/count"
if [ -n "$SHIM_TRACE" ]; then
    echo "$*" > "$SHIM/words.$n"
    exec strace -qq -o "$SHIM/trace.$n" -e trace={calls} {git} "$@"
fi
[ "$n" = "$KILL_CALL" ] || exec {git} "$@"
strace -qq -o /dev/null -e trace=$KILL_AT -e inject=$KILL_AT:signal=KILL:when=$KILL_NTH {git} "$@"
code=$?
[ $code -gt 128 ] && [ -n "$KILL_PARENT" ] && kill -9 $PPID
exit $code
"""
_CALL = re.compile(r"^(\w+)\(")


def can_trace() -> bool:
    """Whether strace is here and may trace this Python: not in a container without ptrace, nor as a user who may not
    look at the interpreter's folder."""
    argv = ["strace", "-qq", "-o", "/dev/null", sys.executable, "-c", ""]
    return shutil.which("strace") is not None and subprocess.run(argv, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Point:
    """Where to kill: our own process at its `nth` call of `name`, or (`git` not 0) the `git`-th git that it runs at
    that one's, alone or with us."""

    name: str
    nth: int
    git: int = 0
    both: bool = False


@dataclass
class Figures:
    states: Counter[str] = field(default_factory=Counter)
    """How many kills left what behind."""
    points: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        each = ", ".join(f"{number} {name}" for name, number in sorted(self.states.items()))
        return f"{self.states['killed']} kills, of {self.points} points: {each}; problems: {len(self.problems)}"


class Trial:
    """A repository with an open PR and work of the person's own lying about."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder, self.repo = folder, folder / "repo"
        shutil.copytree(template, self.repo, symlinks=True)
        git(self.repo, "update-index", "-q", "--refresh", check=False)
        self.shim = folder / "bin"
        self.shim.mkdir()
        script = put(self.shim / "git", _SHIM.format(git=shutil.which("git"), calls=CHANGES))
        script.chmod(0o755)
        self.old = git(self.repo, "rev-parse", "main").strip()

    def run(self, point: Point, *words: str) -> int:
        """The command, killed at the point; its code."""
        (self.shim / "count").unlink(missing_ok=True)
        inject = f"inject={point.name}:signal=KILL:when={point.nth}"
        if point.git == 0:
            return self._start(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={point.name}", "-e", inject], words)
        more = {"KILL_CALL": str(point.git), "KILL_AT": point.name, "KILL_NTH": str(point.nth)}
        return self._start([], words, **more, KILL_PARENT="1" if point.both else "", PATH=self._path)

    def record(self, *words: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """The command, not killed: the calls of our process from the journal on, and each git's words and calls."""
        trace = self.folder / "trace"
        before = ["strace", "-qq", "-y", "-o", str(trace), "-e", f"trace={CHANGES}"]
        assert self._start(before, words, SHIM_TRACE="1", PATH=self._path) == 0
        numbers = range(1, 1 + int((self.shim / "count").read_text()))
        gits = [(f"{self.shim}/words.{n}", f"{self.shim}/trace.{n}") for n in numbers]
        return trace.read_text().splitlines(), [
            (Path(said).read_text(), Path(calls).read_text().splitlines()) for said, calls in gits
        ]

    def _start(self, before: list[str], words: tuple[str, ...], **more: str) -> int:
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "SHIM": str(self.shim), **more}
        argv = [*before, *argv_of(*words)]
        return subprocess.run(argv, cwd=self.repo, env=env, capture_output=True, check=False).returncode

    @property
    def _path(self) -> str:
        return f"{self.shim}{os.pathsep}{os.environ['PATH']}"

    @property
    def journal(self) -> bool:
        return (self.repo / ".git" / journal.NAME).exists()

    @property
    def moved(self) -> bool:
        return git(self.repo, "rev-parse", "main").strip() != self.old

    def changed(self) -> list[str]:
        """Paths of the PR whose file is not as before the merge."""
        return [path for path in PATHS if self._file(path) != self._at(self.old, path)]

    def _file(self, path: str) -> bytes | None:
        there = self.repo / path
        return there.read_bytes() if there.exists() else None

    def _at(self, commit: str, path: str) -> bytes | None:
        done = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=self.repo, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def require_half_is_never_committed(self) -> None:
        """A person who knows of nothing types `git commit -a`: the PR is in that commit whole, or not at all."""
        kept = shutil.copytree(self.repo, self.folder / "other", symlinks=True)
        git(kept, "commit", "-qam", "Mine", check=False)
        names = git(kept, "diff", "--name-only", "--no-renames", self.old, "main").split()
        assert {*PATHS} & {*names} in (set(), {*PATHS}), f"committed half of it: {names}"
        shutil.rmtree(kept)

    def require_all_or_nothing(self) -> None:
        """After a command that writes: no journal, no lock of ours, and the work tree shows what main holds."""
        assert not self.journal
        assert not [*(self.repo / ".git").glob("pantheon-index*")]
        assert not (self.repo / ".git/index.lock").exists()
        assert git(self.repo, "status", "--porcelain", "-uall") == MINE
        assert self.changed() == ([*PATHS] if self.moved else [])

    def require_merged(self) -> None:
        self.require_all_or_nothing()
        assert self.moved
        trailers = git(self.repo, "log", "--first-parent", "--format=%(trailers:key=Pantheon-Job,valueonly)", "main")
        assert trailers.split() == ["many.1"], "merged once"
        assert '"state": "merged"' in cli(self.repo, "pr", "list", "--state=merged", "--json").out
        assert (self.repo / "docs/new/c.md").read_bytes() == GOOD
        git(self.repo, "fsck", "--strict", "--no-dangling")
        done = cli(self.repo, "verify")
        assert done.code == 0, done.both


def template(folder: Path) -> Path:
    """One PR that changes two files, adds a folder and removes its task; a person's own changes beside it."""
    world = with_a_pr(folder / "template")
    world.add_task("many", "docs/*.md", "docs/new/*.md")
    world.commit("Ask for more")
    ran = world.run("many", dict.fromkeys(PATHS[:3], GOOD))
    assert ran.committed is not None
    assert ran.verdict.passed, ran.verdict.reason
    world.write("src/x.py", b"mine\n")
    world.write("staged.txt", b"mine\n")
    git(world.path, "add", "staged.txt")
    world.write("mine.txt", b"mine\n")
    return world.path


def points(folder: Path, template: Path) -> list[Point]:
    """Every point of one merge, as a run without a kill shows them."""
    ours, gits = Trial(_new(folder, "recorded"), template).record(*MERGE)
    begin = next(number for number, line in enumerate(ours) if f"{journal.NAME}.new" in line)
    found = [Point(name, nth) for name, nth in _numbered(ours)[begin:]]
    last = max(number for number, (words, _) in enumerate(gits) if "update-ref" in words.split()) + 1
    for number, (words, calls) in enumerate(gits[:last], 1):
        if any(word in words.split() for word in WRITERS):
            found += [Point(*call, number, both) for call in _numbered(calls) for both in (False, True)]
    return found


def _numbered(lines: list[str]) -> list[tuple[str, int]]:
    """Each call with its number among those of its name, as strace counts."""
    seen: Counter[str] = Counter()
    found = []
    for line in lines:
        if called := _CALL.match(line):
            seen[called[1]] += 1
            found.append((called[1], seen[called[1]]))
    return found


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def trial(at: Trial, point: Point, chance: random.Random, figures: Figures) -> None:
    """One kill, what a person may do next, and the command that puts it right."""
    if at.run(point, *MERGE) in (0, 1) and not point.git:
        figures.states["too late"] += 1
        return
    figures.states["killed"] += 1
    cut = at.journal
    figures.states["in the midst" if cut and not at.moved else "branch moved" if cut else "before or after"] += 1
    figures.states["files half new"] += 0 < len(at.changed()) < len(PATHS)
    looked = cli(at.repo, "pr", "list")
    assert looked.code == 0, looked.both
    assert ("cut off: the merge of many.1 into main" in looked.err) == cut, looked.both
    at.require_half_is_never_committed()
    while at.journal and chance.random() < 0.4:
        figures.states["killed again"] += 1
        name = chance.choice(("wait4", "unlink", "rename", "fsync", "write"))
        at.run(Point(name, chance.randint(1, 25 if name == "wait4" else 8)), "retry", "nosuch")
    if at.journal and chance.random() < 0.5:
        said = cli(at.repo, "retry", "nosuch").err
        assert "put right: the merge of many.1 into main was cut off" in said, said
        at.require_all_or_nothing()
    last = cli(at.repo, *MERGE)
    assert last.code == 0 or "many.1 is merged as" in last.err, last.both
    at.require_merged()


def campaign(kills: int | None, seed: int) -> Iterator[Figures]:
    """Figures after every trial."""
    chance, figures = random.Random(seed), Figures()
    with tempfile.TemporaryDirectory(prefix="merge-kill-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        isolate(patch, folder / "home")
        made = template(folder)
        all_points = points(folder, made)
        figures.points = len(all_points)
        chosen = all_points if kills is None else chance.sample(all_points, min(kills, len(all_points)))
        for number, point in enumerate(chosen):
            at = Trial(_new(folder, str(number)), made)
            try:
                trial(at, point, chance, figures)
                shutil.rmtree(at.folder)
            except AssertionError as error:
                figures.problems.append(f"{point}: {error}")
            yield figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    figures = Figures()
    for number, figures in enumerate(campaign(wanted.kills, wanted.seed), 1):
        if number % 20 == 0:
            sys.stdout.write(f"{number}: {figures}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{figures}\n" + "".join(f"{problem}\n" for problem in figures.problems))
    return 1 if figures.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
