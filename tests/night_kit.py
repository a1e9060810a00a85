"""Real nights for tests: a repository with a queue, a runner in a process of its own, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon_git.jail.spawn import retire
from pantheon_git.ledger import read, trust
from pantheon_git.ledger.keys import generate
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.night.events import Event
from pantheon_git.night.lease import lease
from pantheon_git.night.run import NightOptions, NightResult, run_night
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.globs import escape
from tests.cli_support import CHECKOUT, cli, git, make_repo, put

_PR_SET_CHILD_SUBREAPER = 36
BODY = """\
# Keeping bees in the city of {name}

City bees find more flowers than their cousins between fields of maize, and their honey is often darker. This guide
describes where to place a hive, how to register it, and what the neighbours need to know before the first swarm.

## Where to place the hive

The entrance faces south-east, away from paths. A hedge or a fence of two metres makes the bees climb before they
cross a pavement, which spares everybody a meeting. Water has to be near, or they will use the neighbour's pool.
"""


def trusted_key() -> None:
    """The key of this test's fresh home, trusted for everything."""
    key = generate(paths.night_key())
    trust.trust(paths.trust_file(), key.public, (trust.NIGHT, trust.PERSON))


def task(path: str, **more: str) -> str:
    lines = [f'{name} = "{value}"\n' for name, value in more.items()]
    return f'schema = 1\n{"".join(lines)}scope.paths = ["{escape(path)}"]\ngoal.summary = "Front matter of {path}"\n'


def queued_repo(folder: Path, documents: int, flow: str = "doc.frontmatter") -> Path:
    """A repository of documents that differ, each with a task. Makes this home's key."""
    trusted_key()
    files = {f"docs/d{n:03}.md": BODY.format(name=f"number {n}") for n in range(documents)}
    repo = make_repo(folder, files)
    for n in range(documents):
        put(repo / f".pantheon/queue/t{n:03}.toml", task(f"docs/d{n:03}.md", flow=flow))
    commit(repo, "Queue")
    return repo


def commit(repo: Path, message: str) -> None:
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", message)


def adopt_orphans() -> None:
    """From now on the orphans of our children are our own children, so that a stray process cannot hide (prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """Our living children, but for the one that starts jails; the dead ones are reaped on the way."""
    retire()
    found = set()
    for pid in map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()):
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                found.add(pid)
    return found


def night(repo: Path, on_event: Callable[[Event], None] = lambda event: None, **options: Any) -> NightResult:
    """A whole night in this process, with the control engine unless told otherwise."""
    chosen = NightOptions(**{"engine": "control", "jobs": 4, **options})
    return asyncio.run(run_night(Git.discover(repo), chosen, on_event))


def start_night(repo: Path, *options: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "pantheon_git", "run", "--engine=control", "--quiet", *options]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(argv, cwd=repo, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_after(repo: Path, seconds: float, *options: str) -> bool:
    """Start a night and kill -9 the runner after `seconds`; whether it was still running."""
    runner = start_night(repo, *options)
    try:
        runner.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
        return True


def require_no_strays(before: set[int]) -> None:
    """Nothing that our children started is alive, but for those of `before`; what is dying has five seconds."""
    deadline = time.monotonic() + 5
    while (left := children() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"still alive: {[described(pid) for pid in left]}"


def described(pid: int) -> str:
    """A process in words, with its children."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return f"{pid}: {command!r} {status[2]} children {below!r}"


def kills(repo: Path, count: int, seed: int, longest: float) -> int:
    """Up to `count` nights in a row, each killed at a random moment; how many were really cut off."""
    chance = random.Random(seed)
    return sum(kill_after(repo, chance.uniform(0.2, longest), "--jobs=4") for _ in range(count))


@dataclass(frozen=True)
class State:
    """What a night may not touch: HEAD, the index byte for byte, the status."""

    head: str
    index: bytes
    status: str

    @classmethod
    def of(cls, repo: Path) -> State:
        status = git(repo, "status", "--porcelain")
        index = repo / git(repo, "rev-parse", "--git-path", "index").strip()
        return cls(git(repo, "rev-parse", "HEAD"), index.read_bytes(), status)


def require_whole(repo: Path, documents: int, before: State) -> None:
    """Every task done exactly once, everything verifies, and nothing stray is left anywhere."""
    git_ = Git.discover(repo)
    objects = Objects(git_)
    done = Counter(
        entry.task for night in read.nights(git_, objects) for entry in read.jobs(git_, objects, night.night)
    )
    assert done == {f"t{n:03}": 1 for n in range(documents)}, "not every task has exactly one final entry"
    assert {night.state for night in read.nights(git_, objects)} <= {"closed", "interrupted"}
    summary = summarise(verify(git_, TrustedKeys.load(paths.trust_file())))
    assert summary.exit_code == 0, str(summary.first)
    assert State.of(repo) == before
    state = paths.state_dir(git_)
    assert not [*(state / "jobs").iterdir()], "a job's folder is left"
    assert not [*(state / "checkouts").glob("building-*")]
    assert not [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(state) in line]
    assert not [*(repo / ".git").rglob("*.lock")], "a lock is left"
    assert not [*(repo / ".git").rglob("tmp_*")], "a half-written object is left"
    assert git(repo, "worktree", "list").count("\n") == 1
    with lease(state, "test"):
        pass
    git(repo, "fsck", "--strict", "--no-dangling")


def finish(repo: Path) -> None:
    """The night after the kills: it runs to its end."""
    done = cli(repo, "run", "--engine=control", "--quiet")
    assert done.code == 0, done.both
