"""A real night with a real jail under the restrictions of the generated unit (`tests/unit_kit.py` makes them)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pantheon_git.jail.trees import remove_tree
from pantheon_git.ledger import read
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.unit_kit import calls, missing, night

HIDDEN = ("/tmp", "/var/tmp")

pytestmark = [
    pytest.mark.jail,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(
        any(Path(place).resolve().is_relative_to(hidden) for place in (sys.prefix, __file__) for hidden in HIDDEN),
        reason="installed below /tmp, which is empty for the service: clone elsewhere and run make test there",
    ),
]


@pytest.fixture
def place() -> Iterator[Path]:
    """Neither a home nor a temporary folder: those are empty for the service."""
    folder = Path(tempfile.mkdtemp(prefix="unit-of-pantheon-", dir="/var/lib"))
    yield folder
    remove_tree(folder)


def test_a_jailed_job_runs_under_the_unit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking what the developer committed, guard, jail and signed PR: all works under what systemd would forbid."""
    monkeypatch.delenv("PANTHEON_MODELS")  # the control engine needs none
    said = night(place)
    assert [step["code"] for step in said["said"]] == [0, 0], said
    assert "1 accepted" in said["said"][1]["out"]
    git = Git(Path(said["clone"]))
    with monkeypatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", f"{said['home']}/.gitconfig")  # it trusts the clone, which another user owns
        (found,) = read.nights(git, Objects(git))
    assert found.info["guard"]["held"] is True
    assert found.info["jail"].endswith("overlay")
    assert found.endings == {"pr": ["t000.1"]}


def test_the_restrictions_are_real(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one call less than the unit allows no jail can be made: what the kit puts on is felt."""
    monkeypatch.delenv("PANTHEON_MODELS")
    said = night(place, without=" sethostname")
    assert said["said"][1]["code"] == 1
    assert "no jail (auto) works on this machine, so nothing runs" in said["said"][1]["err"]


def test_groups_of_calls_are_expanded() -> None:
    """Names within groups within groups, and what is taken off again."""
    found = calls(["@system-service @mount", "seccomp", "~@mount @resources"])
    assert {"read", "unshare", "seccomp"} <= found
    assert not {"mount", "pivot_root", "sched_setaffinity"} & found
