"""A power cut: what was not synced is gone. Recovery relies on the order on disk, so it is recorded and checked.

POSIX promises the content of a file after fsync(2) of the file, and its name after fsync(2) of the folder; a rename
that was not synced may be lost while a later one stays. `test_ledger_recover.py` starts from the states between.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pantheon_git.ledger.read import nights
from pantheon_git.repo.git import Git
from tests.cli_support import CHECKOUT
from tests.gate_world import with_a_pr
from tests.ledger_kit import NAME, house
from tests.merge_kill_kit import can_trace

_SYNC = re.compile(r"f(?:data)?sync\(\d+<(.+?)>\)\s+= 0")
_RENAME = re.compile(r"rename(?:at2?)?\((?:[^\"]*, )?\"(.+?)\", (?:[^\"]*, )?\"(.+?)\".*= 0")
_WRITE = """
import sys
from pathlib import Path
from tests.ledger_kit import NAME, House
from pantheon_git.ledger.keys import load_private
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
at = House(Git.discover(Path(sys.argv[1])), load_private(paths.night_key()))
at.ledger.open_night(NAME, [at.context(job) for job in ("a.1", "b.1")], {})
at.ledger.commit_group(NAME, [at.result("a.1"), at.result("b.1", "failed")])
at.ledger.close_night(NAME, {})
"""
RUNS, OTHERS = "/refs/pantheon/runs/", ("/refs/heads/pantheon/", "/refs/pantheon/failed/", "/refs/pantheon/artifacts/")
NOTES = "/refs/notes/pantheon"


class Step(NamedTuple):
    what: str
    """`sync` or `rename`."""
    path: str
    """The file or folder synced; of a rename, what it is called afterwards."""
    before: str = ""


@pytest.fixture
def steps(tmp_path: Path) -> list[Step]:
    """What a night of two jobs did, in order."""
    at = house(tmp_path / "repo")
    found = recorded(at.git, tmp_path / "trace", sys.executable, "-c", _WRITE, str(at.git.path))
    assert nights(at.git, at.again().objects)[0].state == "closed"
    return found


def recorded(git: Git, trace: Path, *program: str) -> list[Step]:
    """What a program did to the repository's files, in order."""
    if not can_trace():
        pytest.skip("apt install strace, where it may trace")
    argv = ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o", str(trace)]
    done = subprocess.run([*argv, *program], cwd=CHECKOUT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = []
    for line in _whole_lines(trace.read_text()):
        if synced := _SYNC.search(line):
            found.append(Step("sync", synced[1]))
        elif renamed := _RENAME.search(line):
            found.append(Step("rename", str(git.common_dir / renamed[2]), str(git.common_dir / renamed[1])))
    return found


def _whole_lines(trace: str) -> list[str]:
    """Calls that another process interrupted stand in two halves, each behind the number of its process."""
    halves: dict[str, str] = {}
    whole = []
    for line in trace.splitlines():
        process, _, text = line.partition(" ")
        if text.endswith("<unfinished ...>"):
            halves[process] = text.removesuffix("<unfinished ...>")
        elif "resumed>" in text:
            whole.append(halves.pop(process, "") + text.partition("resumed>")[2])
        else:
            whole.append(text)
    return whole


def at_rename(steps: list[Step], part: str) -> list[int]:
    return [number for number, step in enumerate(steps) if step.what == "rename" and part in step.path]


def synced(steps: list[Step], path: str, start: int, end: int) -> bool:
    return any(step == Step("sync", path) for step in steps[start:end])


def test_every_file_is_synced_before_it_gets_its_name(steps: list[Step]) -> None:
    """Packs, their indexes and every ref, git's own included."""
    names = [*at_rename(steps, "/objects/pack/"), *at_rename(steps, "/refs/")]
    assert len(names) >= 2 * 3 + 3 + 4, "the recording is not whole"
    for number in names:
        assert synced(steps, steps[number].before, 0, number), steps[number]


def test_packs_have_their_names_before_a_ref_moves(steps: list[Step]) -> None:
    """The folder of packs is synced between the last rename in it and the next ref."""
    refs = at_rename(steps, "/refs/")
    for number in at_rename(steps, ".idx"):
        following = min(ref for ref in refs if ref > number)
        assert synced(steps, str(Path(steps[number].path).parent), number, following)


def test_the_run_ref_is_durable_before_what_follows_from_it(steps: list[Step]) -> None:
    """A group exists by its run ref: branches, breadcrumbs, artifacts and notes come after that is on disk. At the
    close it is the other way round: the notes of the base come first."""
    opened, group, closed = at_rename(steps, f"{RUNS}{NAME}")
    folder = str(Path(steps[group].path).parent)
    first, last = at_rename(steps, NOTES)
    for number in [first, *(n for part in OTHERS for n in at_rename(steps, part))]:
        assert opened < group < number < closed
        assert synced(steps, folder, group, number), steps[number]
        assert synced(steps, str(Path(steps[number].path).parent), number, closed), "durable before the next step"
    assert first < last < closed
    assert synced(steps, str(Path(steps[last].path).parent), last, closed)


def test_a_merge_is_on_disk_step_by_step(tmp_path: Path) -> None:
    """The journal before the first file, files before the index, the index before the branch, the branch before its
    record: a power cut between any two leaves what the next command finishes or undoes."""
    world = with_a_pr(tmp_path / "repo")
    merge = ("-m", "pantheon_git", "-C", str(world.path), "pr", "merge", "one")
    steps = recorded(world.git, tmp_path / "trace", sys.executable, *merge)
    (journal,), (index,) = at_rename(steps, "/.git/pantheon-merge"), at_rename(steps, "/.git/index")[-1:]
    (branch,), (record,) = at_rename(steps, "/.git/refs/heads/main"), at_rename(steps, "/refs/pantheon/meta/one.1")
    file, git_dir = world.path / "docs/a.md", str(world.path / ".git")
    assert synced(steps, f"{git_dir}/pantheon-merge.new", 0, journal)
    changed = next(number for number, step in enumerate(steps) if step == Step("sync", str(file)))
    assert synced(steps, git_dir, journal, changed)
    assert synced(steps, str(file.parent), changed, index)
    assert steps[index].before.endswith("/pantheon-index")
    assert synced(steps, steps[index].before, 0, index)
    assert synced(steps, git_dir, index, branch)
    assert synced(steps, f"{git_dir}/refs/heads", branch, record)
    assert synced(steps, f"{git_dir}/refs/pantheon/meta", record, len(steps))


@pytest.mark.jail
@pytest.mark.skipif(os.geteuid() != 0, reason="making and cutting a disk needs root")
@pytest.mark.skipif(not Path("/dev/loop-control").exists(), reason="there are no loop devices here")
def test_the_power_is_cut() -> None:
    """A small share of `python -m tests.power_kit`: on a real ext4 that keeps no more than it must, everything is
    found whole, and the next commands go on."""
    argv = [sys.executable, "-m", "tests.power_kit", "1"]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "problems: 0" in done.stdout
