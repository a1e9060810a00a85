"""Writers side by side, at full size: `python -m tests.writers_kit [PROCESSES] [ENTRIES]`; 8 and 200 by default.

Each process writes a night of its own, one job a group, so that all of them want the notes at the same time. Afterwards
every entry, note and branch has to be there and the ledger has to verify; the figures are printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pantheon_git.ledger import notes, read
from pantheon_git.ledger.keys import load_private
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.refs import read_ref, read_refs
from tests.ledger_kit import House, house

CHECKOUT = Path(__file__).parent.parent


def write(folder: Path, number: int, entries: int) -> None:
    """One process's work."""
    at = House(Git.discover(folder), load_private(paths.night_key()))
    at.night([f"w{number}-{n}.1" for n in range(entries)], f"2026112{number}T000000Z", group=1)


def race(folder: Path, processes: int, entries: int) -> tuple[House, float]:
    """All processes at once in a new repository; the repository, and the seconds that they took. Raises when one of
    them fails."""
    at = house(folder)
    argv = [sys.executable, "-m", "tests.writers_kit", "--write", str(folder)]
    started = time.perf_counter()
    running = [subprocess.Popen([*argv, str(number), str(entries)], cwd=CHECKOUT) for number in range(processes)]
    codes = [process.wait() for process in running]
    if any(codes):
        raise AssertionError(f"writers exited with {codes}")
    return at.again(), time.perf_counter() - started


def require_all(at: House, processes: int, entries: int) -> str:
    """AssertionError unless nothing is lost; else what was found, in words."""
    wanted = {f"w{process}-{n}.1" for process in range(processes) for n in range(entries)}
    jobs = {job.job: job.commit for night in read.nights(at.git, at.objects)
            for job in read.jobs(at.git, at.objects, night.night)}  # fmt: skip
    assert jobs.keys() == wanted, f"{len(wanted - jobs.keys())} entries are lost"
    tip = read_ref(at.git, notes.REF)
    assert tip is not None
    noted = {commit for commit, _ in notes.all_notes(at.objects, at.objects.commit(tip).tree)}
    assert {commit for commit in jobs.values() if commit} <= noted, "a note is lost"
    assert len(read_refs(at.git, "refs/heads/pantheon/pr/")) == len(wanted), "a branch is lost"
    summary = summarise(verify(at.git, at.keys))
    assert (summary.good, summary.first) == (len(wanted), None), str(summary.first)
    return f"{len(wanted)} of {len(wanted)} entries, notes and branches there; verify good"


def main(words: list[str]) -> None:
    if words[:1] == ["--write"]:
        write(Path(words[1]), int(words[2]), int(words[3]))
        return
    processes, entries = (int(word) for word in [*words, "8", "200"][:2]) if len(words) != 1 else (int(words[0]), 200)
    with tempfile.TemporaryDirectory(prefix="writers-") as folder:
        (Path(folder) / ".gitconfig").write_text("[user]\n\tname = Kit\n\temail = kit@example.org\n")
        os.environ |= {"HOME": folder} | {f"XDG_{name}_HOME": f"{folder}/{name}" for name in ("CONFIG", "STATE")}
        at, seconds = race(Path(folder) / "repo", processes, entries)
        said = require_all(at, processes, entries)
        print(f"{processes} processes × {entries}: {said}; {seconds:.1f} s, "  # noqa: T201 - a kit prints
              f"{1000 * seconds / processes / entries:.1f} ms an entry")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
