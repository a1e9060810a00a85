"""`bench runner`: what a job costs when its work is free, beside the shell commands that would do the same, in one run.

Seven signed no-op nodes a job, in a generated repository. Disks differ tenfold, so the time of creating the same files
raw stands beside the figures.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pantheon_git.night.bare import no_changes, open_no_jail
from pantheon_git.night.checks import CHECKS, noop
from pantheon_git.night.run import NightOptions, Wiring, run_night
from pantheon_git.repo.git import Git

NODES = 7
BARE = "bench.noop"
"""The benchmark-only node: a no-op in a job without a jail. It is in no dict but the one built below."""


@dataclass(frozen=True)
class RunnerBench:
    """Milliseconds are wall clock per job. Shares are ours over the shell's: goals 1/10 with the jail, 1/50 without."""

    files: int
    jobs: int
    sample: int
    """Jobs done by the shell commands."""
    jailed_ms: float
    jailed_cpu_ms: float
    bare_ms: float
    bare_cpu_ms: float
    shell_ms: float
    raw_ms: float
    """Creating the repository's files once, with nothing else."""

    @property
    def jailed_share(self) -> float:
        return self.jailed_ms / self.shell_ms

    @property
    def bare_share(self) -> float:
        return self.bare_ms / self.shell_ms

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "jailed_share": self.jailed_share, "bare_share": self.bare_share}


async def bench_runner(
    folder: Path, files: int = 5000, jobs: int = 200, sample: int = 10, say: Callable[[str], None] = lambda text: None
) -> RunnerBench:
    """Measure in `folder` (emptied first, removed after). Keys and state are the caller's environment's."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        say(f"writing {files} files raw")
        raw = _timed(lambda: write_files(folder / "raw", files))
        say("making the repository")
        with_jail = make_repository(folder / "jailed", files, jobs, "noop")
        without = make_repository(folder / "bare", files, jobs, BARE)
        say(f"{jobs} jobs with the jail")
        jailed = await _night(with_jail, Wiring())
        say(f"{jobs} jobs without")
        bare = await _night(without, Wiring(open_no_jail, no_changes, {**CHECKS, BARE: noop}))
        say(f"{sample} jobs by shell commands")
        shell = _timed(lambda: shell_jobs(with_jail, sample))
        return RunnerBench(
            files=files,
            jobs=jobs,
            sample=sample,
            jailed_ms=1000 * jailed[0] / jobs,
            jailed_cpu_ms=1000 * jailed[1] / jobs,
            bare_ms=1000 * bare[0] / jobs,
            bare_cpu_ms=1000 * bare[1] / jobs,
            shell_ms=1000 * shell / sample,
            raw_ms=1000 * raw,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _night(repo: Path, wiring: Wiring) -> tuple[float, float]:
    """Wall and CPU seconds of a whole night, children and jails included."""
    before = os.times()
    started = time.perf_counter()
    result = await run_night(Git.discover(repo), NightOptions(), wiring=wiring)
    wall = time.perf_counter() - started
    after = os.times()
    if set(result.endings) != {"unchanged"}:
        raise RuntimeError(f"the benchmark's own jobs went wrong: {result.endings}")
    return wall, sum(after[:4]) - sum(before[:4])


def write_files(folder: Path, files: int) -> None:
    """`files` small documents, a hundred to a folder."""
    for number in range(files):
        path = folder / f"d{number // 100:03}" / f"f{number % 100:02}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Document {number}\n\n" + f"This is line {number} of a generated file.\n" * 20)


def make_repository(folder: Path, files: int, jobs: int, uses: str) -> Path:
    """A repository with a no-op flow of seven nodes in a chain, and one task a job."""
    write_files(folder, files)
    chain = [
        f'[nodes.n{n}]\nuses = "{uses}"\n' + (f'needs = ["n{n - 1}"]\n' if n > 1 else "") for n in range(1, NODES + 1)
    ]
    _put(folder / ".pantheon/flows/bench.toml", "schema = 1\n\n" + "\n".join(chain))
    for number in range(jobs):
        scope = f"d{number // 100:03}/f{number % 100:02}.md"
        task = f'schema = 1\nflow = "bench"\nscope.paths = ["{scope}"]\ngoal.summary = "Nothing, in {scope}"\n'
        _put(folder / f".pantheon/queue/job-{number:05}.toml", task)
    shell(folder, "git", "init", "-q", "-b", "main")
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-qm", "Generated")
    return folder


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def shell_jobs(repo: Path, count: int) -> None:
    """The same by hand: a worktree and branch, a file written and committed, a note, the worktree removed."""
    for number in range(count):
        tree = repo.parent / f"worktree-{number}"
        shell(repo, "git", "worktree", "add", "-q", "-b", f"shell-{number}", str(tree))
        (tree / "d000/f00.md").write_text(f"# Changed by job {number}\n")
        shell(tree, "git", "commit", "-qam", f"Job {number}")
        shell(tree, "git", "notes", "--ref=shell", "add", "-m", f"job {number}: {NODES} nodes passed")
        shell(repo, "git", "worktree", "remove", "--force", str(tree))


def shell(folder: Path, *argv: str) -> None:
    """A command as a person would type it, with an identity and no configuration of the machine's."""
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "bench" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "bench@localhost" for who in ("AUTHOR", "COMMITTER")},
    }
    subprocess.run(argv, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
