"""Every attack of `tests/attacks`, against real jails of both levels, as root and as an ordinary user: none gets out.

`python -m tests.attacks --all` prints the table.
"""

from __future__ import annotations

import itertools

import pytest

from tests.attacks import resources
from tests.attacks import run as attacks
from tests.attacks.git import PLANTS
from tests.jailed import FULL, USERS, World, run

pytestmark = pytest.mark.jail


async def no_attack_gets_out(world: World) -> None:
    """Nothing that is tried in a jail works; what is harmless works outside; the repository stays as it is."""
    rows = await attacks.quick(world)
    assert [row.attack for row in rows if row.result != "held"] == []
    assert sum(row.shown for row in rows) >= 60


async def no_attack_takes_more_than_its_share(world: World) -> None:
    """Processes, memory, files, disk and descriptors: whoever takes more is refused or ended."""
    rows = await attacks.greedy(world)
    assert [row.attack for row in rows if row.result != "held"] == []


async def nothing_that_is_planted_runs(world: World) -> None:
    """Hooks, filters, monitors, nested and false repositories: the host reads the tree, and runs nothing of it."""
    rows = await attacks.plants(world)
    assert [row.attack for row in rows if row.result != "held"] == []


KINDS = ("no_attack_gets_out", "no_attack_takes_more_than_its_share")
RUNS = [
    (user, level, kind)
    for user, level, kind in itertools.product(USERS, attacks.LEVELS, KINDS)
    if FULL or (USERS.index(user) + attacks.LEVELS.index(level) + KINDS.index(kind)) % 2 == 0
]


@pytest.mark.parametrize(("user", "level", "attack"), RUNS)
def test_attacks(user: str, level: str, attack: str) -> None:
    """Each function's docstring states what holds."""
    run(user, __name__, attack, level, "overlay")


@pytest.mark.parametrize("user", USERS)
def test_plants(user: str) -> None:
    """What is planted is the same at both levels, since both give the same tree."""
    run(user, __name__, "nothing_that_is_planted_runs", "namespaces", "overlay")


def test_there_are_enough() -> None:
    """Two hundred and more, each with a name of its own."""
    names = [f"{a.area}: {a.name}" for a in (*attacks.ATTACKS, *resources.ATTACKS)] + [name for name, _ in PLANTS]
    assert len(names) == len(set(names))
    assert len(names) > 200
