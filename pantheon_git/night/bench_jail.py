"""`bench jail`: what a jail costs a job, beside a bare fork of the same command, and its certificate a night."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.errors import JailError
from pantheon_git.jail.open import open_jail
from pantheon_git.jail.protocol import JailSpec
from pantheon_git.jail.support import LEVELS, detect
from pantheon_git.jail.trees import CheckoutStore, remove_tree
from pantheon_git.night.bench import make_repository
from pantheon_git.night.certificate import certify
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

COMMAND = ("/bin/sh", "-c", "cat d000/f00.md >/dev/null")
"""Small, and it reads the job's tree."""


@dataclass(frozen=True)
class JailBench:
    """Milliseconds of one job, wall clock and CPU of all its processes; seconds of one certificate."""

    level: str
    tree: str
    jobs: int
    jail_ms: float
    """Open a fresh jail on a fresh tree, run the command, close it, remove the tree."""
    jail_cpu_ms: float
    command_ms: float
    """One more command in a jail that is open."""
    bare_ms: float
    bare_cpu_ms: float
    """The same command by fork and exec alone, in the same folder's checkout."""
    certificate_seconds: float
    certificate_cpu_seconds: float
    probes: int


async def bench_jail(folder: Path, files: int, jobs: int, say: Callable[[str], None]) -> list[JailBench]:
    """Measure each level that works here, in a repository of its own. JailError where none does."""
    git = Git.discover(make_repository(folder / "repo", files, 1, "noop"))
    objects, state = Objects(git), paths.state_dir(git)
    base = objects.resolve("HEAD")
    assert base is not None  # noqa: S101 - it was made a line ago
    checkout = CheckoutStore(state).get(objects, base)
    support = detect(state)
    levels = [level for level in LEVELS if support.has(level)]
    if not levels:
        raise JailError(f"no jail works on this machine: {support.reasons}", "pantheon-git doctor")
    found = []
    for level in levels:
        say(f"{jobs} jobs, {level}")
        await _jobs(checkout, state, level, 1)
        bare = _timed_bare(checkout, jobs)
        wall, cpu, again = await _jobs(checkout, state, level, jobs)
        say(f"the certificate, {level}")
        before = sum(os.times()[:4])
        made = await certify(git, objects, base, JailSpec(checkout, state), level)
        spent = sum(os.times()[:4]) - before
        tree = "overlay" if support.overlay else "copy"
        found.append(JailBench(level, tree, jobs, wall, cpu, again, *bare, made.seconds, spent, len(made.findings)))
    return found


async def _jobs(checkout: Path, state: Path, level: str, jobs: int) -> tuple[float, float, float]:
    """Milliseconds a job: wall, CPU of the jail and of this process, and one further command in an open jail."""
    inside = again = 0.0
    started, own = time.perf_counter(), time.process_time()
    for number in range(jobs):
        job_dir = state / "jobs" / f"bench-{level}-{number}"
        job_dir.mkdir(mode=0o700, parents=True)
        async with await open_jail(JailSpec(checkout, job_dir), level) as jail:
            if (await jail.exec(COMMAND, 30)).code:
                raise JailError("the benchmark's command failed in its jail")
            before = time.perf_counter()
            await jail.exec(COMMAND, 30)
            again += time.perf_counter() - before
        inside += jail.cpu_seconds
        remove_tree(job_dir)
    wall, own = time.perf_counter() - started - again, time.process_time() - own
    return 1000 * wall / jobs, 1000 * (own + inside) / jobs, 1000 * again / jobs


def _timed_bare(checkout: Path, jobs: int) -> tuple[float, float]:
    """Wall and CPU milliseconds of the same command, started by this process and nothing else."""
    before, started = sum(os.times()[:4]), time.perf_counter()
    for _ in range(jobs):
        subprocess.run(COMMAND, cwd=checkout, env={}, check=True)
    return 1000 * (time.perf_counter() - started) / jobs, 1000 * (sum(os.times()[:4]) - before) / jobs
