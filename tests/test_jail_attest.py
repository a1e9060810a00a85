"""Probes prove something: each succeeds outside, fails inside, and one that gets through is called an escape."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pantheon_git.jail.attest import _judge, attest
from pantheon_git.jail.probe import Probe
from pantheon_git.jail.probes import GREEDY, PROBES
from tests.jailed import COMBINATIONS, World, attacks, run

pytestmark = pytest.mark.jail


async def every_probe_is_held(world: World) -> None:
    """Nothing gets out; what is not provable here says why, and as root nothing of that kind is left."""
    key = world.base / "night"
    key.write_text("private key")
    findings = await attest(world.spec(processes=32, memory_mb=256, file_mb=8), world.level, secrets={"the key": key})
    assert [f for f in findings if f.verdict == "escaped"] == []
    assert len(findings) == len(PROBES) + len(GREEDY) + 2
    assert [f.verdict for f in findings if f.name == "read the key"] == ["held"]
    open_questions = {f.name for f in findings if f.verdict != "held"}
    assert all(f.outside != "succeeded" for f in findings if f.verdict != "held")
    assert not any(str(world.base) in f.inside + f.outside for f in findings)
    needs_root = {probe.name for probe in PROBES if probe.control_needs_root}
    # a machine may forbid these to everybody, and then its jails cannot be shown to
    elsewhere = {"TCP over IPv6", "multipath TCP", "vsock to the machine below", "io_uring", "userfaultfd"}
    elsewhere |= {"performance events", "keyrings", "the kernel's ciphers (AF_ALG)"}
    elsewhere |= {"write into the real repository", "put a hook into the real repository"}  # none is given here
    elsewhere |= {"reach older commits by way of alternates"}
    assert open_questions <= elsewhere | (needs_root if os.geteuid() else set())


async def an_escape_is_told(world: World) -> None:
    """A secret that lies where jobs may read is found to be readable, outside and inside."""
    findings = await attest(
        world.spec(processes=32, memory_mb=256, file_mb=8), world.level, secrets={"env": Path("/usr/bin/env")}
    )
    assert [(f.name, f.verdict) for f in findings if f.verdict == "escaped"] == [("read env", "escaped")]


@pytest.mark.parametrize("attack", attacks(__name__))
@pytest.mark.parametrize(("user", "level", "tree"), [c for c in COMBINATIONS if c[2] == "overlay"])
def test_attest(attack: str, user: str, level: str, tree: str) -> None:
    """Each function's docstring states what holds."""
    run(user, __name__, attack, level, tree)


@pytest.mark.parametrize(
    ("outside", "inside", "verdict"),
    [
        ((0, ""), (1, "refused"), "held"),
        ((0, ""), (0, ""), "escaped"),
        ((1, "no such call"), (0, ""), "escaped"),
        ((1, "no such call"), (1, "refused"), "not provable here"),
    ],
)
def test_a_probe_without_a_control_proves_nothing(
    outside: tuple[int, str], inside: tuple[int, str], verdict: str
) -> None:
    """Only success outside and failure inside is held."""
    assert _judge(Probe("area", "name", "code"), outside, inside).verdict == verdict
