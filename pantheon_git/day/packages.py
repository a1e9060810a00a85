"""`bench stubs`: a night in a scratch repository of each package, and the test that came of it, for a scorer to read.

The folder holds `truth.json`, a list of `{"id", "main", …}`, and for each id `ID/repo`, a package without its tests.
Packages are copied from where they lie into scratch repositories, and never into this project.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pantheon_git.agent.load import FolderReader, load_from
from pantheon_git.agent.stock import stock_dir
from pantheon_git.day.demo import give_identity
from pantheon_git.day.queue import make_tasks, write
from pantheon_git.day.scaffold import Choices, plan_init
from pantheon_git.errors import PantheonError
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.night.run import NightOptions, run_night
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.task import Goal, Scope, Task

POLICY = 'schema = 1\nshare = ["{share}"]\n\n[ceilings]\ndiff_lines = 1500\n\n[gate]\nreviewers = 2\n'
_NPM = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]


@dataclass(frozen=True)
class Case:
    id: str
    root: Path
    """The package as it was fetched."""
    module: str
    installed: Path
    """A copy of it with what it needs: `node_modules` or `.venv`."""


@dataclass(frozen=True)
class Stubbed:
    """What came of one package."""

    id: str
    ending: str
    reason: str
    tests: tuple[str, ...]
    """Paths of the test files."""
    removal: tuple[int, int]
    """Exports whose removal turned the run red, of those that were tried."""
    idle: tuple[int, int]
    """Functions and classes for which a do-nothing did, of those that were tried."""
    authorship: Mapping[str, str] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class StubsBench:
    packages: Sequence[Stubbed]

    @property
    def accepted(self) -> int:
        return sum(one.ending == "pr" for one in self.packages)

    def share(self, name: str) -> float:
        """Mean over all packages; one without an accepted test counts as nothing. Those without a function are left
        out of `idle`, as there is nothing to stand in for."""
        rows = [(one, getattr(one, name)) for one in self.packages]
        counted = [red / of if one.ending == "pr" else 0.0 for one, (red, of) in rows if of or one.ending != "pr"]
        return sum(counted) / max(1, len(counted))

    def as_json(self) -> dict[str, Any]:
        titles = [one.authorship.get("title", "") for one in self.packages if one.ending == "pr"]
        cpu = sum(one.cpu_seconds for one in self.packages)
        cpu = sum(one.cpu_seconds for one in self.packages)
        return {
            "packages": len(self.packages),
            "accepted": self.accepted, "removal": round(self.share("removal"), 3),
            "behaviour": round(self.share("idle"), 3), "titles by the model": titles.count("model"),
            "CPU seconds a package": round(cpu / max(1, len(self.packages)), 1),
            "rows": [asdict(one) for one in self.packages],
        }  # fmt: skip


def load_cases(folder: Path, cache: Path, only: Sequence[str] = ()) -> list[Case]:
    """The packages of `folder`, each with what it needs installed below `cache` (once; npm is run for it, by day)."""
    truth = folder / "truth.json"
    if not truth.is_file():
        raise PantheonError(f"{folder} has no truth.json", "pantheon-git bench stubs --help")
    rows = [row for row in json.loads(truth.read_bytes()) if not only or row["id"] in only]
    return [_case(folder / row["id"] / "repo", cache / row["id"], row) for row in rows]


def _case(root: Path, installed: Path, row: Mapping[str, Any]) -> Case:
    if (root / "package.json").is_file() and not (installed / "node_modules/ava").is_dir():
        if shutil.which("npm") is None:
            raise PantheonError("npm is not installed", "apt-get install nodejs npm")
        shutil.copytree(root, installed, dirs_exist_ok=True)
        done = subprocess.run(_NPM, cwd=installed, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PantheonError(
                f"npm install of {row['id']}: {done.stderr.strip()[-300:]}", f"cd {installed}; npm install"
            )
    if str(row["main"]).endswith(".py"):
        installed = installed.parent
        _environment(installed / ".venv")
    return Case(str(row["id"]), root, os.path.normpath(str(row["main"])), installed)


def _environment(folder: Path) -> None:
    """One virtual environment with pytest for all packages."""
    if not (folder / "bin/pytest").exists():
        real = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
        for argv in (
            [real, "-m", "venv", str(folder)],
            [str(folder / "bin/python"), "-m", "pip", "install", "-q", "pytest"],
        ):
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                raise PantheonError(
                    f"{shlex.join(argv)}: {done.stderr.strip()[-300:]}", f"{folder}/bin/pip install pytest"
                )


async def bench_stubs(
    cases: Sequence[Case], work: Path, into: Path, agent: str, options: NightOptions, said: Callable[[Stubbed], None]
) -> StubsBench:
    """A night for each package in a repository below `work`; accepted tests are written to `into/ID/…`."""
    done = []
    for case in cases:
        one = await _one(case, work / case.id, into / case.id, agent, options)
        shutil.rmtree(work / case.id, ignore_errors=True)
        done.append(one)
        said(one)
    return StubsBench(done)


async def _one(case: Case, folder: Path, into: Path, agent: str, options: NightOptions) -> Stubbed:
    git = make_repository(case, folder, agent)
    before, started = os.times(), time.monotonic()
    result = await run_night(git, options)
    after, seconds = os.times(), time.monotonic() - started
    if result.night is None:
        raise PantheonError(f"{case.id}: the night had nothing to do", "pantheon-git run --dry-run")
    objects = Objects(git)
    entry = next(iter(read.jobs(git, objects, result.night)))
    tests = tuple(_tests(objects, entry)) if entry.ending == "pr" else ()
    for path in tests:
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        found = objects.find(str(entry.tree), path.encode())
        target.write_bytes(objects.blob(found.oid) if found is not None else b"")
    removal, idle = _checked(objects, entry)
    return Stubbed(case.id, entry.ending, entry.reason, tests, removal, idle,
                   dict(entry.summary.get("authorship", {})), sum(after[:4]) - sum(before[:4]), seconds)  # fmt: skip


def _tests(objects: Objects, entry: JobEntry) -> Iterator[str]:
    yield from (path for path in entry.summary["diffstat"]["paths"] if not path.startswith(".pantheon/"))


def _checked(objects: Objects, entry: JobEntry) -> tuple[tuple[int, int], tuple[int, int]]:
    """What the flow's own check found: of removal and of do-nothing stand-ins, how many turned red, of how many."""
    for node in entry.nodes:
        if node.uses in ("check.ava", "check.pytest-stub"):
            found = json.loads(read.artifact(objects, node).get("output.json", b"{}"))
            rows = [list(found.get(name, {}).values()) for name in ("removal", "idle")]
            return (sum(map(bool, rows[0])), len(rows[0])), (sum(map(bool, rows[1])), len(rows[1]))
    return (0, 0), (0, 0)


def make_repository(case: Case, folder: Path, agent: str) -> Git:
    """A scratch repository of the package with one committed task; what it needs lies beside it, untracked."""
    share = "node_modules" if (case.installed / "node_modules").is_dir() else ".venv"
    shutil.copytree(case.root, folder)
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    give_identity(folder)
    (folder / ".gitignore").write_text(f"{share}/\n")
    if (case.installed / share).is_dir():
        shutil.copytree(case.installed / share, folder / share, symlinks=True, copy_function=_link)
    for step in plan_init(git, Choices(hook=False)):
        step.make()
    (folder / ".pantheon/policy.toml").write_text(POLICY.format(share=share))
    task = Task(agent=agent, scope=Scope(paths=("-",)), goal=Goal(summary="Write a test for {path}"))
    wants = load_from(FolderReader(stock_dir()), "stock")[agent].agent.queue
    write(folder, make_tasks([case.module], lambda name: False, task, wants))
    git.run("add", "--all", "--force", "--", ":!" + share)
    git.run("commit", "--quiet", "--message=A package and its task")
    return Git.discover(folder)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
