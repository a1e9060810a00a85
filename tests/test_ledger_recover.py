"""Kills at every step of writing, and what the next start makes of them."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pantheon_git.ledger import ledger as ledger_module
from pantheon_git.ledger import notes, publish, read
from pantheon_git.ledger.anchor import marks_file
from pantheon_git.ledger.layout import RUNS
from pantheon_git.ledger.meta import Event, add_event
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.repo.git import Git
from pantheon_git.repo.refs import RefUpdate, read_refs, update_refs
from tests.ledger_kit import NAME, House, house


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def die_after(monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    """Let only the first `moves` refs move, as a kill of git in the midst of a transaction, or of us between two."""
    left = moves

    def partly(git: Git, updates: list[RefUpdate], message: str = "") -> None:
        nonlocal left
        for update in (update for update in updates if update.new != update.old):
            if not left:
                raise Killed
            update_refs(git, [update], message)
            left -= 1

    for module in (publish, ledger_module):
        monkeypatch.setattr(module, "update_refs", partly)


def whole(at: House) -> None:
    """Recovered, recovered again without anything to do, and verified but for freshness."""
    at.ledger.recover()
    refs = read_refs(at.git)
    assert at.again().ledger.recover() == []
    assert read_refs(at.git) == refs
    summary = summarise(verify(at.git, at.keys))
    assert summary.first is None, str(summary.first)


@pytest.mark.parametrize("moves", range(5))
def test_a_group_cut_off_after_any_ref_is_made_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """The run ref decides: without it nothing of the group exists, with it everything is brought up."""
    at = house(tmp_path)
    jobs = ["a.1", "b.1", "c.1", "d.1"]
    at.ledger.open_night(NAME, [at.context(job) for job in jobs], {})
    at.ledger.commit_group(NAME, [at.result("a.1")])
    with monkeypatch.context() as patch:
        die_after(patch, moves)
        with pytest.raises(Killed):
            at.ledger.commit_group(NAME, [at.result("b.1"), at.result("c.1", "failed"), at.result("d.1", "unchanged")])
    again = at.again()
    whole(again)
    refs = read_refs(again.git)
    assert ("refs/heads/pantheon/pr/b.1" in refs) == ("refs/pantheon/failed/c.1" in refs) == (moves > 0)
    shown = again.git.text("notes", "--ref=pantheon", "show", "main").splitlines()
    assert [line.split()[1] for line in shown] == jobs
    assert sum(" not run: the night was cut off" in line for line in shown) == (0 if moves else 3)


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_close_cut_off_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    """Base notes come before the close: at worst they are written twice and say the same."""
    at = house(tmp_path)
    at.ledger.open_night(NAME, [at.context("a.1"), at.context("b.1")], {})
    at.ledger.commit_group(NAME, [at.result("a.1")])
    with monkeypatch.context() as patch:
        die_after(patch, moves)
        with pytest.raises(Killed) if moves < 2 else contextlib.nullcontext():
            at.ledger.close_night(NAME, {"put_off": {"b": "no time left"}})
    whole(at.again())
    shown = at.git.text("notes", "--ref=pantheon", "show", "main")
    assert ("no time left" in shown) == (moves == 2)
    assert len(shown.splitlines()) == 2


def test_a_night_that_only_opened_is_closed_as_interrupted(tmp_path: Path) -> None:
    """And says so; a night that runs in this very process is left alone."""
    at = house(tmp_path)
    at.ledger.open_night(NAME, [at.context("a.1")], {})
    assert at.ledger.recover() == []
    verdicts = list(verify(at.git, at.keys))
    assert any(verdict.kind == "incomplete" and "has no close" in verdict.problem for verdict in verdicts)
    assert at.again().ledger.recover() == [f"night {NAME} was cut off: closed as interrupted"]
    whole(at.again())


def test_a_branch_that_a_person_has_dealt_with_is_not_brought_back(tmp_path: Path) -> None:
    """Metadata shows that the branch was there and is gone on purpose."""
    at = house(tmp_path)
    at.ledger.open_night(NAME, [at.context("a.1")], {})
    at.ledger.commit_group(NAME, [at.result("a.1")])
    add_event(at.git, at.objects, at.key, read.job(at.git, at.objects, "a"), Event("rejected", "Ada <a@b>"))
    at.git.run("branch", "-D", "pantheon/pr/a.1")
    whole(at.again())
    assert "refs/heads/pantheon/pr/a.1" not in read_refs(at.git)


def test_stale_locks_are_swept_and_others_left(tmp_path: Path) -> None:
    """Ours, whatever their time says, since the clock may have jumped; never those of the user's own git."""
    at = house(tmp_path)
    folder = at.git.common_dir
    ours = [
        "refs/notes/pantheon.lock",
        "refs/pantheon/runs/x.lock",
        "objects/ab/cd.lock",
        "objects/pack/pantheon_tmp_x",
    ]
    theirs = ["index.lock", "packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x"]
    for name in ours + theirs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        os.utime(folder / name, (time.time() + 3600,) * 2)
    assert sorted(at.ledger.recover()) == sorted(f"removed the stale {name}" for name in ours)
    assert [name for name in ours + theirs if (folder / name).exists()] == theirs


