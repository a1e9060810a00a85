"""Power cuts at random points of every command that writes, on a real ext4 that keeps no more than it must
(`tests/disk_kit.py` says what that is a model of), and what must hold when the power is back.

`python -m tests.power_kit [CUTS] [--seed N]`, as root; 40 by default.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import kill_kit
from tests.cli_support import CHECKOUT, argv_of, cli, git
from tests.conftest import isolate
from tests.disk_kit import Disk, disk, in_own_mounts
from tests.kill_kit import Figures
from tests.night_kit import adopt_orphans, children

SIZE, DOCUMENTS, CUTS_EACH = 1 << 30, 12, 10
WEIGHTS = {"run": 6, "merge": 6, "reject": 2, "retry": 1}


class World(kill_kit.World):
    """A repository, its remote, the home and all state on one disk."""

    def __init__(self, on: Disk, chance: random.Random, figures: Figures) -> None:
        self.disk = on
        super().__init__(on.folder, DOCUMENTS, chance, figures)

    def cut_one(self) -> None:
        """Start a command chosen by chance and cut the power; then look, before anything is put right."""
        os.sync()  # what the person's own git wrote is not ours to make durable
        possible = {name: weight for name, weight in WEIGHTS.items() if self.words(name)}
        name = self.chance.choices([*possible], [*possible.values()])[0]
        process = subprocess.Popen(
            argv_of(*self.words(name)),
            cwd=self.repo,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        late = True
        try:
            process.wait(self.chance.uniform(0.3, 1.1 * self.took.get(name, 1.5)))
        except subprocess.TimeoutExpired:
            late = False
        self.disk.cut()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pid in children() - self.strays:  # its jails, which have sessions of their own
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.disk.again()
        self.figures.kills[name] += not late
        self.figures.missed += late
        self.look(name)

    def look(self, name: str) -> None:
        """As it is after the cut: git finds nothing broken, and nothing that was signed is gone or half there."""
        git(self.repo, "fsck", "--strict", "--no-dangling")
        done = cli(self.repo, "verify")
        assert done.code == 0 or (done.code == 1 and "the night has no close" in done.err), f"{name}: {done.both}"


def campaign(cuts: int, seed: int, say: bool = False) -> Figures:
    """A new disk for every CUTS_EACH cuts."""
    chance, figures = random.Random(seed), Figures()
    adopt_orphans()
    while figures.kills.total() < cuts:
        with (
            tempfile.TemporaryDirectory(prefix="power-") as name,
            pytest.MonkeyPatch.context() as patch,
            disk(Path(name) / "disk", SIZE) as on,
        ):
            isolate(patch, on.folder / "home")
            figures.repositories += 1
            try:
                world = World(on, chance, figures)
                for _ in range(min(CUTS_EACH, cuts - figures.kills.total())):
                    world.cut_one()
                world.finish()
                world.require_whole()
            except AssertionError as error:
                figures.problems.append(str(error))
        if say:
            sys.stdout.write(f"{str(figures).replace('kills', 'cuts')}\n")
            sys.stdout.flush()
        if len(figures.problems) > 3:
            break
    return figures


def main() -> int:
    if (code := in_own_mounts("tests.power_kit")) is not None:
        return code
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cuts", type=int, nargs="?", default=40)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    figures = campaign(wanted.cuts, wanted.seed, say=True)
    sys.stdout.write("".join(f"{problem}\n" for problem in figures.problems))
    return 1 if figures.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
