"""One runner per repository, and no dead one stands in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pantheon_git.night.lease import LeaseHeldError, born, lease

HOLD = """
import os, sys, time, pathlib
from pantheon_git.night.lease import lease
with lease(pathlib.Path(sys.argv[1]), "test night"):
    if len(sys.argv) > 2 and os.fork() == 0:
        time.sleep(60)
    print(os.getpid(), flush=True)
    time.sleep(60)
"""


def start(state: Path, *more: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(state), *more], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_the_second_runner_is_told_who_holds_it(tmp_path: Path) -> None:
    """The error names process, start and night, and ends with a next step."""
    first = start(tmp_path / "state")
    with pytest.raises(LeaseHeldError) as caught, lease(tmp_path / "state", "mine"):
        pass
    assert f"process {first.pid}" in caught.value.message
    assert "test night" in caught.value.message
    assert str(first.pid) in caught.value.hint
    first.kill()
    first.communicate()


def test_a_killed_runner_leaves_no_lock(tmp_path: Path) -> None:
    """After kill -9 the next runner gets the lease at once, and learns whose it was."""
    first = start(tmp_path)
    first.kill()
    first.communicate()
    with lease(tmp_path, "mine") as left:
        assert left is not None
        assert left.pid == first.pid
    with lease(tmp_path, "again") as left:
        assert left is None


def test_an_orphan_that_kept_the_descriptor_is_passed_over(tmp_path: Path) -> None:
    """A forked child of a killed runner keeps the flock alive; the named holder is dead, so the lease is taken."""
    first = start(tmp_path, "fork")
    orphans = [int(p) for p in Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()]
    first.kill()
    first.wait()
    with lease(tmp_path, "mine"):
        assert json.loads((tmp_path / "lease").read_text())["pid"] == os.getpid()
    for pid in orphans:
        os.kill(pid, 9)
    first.communicate()


def test_many_at_once_exclude_each_other(tmp_path: Path) -> None:
    """Eight processes that take turns never hold the lease together."""
    script = """
import sys, time, pathlib
from pantheon_git.night.lease import lease, LeaseHeldError
state, log = map(pathlib.Path, sys.argv[1:])
until = time.time() + 20
done = 0
while done < 5 and time.time() < until:
    try:
        with lease(state, "x"):
            marker = state / "inside"
            marker.touch(exist_ok=False)
            time.sleep(0.002)
            marker.unlink()
            done += 1
    except LeaseHeldError:
        time.sleep(0.002)
assert done == 5
"""
    runners = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), "log"], stderr=subprocess.PIPE) for _ in range(8)
    ]
    for runner in runners:
        _, err = runner.communicate(timeout=60)
        assert runner.returncode == 0, err


def test_born_tells_a_process_from_a_later_one_with_its_pid() -> None:
    """A living process has a birth, a dead or unborn one has none."""
    assert born(os.getpid()) > 0
    gone = subprocess.Popen(["true"])
    time.sleep(0.05)
    assert born(gone.pid) == 0, "a zombie is dead"
    gone.wait()
    assert born(gone.pid) == 0
