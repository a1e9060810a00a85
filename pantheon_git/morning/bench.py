"""`bench verify`: how fast a large ledger is verified, and in how much memory, beside what the same machine needs for
`git fsck` of the same repository and for as many bare signatures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pantheon_git.ledger.bench import NODES, fill
from pantheon_git.ledger.keys import load_private
from pantheon_git.ledger.ledger import Ledger
from pantheon_git.night.bench import shell
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

NIGHT = "20261125T230000Z"
SIGNATURES = len(NODES) + 2
"""Of a job: its nodes, its statement, its commit."""
_PAYLOAD = 1500
"""Bytes, as a node's statement has them."""


@dataclass(frozen=True)
class VerifyBench:
    """Seconds are wall clock, of one command each; memory is that of the largest process, in MiB."""

    jobs: int
    seconds: float
    memory: float
    few: int
    """Jobs of the smaller ledger."""
    few_seconds: float
    few_memory: float
    fsck_seconds: float
    bare_seconds: float
    """As many Ed25519 verifications, one after another in one process."""
    cores: int

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds

    @property
    def growth(self) -> float:
        """KiB of memory for each further job."""
        return 1024 * (self.memory - self.few_memory) / (self.jobs - self.few)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "rate": self.rate, "growth": self.growth}


def bench_verify(folder: Path, jobs: int, few: int, say: Callable[[str], None] = lambda text: None) -> VerifyBench:
    """Measure in `folder`. Keys and state are the caller's environment's. `few` is less than `jobs`."""
    measured = {}
    for count in (few, jobs):
        say(f"signing a night of {count} jobs")
        repo = make_ledger(folder / str(count), count)
        say(f"verifying {count} jobs")
        measured[count] = _measured([sys.executable, "-m", "pantheon_git", "verify", "--json"], repo, count)
    say("git fsck, and bare signatures")
    fsck, _ = _measured(["git", "fsck", "--no-dangling", "--no-progress"], folder / str(jobs), None)
    return VerifyBench(
        jobs, *measured[jobs], few, *measured[few], fsck, _bare(jobs * SIGNATURES), len(os.sched_getaffinity(0))
    )


def make_ledger(folder: Path, jobs: int) -> Path:
    """A repository with one closed night."""
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# Generated\n")
    shell(folder, "git", "init", "-q", "-b", "main")
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-qm", "Generated")
    git = Git.discover(folder)
    objects = Objects(git)
    fill(Ledger(git, objects, load_private(paths.night_key())), NIGHT, git.text("rev-parse", "main"), jobs)
    objects.close()
    return folder


def _measured(command: list[str], repo: Path, jobs: int | None) -> tuple[float, float]:
    """Seconds, and MiB of the largest process. RuntimeError when the command fails, or did not verify all of `jobs`."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe
        last = b""
        for last in process.stdout:  # noqa: B007 - only the last line is kept
            pass
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode or (jobs is not None and json.loads(last)["summary"]["good"] != jobs):
        raise RuntimeError(f"{command[-2:]} of the benchmark's own ledger said {process.returncode}: {last!r}")
    return seconds, used.ru_maxrss / 1024


def _bare(count: int) -> float:
    key, payload = Ed25519PrivateKey.generate(), os.urandom(_PAYLOAD)
    signature, public = key.sign(payload), key.public_key()
    started = time.perf_counter()
    for _ in range(count):
        public.verify(signature, payload)
    return time.perf_counter() - started
