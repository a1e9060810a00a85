"""A disk that is full at every point of a night: before it, at its start, in the midst; and one that turns read-only.

`python -m tests.full_kit` runs all cases and prints one line each. It mounts a small file system in a mount namespace
of its own, so it needs root. Read-only it turns as ext4 does by itself after an error of the disk (see
`tests/disk_kit.py`), also under open files; what was not on the disk by then is lost with it.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli_support import CHECKOUT, Done, argv_of, cli, git
from tests.conftest import isolate
from tests.disk_kit import Disk, disk, in_own_mounts
from tests.night_kit import State, queued_repo, require_whole

MEBI = 1 << 20
SIZE, DOCUMENTS = 400 * MEBI, 12
RUN = ("run", "--engine=control", "--quiet", "--jobs=2")
AT_START = (0, 20_000, 300_000, 3 * MEBI, 63 * MEBI, 68 * MEBI, 76 * MEBI, 84 * MEBI)
"""Bytes that are free when the night is started."""


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of `size` bytes at `folder`, until the body ends."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """A file that takes all room but `leave` bytes."""
    path = folder / "filler"
    with path.open("wb") as file:
        while True:  # the night takes and gives back room meanwhile
            facts = os.statvfs(folder)
            more = facts.f_bavail * facts.f_frsize - leave
            if more < facts.f_frsize:
                break
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), more)
    return path


class World:
    """A repository and a home, each on the small disk or beside it."""

    def __init__(
        self, top: Path, disk: Path, patch: pytest.MonkeyPatch, ext4: Disk | None, *, repo: bool, home: bool
    ) -> None:
        self.disk, self.ext4 = disk, ext4
        isolate(patch, (disk if home else top) / "home")
        self.repo = queued_repo((disk if repo else top) / "repo", DOCUMENTS)
        cli(self.repo, "init", "--no-hook", check=True)
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-qm", "Set up")
        self.before = State.of(self.repo)

    def full_at_start(self, leave: int) -> str:
        filler = fill(self.disk, leave)
        done = cli(self.repo, *RUN)
        filler.unlink()
        return self.check(done)

    def full_in_the_midst(self, delay: float) -> str:
        """Fill the disk some time after the night was opened."""
        runner = self.start()
        self.wait_for_the_night(runner, delay)
        filler = fill(self.disk)
        out, err = runner.communicate(timeout=120)
        filler.unlink()
        return self.check(Done(runner.returncode, out, err))

    def read_only_in_the_midst(self, delay: float) -> str:
        """As after an error of the disk: the file system refuses every write from one moment on."""
        os.sync()  # what the person's own git wrote
        runner = self.start()
        self.wait_for_the_night(runner, delay)
        assert self.ext4 is not None
        self.ext4.turn_read_only()
        out, err = runner.communicate(timeout=120)
        self.ext4.again()
        return self.check(Done(runner.returncode, out, err))

    def start(self) -> subprocess.Popen[str]:
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(argv_of(*RUN), cwd=self.repo, env=env, text=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def wait_for_the_night(self, runner: subprocess.Popen[str], delay: float) -> None:
        runs = self.repo / ".git/refs/pantheon/runs"
        while not runs.is_dir() and runner.poll() is None:
            time.sleep(0.005)
        time.sleep(delay)

    def check(self, done: Done) -> str:
        """One clear line; then, with room again, everything is done exactly once. Returns what was said."""
        told = done.err.strip().splitlines()
        assert done.code in (0, 1), done.both
        assert "Traceback" not in done.both, done.both
        assert "defect" not in done.both, done.both
        assert done.code == 0 or any(line.startswith(("error: ", "given up: ")) for line in told), done.both
        if done.code and "given up" in done.out:
            assert "Given up: " in cli(self.repo, "report").out, "the morning does not tell"
        again = cli(self.repo, *RUN)
        assert again.code == 0, again.both
        require_whole(self.repo, DOCUMENTS, self.before)
        return next((line for line in told if line.startswith(("error: ", "given up: "))), "ran to its end")


def cases(seed: int = 1) -> Iterator[tuple[str, bool, bool, str, float]]:
    """Name, whether the repository and the home lie on the small disk, what is done, with which number."""
    chance = random.Random(seed)
    for leave in AT_START:
        yield f"{leave} bytes at the start", True, True, "full_at_start", leave
    for where, repo, home in (("both", True, True), ("repository", True, False), ("state", False, True)):
        for _ in range(4):
            delay = chance.uniform(0, 1.5)
            yield f"{where} full after {delay:.2f} s", repo, home, "full_in_the_midst", delay
        delay = chance.uniform(0, 1.0)
        yield f"{where} read-only after {delay:.2f} s", repo, home, "read_only_in_the_midst", delay


def run_case(repo: bool, home: bool, what: str, number: float) -> str:
    """In a mount namespace of our own."""
    with tempfile.TemporaryDirectory(prefix="full-") as name, pytest.MonkeyPatch.context() as patch:
        top, read_only = Path(name), what == "read_only_in_the_midst"
        with (disk if read_only else small_disk)(top / "disk", SIZE) as small:
            ext4 = small if isinstance(small, Disk) else None
            folder = small.folder if isinstance(small, Disk) else small
            world = World(top, folder, patch, ext4, repo=repo, home=home)
            return str(getattr(world, what)(int(number) if what == "full_at_start" else number))


def main() -> int:
    if (code := in_own_mounts("tests.full_kit")) is not None:
        return code
    failed = 0
    wanted = sys.argv[1:]
    for name, repo, home, what, number in cases():
        if wanted and not any(word in name for word in wanted):
            continue
        try:
            said = run_case(repo, home, what, number)
        except AssertionError as error:
            said, failed = f"FAILED: {error}", failed + 1
        sys.stdout.write(f"{name}: {said}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
