"""One runner per repository, and no dead one stands in the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pantheon_git.night.lease import LeaseHeldError, born, lease, state_of

HOLD = """
import os, sys, time, pathlib
from pantheon_git.night.lease import lease
with lease(pathlib.Path(sys.argv[1]), "test night") as held:
    how = sys.argv[2:]
    if how == ["fork"] and os.fork() == 0:
        time.sleep(60)
    print(os.getpid(), flush=True)
    if how == ["wait"]:
        sys.stdin.readline()
        held.require()
    time.sleep(60)
"""


def start(state: Path, *more: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(state), *more], text=True, **pipes)  # type: ignore[call-overload]
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
    with lease(tmp_path, "mine") as held:
        assert held.left is not None
        assert held.left.pid == first.pid
        assert held.taken_over == f"took over from {held.left}, which ended without a word"
    with lease(tmp_path, "again") as held:
        assert held.left is None


def test_a_stopped_runner_is_passed_over_and_finds_out(tmp_path: Path) -> None:
    """Ctrl-Z on a night does not cost the next one; continued, the old runner writes nothing more."""
    first = start(tmp_path, "wait")
    os.kill(first.pid, signal.SIGSTOP)
    while state_of(first.pid) != "T":
        time.sleep(0.01)
    with lease(tmp_path, "mine") as held:
        assert held.left is not None
        assert held.left.pid == first.pid
        assert held.taken_over.endswith("which is stopped")
        held.require()
        os.kill(first.pid, signal.SIGCONT)
        _, err = first.communicate("go\n", timeout=20)
        assert "another runner took this night over" in err
        held.require()
    with lease(tmp_path, "again") as held:
        assert held.left is None


def test_a_holder_elsewhere_is_never_judged(tmp_path: Path) -> None:
    """On another machine, or in another container, that shares the state folder, its process number means nothing."""
    first = start(tmp_path)
    said = json.loads((tmp_path / "lease").read_text())
    (tmp_path / "lease").write_text(json.dumps(said | {"where": "another boot", "host": "elsewhere", "pid": 1}))
    with pytest.raises(LeaseHeldError, match="on elsewhere") as caught, lease(tmp_path, "mine"):
        pass
    assert caught.value.hint == "look there: ps -p 1"
    first.kill()
    first.communicate()
    with lease(tmp_path, "mine") as held:
        assert held.left is not None, "its lock is gone, so it is"
        assert "on elsewhere" in held.taken_over


def test_a_jump_of_the_clock_changes_no_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Life is told by the time since boot: years forward or back, who holds it holds it."""
    first, now = start(tmp_path), time.time()
    for years in (-20, 20):
        monkeypatch.setattr(time, "time", lambda then=now + years * 31536000: then)
        with pytest.raises(LeaseHeldError), lease(tmp_path, "mine"):
            pass
    first.kill()
    first.communicate()


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
