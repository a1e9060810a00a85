"""All attacks against real jails of one level, by whoever this process is."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

from pantheon_git.jail.attest import attest
from pantheon_git.jail.collect import collect
from pantheon_git.jail.probes import GREEDY, PROBES
from tests.attacks import doors, files, git, kernel, network, processes, resources
from tests.attacks.world import state, targets
from tests.jailed import LEVELS, World

__all__ = ["ATTACKS", "LEVELS", "Row", "everything", "plants", "quick"]
ATTACKS = (*files.ATTACKS, *processes.ATTACKS, *kernel.ATTACKS, *network.ATTACKS, *doors.ATTACKS, *git.ATTACKS)


@dataclass(frozen=True)
class Row:
    attack: str
    level: str
    user: str
    result: str
    shown: bool
    """Whether it was first shown to work outside."""


async def quick(world: World) -> list[Row]:
    """Attacks that leave a jail alive: all of them in one, side by side with their controls."""
    with targets(world) as (words, shares):
        spec = world.spec(shares=shares, processes=64)
        before = state(world)
        found = await attest(
            spec, world.level, git_dir=world.base / "repo/.git", older="", words=words, probes=ATTACKS, greedy=()
        )
        changed = set(state(world)) ^ set(before)
        assert not changed, f"the repository or the checkout was changed: {sorted(changed)}"
    return _rows(world, found)


async def greedy(world: World) -> list[Row]:
    """Attacks that take all that a job may have, and more: each in its own jail."""
    return _rows(world, await attest(world.spec(), world.level, probes=(), greedy=resources.ATTACKS))


async def plants(world: World) -> list[Row]:
    """What a job leaves in its tree is read by the host, and the real repository used, and nothing of it runs."""
    rows = []
    repo = world.base / "repo"
    for name, script in git.PLANTS:
        spec, before = world.spec(), state(world)
        mark = Path(tempfile.mkdtemp(dir=world.base), "mark")
        async with world.jail(spec) as jail:
            await jail.exec(["sh", "-c", script, "plant", str(mark), str(repo)], 20)
        collect(spec)
        world.git.text("status", "--porcelain")
        world.git.text("for-each-ref")
        held = not mark.exists() and state(world) == before
        rows.append(Row(f"planted: {name}", world.level, _user(), "held" if held else "ESCAPED", False))
    return rows


async def everything(world: World, out: str) -> None:
    """All attacks; the rows go to the file `out`."""
    proved = _rows(world, await attest(world.spec(), world.level, probes=PROBES, greedy=GREEDY))
    rows = [*proved, *await quick(world), *await greedy(world), *await plants(world)]
    Path(out).write_text(json.dumps([astuple(row) for row in rows]))


def _rows(world: World, found: list) -> list[Row]:  # type: ignore[type-arg]
    return [
        Row(
            f"{f.area}: {f.name}",
            world.level,
            _user(),
            "ESCAPED" if f.verdict == "escaped" else "held",
            f.verdict == "held",
        )
        for f in found
    ]


def _user() -> str:
    return "ordinary" if os.geteuid() else "root"