def test_a_rolled_back_night_is_not_closed_over(tmp_path: Path) -> None:
    """A remedy must never launder a rollback: the runner knows how far it had written."""
    at = house(tmp_path)
    at.ledger.open_night(NAME, [at.context("a.1"), at.context("b.1")], {})
    at.ledger.commit_group(NAME, [at.result("a.1")])
    short = at.git.text("rev-parse", RUNS + NAME)
    at.ledger.commit_group(NAME, [at.result("b.1")])
    at.git.run("update-ref", RUNS + NAME, short)
    said = at.again().ledger.recover()
    assert said == [f"night {NAME} was rolled back and is left as it is: pantheon-git verify"]
    assert summarise(verify(at.git, at.keys, high_water=marks_file(at.git))).exit_code == 2
    marks_file(at.git).unlink()
    at.again().ledger.recover()
    assert summarise(verify(at.git, at.keys)).exit_code == 2  # the branch and the note of b.1 still tell


RUNNER = """
import sys
from pathlib import Path
from tests.ledger_kit import House
from pantheon_git.ledger.keys import load_private
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
at = House(Git.discover(Path(sys.argv[1])), load_private(paths.night_key()))
at.ledger.recover()
from pantheon_git.ledger import read
queue = {f"j{n}.1" for n in range(60)}
done = {job for night in read.nights(at.git, at.objects) for jobs in night.endings.values() for job in jobs}
left = sorted(queue - done)
endings = ["pr", "failed", "unchanged"]
at.ledger.open_night(sys.argv[2], [at.context(job, sys.argv[2]) for job in left], {})
print("go", flush=True)
for start in range(0, len(left), 2):
    pair = left[start : start + 2]
    at.ledger.commit_group(sys.argv[2], [at.result(job, endings[int(job[1:-2]) % 3], sys.argv[2]) for job in pair])
at.ledger.close_night(sys.argv[2], {})
"""


def test_killed_at_random_moments_every_job_is_recorded_once(tmp_path: Path) -> None:
    """kill -9 of the whole process group, again and again; then one run to the end."""
    at = house(tmp_path)
    chance = random.Random(7)
    where = Path(__file__).parent.parent
    for number in range(10):
        command = [sys.executable, "-c", RUNNER, str(tmp_path), f"20261125T{number:06}Z"]
        with subprocess.Popen(command, cwd=where, start_new_session=True, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.1))
            os.killpg(process.pid, signal.SIGKILL)
    subprocess.run([sys.executable, "-c", RUNNER, str(tmp_path), "20261126T000000Z"], cwd=where, check=True)
    whole(at.again())
    listed = at.git.text("for-each-ref", "--format=%(refname)", RUNS).splitlines()
    entries = [at.git.text("ls-tree", "-r", "-d", "--name-only", ref).splitlines() for ref in listed]
    jobs = [path.split("/")[1] for path in itertools.chain(*entries) if path.count("/") == 1]
    assert sorted(jobs) == sorted(f"j{number}.1" for number in range(60))
    assert sum(night.state == "interrupted" for night in read.nights(at.git, at.again().objects)) >= 2
    assert not list((tmp_path / ".git").rglob("*.lock"))
    assert notes.REF in read_refs(at.git)
