"""Import of a Harbor task: what maps is mapped, what does not is named, and nothing is dropped in silence."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.day.harbor import read_harbor
from pantheon_git.errors import PantheonError
from pantheon_git.spec.policy import Policy
from tests.cli_support import cli, git, make_repo, put

TASK = """\
schema_version = "1.1"
[task]
name = "acme/describe-guide"
description = "A short description"
authors = [{ name = "Ann", email = "ann@example.org" }]
[metadata]
difficulty = "Medium"
category = "docs"
[verifier]
timeout_sec = 120.0
[agent]
timeout_sec = 300.0
user = "root"
[environment]
cpus = 2
allow_internet = true
[environment.env]
KEY = "${KEY}"
"""
INSTRUCTION = "Describe the guide.\n\nIts front matter must say what {a reader} learns.\n"


def harbor(folder: Path, task: str = TASK, instruction: str = INSTRUCTION) -> Path:
    put(folder / "instruction.md", instruction)
    return put(folder / "task.toml", task)


def test_every_field_is_mapped_or_named(tmp_path: Path) -> None:
    """Name, instruction, the agent's time and the difficulty have counterparts; every other field has its reason."""
    found = read_harbor(harbor(tmp_path), Policy())
    assert (found.name, found.goal, found.tier) == ("describe-guide", INSTRUCTION.strip(), 4)
    assert found.limits == {"wall_seconds": 300.0}
    named = {line.partition(":")[0] for line in found.unmapped} | {line.partition(" ")[0] for line in found.mapped}
    assert named == {
        "instruction.md", "task.name", "task.description", "task.authors", "metadata.difficulty", "metadata.category",
        "verifier.timeout_sec", "agent.timeout_sec", "agent.user", "environment.cpus", "environment.allow_internet",
        "environment.env.KEY",
    }  # fmt: skip
    assert all(": " in line for line in found.unmapped)
    assert any(line.startswith("environment.allow_internet: a job runs") for line in found.unmapped)


def test_a_longer_time_than_the_policy_allows_is_cut_and_said(tmp_path: Path) -> None:
    """The task that is written can run: its limit is the ceiling, and the line says what was asked."""
    found = read_harbor(harbor(tmp_path), Policy.model_validate({"ceilings": {"wall_seconds": 60}}))
    assert found.limits == {"wall_seconds": 60.0}
    assert "agent.timeout_sec → limits.wall_seconds = 60 (the policy's ceiling; 300 asked)" in found.mapped


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("schema_version = '2.0'", "schema_version: '2.0'; 1.x is known"),
        ("[[steps]]\nname = 'one'\n[[steps]]\nname = 'two'", "steps: a task of 2 steps has no counterpart"),
        ("[agent]\ntimeout_sec = 'long'", "agent.timeout_sec: 'long' is no number of seconds"),
        ("task = 'x'", "task: 'x' is no table"),
        ("[broken", "not TOML"),
    ],
)
def test_what_is_no_such_task_is_one_line(tmp_path: Path, task: str, said: str) -> None:
    """File, field and value, and what to do next."""
    with pytest.raises(PantheonError) as caught:
        read_harbor(harbor(tmp_path, task), Policy())
    assert said in caught.value.message
    assert str(tmp_path / "task.toml") in caught.value.message
    assert caught.value.hint


def test_the_text_has_to_be_there(tmp_path: Path) -> None:
    """Without instruction.md, or with an empty one, nobody knows what is asked for."""
    file = put(tmp_path / "task.toml", TASK)
    with pytest.raises(PantheonError, match=r"instruction\.md"):
        read_harbor(file, Policy())
    with pytest.raises(PantheonError, match="it is empty"):
        read_harbor(harbor(tmp_path, TASK, " \n"), Policy())
    with pytest.raises(PantheonError, match="nowhere"):
        read_harbor(tmp_path / "nowhere.toml", Policy())


def test_add_writes_one_task_that_check_accepts(tmp_path: Path) -> None:
    """All paths in one scope, the instruction as it is (also with braces), and both lists told to person and script."""
    repo = make_repo(tmp_path / "repo", {"docs/a.md": "# A\n\nText.\n", "docs/b.md": "# B\n\nText.\n"})
    file = harbor(tmp_path / "harbor")
    done = cli(repo, "add", "doc.frontmatter", "docs", "--from-harbor", str(file), check=True)
    assert "task.name → id" in done.err
    assert "not mapped: environment.cpus: a job runs in this repository's jail" in done.err
    name = done.out.split()[0]
    assert name.startswith(".pantheon/queue/describe-guide-")
    written: dict[str, Any] = tomllib.loads((repo / name).read_text())
    assert written["scope"] == {"paths": ["docs/a.md", "docs/b.md"]}
    assert written["goal"]["summary"] == INSTRUCTION.strip()
    assert (written["limits"], written["tier"]) == ({"wall_seconds": 300.0}, 4)
    git(repo, "add", "-A")
    assert cli(repo, "check").code == 0
    told = json.loads(cli(repo, "add", "doc.frontmatter", "docs", "--from-harbor", str(file), "-n", "--json").out)
    assert {"id", "path", "file", "mapped", "unmapped"} == set(told[0])
    assert "nowhere" in cli(repo, "add", "doc.frontmatter", "docs", "--from-harbor", "nowhere.toml").err
