"""`verify --gate`: the gate's verdicts, judged anew from the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pantheon_git.gate.facts import Facts
from pantheon_git.gate.rules import GateVerdict
from tests import gate_world
from tests.cli_support import cli
from tests.gate_world import GOOD, World


def test_an_honest_gate_is_found_so(tmp_path: Path) -> None:
    """A PR, and a job that its gate stopped: judged anew they come out as they were signed."""
    world = World(tmp_path)
    world.add_task("one", "docs/a.md")
    world.add_task("two", "docs/b.md")
    world.commit("Ask")
    assert world.run("one", {"docs/a.md": GOOD}).verdict.passed
    assert not world.run("two", {"src/x.py": GOOD}).verdict.passed
    assert "good: 2 of 2 jobs" in cli(tmp_path, "verify", "--gate", check=True).out


def test_a_gate_that_lied_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that signs `pass` for a change outside the task's scope: every signature is good, the verdict is not."""

    def lie(facts: Facts) -> GateVerdict:
        return GateVerdict(True, (), facts.target, ("everything",))

    world = World(tmp_path)
    world.add_task("one", "docs/a.md")
    world.commit("Ask")
    monkeypatch.setattr(gate_world, "evaluate", lie)
    world.run("one", {"src/x.py": GOOD})
    assert cli(tmp_path, "verify").code == 0
    done = cli(tmp_path, "verify", "--gate", "--json")
    assert done.code == 2
    first = json.loads(done.out.splitlines()[-1])["summary"]["first"]
    assert "one.1" in first["where"]
    assert "outside the task's scope" in first["problem"]
