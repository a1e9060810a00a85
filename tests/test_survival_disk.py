"""A disk that is full: one clear line, the night is given up and not the work, and the morning tells."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pantheon_git.errors import GitError, PantheonError, machine_trouble
from pantheon_git.night import trouble
from pantheon_git.night.trouble import Reserve
from tests.cli_support import CHECKOUT, git, put
from tests.night_kit import State, commit, finish, night, queued_repo, require_whole, task


@pytest.mark.jail
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_night_on_a_disk_that_fills_up() -> None:
    """Full before it begins, and full in its midst; with room again the next run does the rest, exactly once."""
    argv = [sys.executable, "-m", "tests.full_kit", "20000 bytes", "state full after 0.00"]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = done.stdout.splitlines()
    assert "error: no night begins: less than 64 MiB are left" in first
    assert "given up: less than 64 MiB are left" in second


@pytest.mark.jail
def test_jobs_that_the_machine_failed_are_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When memory runs out in the runner, the night closes with the reason, and nothing counts as failed."""
    repo = queued_repo(tmp_path / "repo", 3)
    before = State.of(repo)
    with monkeypatch.context() as patch:
        patch.setattr("pantheon_git.night.run.run_job", _out_of_memory)
        result = night(repo)
    assert (result.jobs, result.exit_code, result.trouble) == ([], 1, "out of memory")
    assert {entry.why for entry in result.put_off} == {"not reached: out of memory"}
    finish(repo)
    require_whole(repo, 3, before)


async def _out_of_memory(*_: object) -> None:
    await asyncio.sleep(0)
    raise MemoryError


def test_the_reserve_makes_room_once(tmp_path: Path) -> None:
    """What writes is tried again with the reserve's room; a second refusal is raised, and the room is given back."""
    reserve, tries = Reserve((tmp_path,)), []

    def full() -> None:
        tries.append((tmp_path / trouble.NAME).exists())
        raise OSError(28, "No space left on device", "x")

    with reserve.held():
        assert (tmp_path / trouble.NAME).stat().st_blocks * 512 >= trouble.RESERVE_BYTES
        with pytest.raises(OSError, match="No space left"):
            reserve.write(full)
    assert tries == [True, False]
    assert reserve.sick() == "x: No space left on device"
    with pytest.raises(ValueError, match="a defect"):
        Reserve((tmp_path,)).write(_defect)
    assert list(tmp_path.iterdir()) == []


def _defect() -> None:
    raise ValueError("a defect")


def test_what_the_machine_refuses_is_no_defect() -> None:
    """errno, memory, and git's own words are told apart from defects, each with a next step."""
    full = machine_trouble(OSError(28, "No space left on device", "/x/y"))
    assert full is not None
    assert (full.message, full.hint[:5]) == ("/x/y: No space left on device", "df -h")
    assert machine_trouble(MemoryError()) is not None
    said = b"fatal: Unable to create temporary file: Read-only file system"
    assert machine_trouble(GitError("git died", stderr=said)) is not None
    for other in (ValueError("x"), FileNotFoundError(2, "No such file"), PantheonError("x"), GitError("x")):
        assert machine_trouble(other) is None


@pytest.mark.jail
def test_a_night_whose_memory_gives_out() -> None:
    """A small share of `python -m tests.memory_kit`: under `ulimit -v` one clear line; the next run does the work."""
    argv = [sys.executable, "-m", "tests.memory_kit", "as 100"]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MiB: error: " in done.stdout


def test_memory_in_reserve_is_given_back_where_it_runs_out(tmp_path: Path) -> None:
    """Also for an error in a callback that nobody waits for; the night is then given up, and other errors are not
    swallowed."""
    reserve = Reserve((tmp_path,))
    reserve.hold_memory()
    assert not reserve.ran_out(ValueError("a defect"))
    assert not reserve.ran_out(None)
    assert reserve.sick() == ""
    assert reserve.ran_out(MemoryError())
    assert reserve.sick() == "out of memory"
    assert machine_trouble(RuntimeError("can't start new thread")) is not None
    assert machine_trouble(RuntimeError("a defect")) is None


@pytest.mark.jail
def test_a_job_that_needs_more_memory_than_its_jail_has(tmp_path: Path) -> None:
    """It is stopped, alone, and its breadcrumb says why; the other jobs of the night are as they would be."""
    repo = queued_repo(tmp_path / "repo", 2)
    hog = "for n in 1 2 3; do head -c 400000000 /dev/zero | tail & done; head -c 500000000 /dev/zero | tail > /dev/null"
    criterion = f"[[goal.acceptance]]\ntext = 'enough'\ncheck = '{hog}'\n"
    put(repo / ".pantheon/queue/t000.toml", task("docs/d000.md", flow="doc.frontmatter") + criterion)
    put(repo / ".pantheon/policy.toml", "schema = 1\n[jail]\nmemory_mb = 320\n")
    commit(repo, "A hog")
    result = night(repo)
    endings = {job.context.task: job.ending for job in result.jobs}
    assert endings["t001"] == "pr"
    assert endings["t000"] in ("failed", "error")
    crumb = git(repo, "log", "-1", "--format=%B", "refs/pantheon/failed/t000.1")
    words = ("memory exhausted", "more memory than its jail has", "MiB together")
    assert any(word in crumb for word in words), crumb
