"""`export`: every task with what became of it, in lines that `import` reads again, and every job as a trajectory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import night_kit
from tests.atif_schema import faults
from tests.cli_support import Done, git, inside, make_repo, put

pytestmark = pytest.mark.jail


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """A repository with one task merged, one open PR, one rejected and requeued, and one that no night has seen."""
    repo = night_kit.queued_repo(tmp_path / "r", 3)
    night_kit.finish(repo)
    for words in (("merge", "t000"), ("reject", "t001", "--reason", "no")):
        inside(repo, "pr", *words, capsys=capsys, check=True)
    put(repo / "docs/late.md", "# Late\n\nText.\n")
    put(repo / ".pantheon/queue/late-1.toml", night_kit.task("docs/late.md", agent="doc.frontmatter"))
    night_kit.commit(repo, "Late")
    return lambda *words, **more: inside(repo, *words, capsys=capsys, **more)


def lines(text: str) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in map(json.loads, text.splitlines())}


def test_tasks_and_trajectories(run: Callable[..., Done], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """States, attempts and the task itself, also of one that is merged and whose file is gone; choosing by id and
    state; into files; and imported elsewhere only what is still to be done."""
    told = lines(run("export", check=True).out)
    assert {id_: one["state"] for id_, one in told.items()} == {
        "t000": "merged", "t001": "rejected", "t002": "pr", "late-1": "queued",
    }  # fmt: skip
    merged = told["t000"]
    assert (merged["scope"], merged["flow"]) == ({"paths": ["docs/d000.md"]}, "doc.frontmatter")
    (attempt,) = merged["outcome"]["attempts"]
    assert (attempt["job"], attempt["ending"], attempt["state"]) == ("t000.1", "pr", "merged")
    assert attempt["diffstat"]["files"] == 1
    assert attempt["nodes"]["gate"] == "pass"
    assert told["late-1"]["outcome"]["attempts"] == []
    assert list(lines(run("export", "--state", "pr", "--state", "queued", check=True).out)) == ["late-1", "t002"]
    assert [one["id"] for one in json.loads(run("export", "t001", "--json", check=True).out)] == ["t001"]
    assert "would export 4 tasks to x" in run("export", "-n", "--out", "x", check=True).err
    assert "there is no task t009" in run("export", "t009").err

    run("export", "--out", str(tmp_path / "all.jsonl"), check=True)
    other = make_repo(tmp_path / "other", {"docs/late.md": "# L\n\nText.\n", "docs/d000.md": "# D\n\nText.\n"})
    taken = inside(other, "import", "jsonl", str(tmp_path / "all.jsonl"), capsys=capsys, check=True)
    assert "imported: 1 task" in taken.err
    assert (other / ".pantheon/queue/late-1.toml").is_file()
    assert "1 there already" in inside(other, "import", "jsonl", str(tmp_path / "all.jsonl"), capsys=capsys).err

    run("export", "--format", "atif", "--out", str(tmp_path / "atif"), check=True)
    files = sorted(path.name for path in (tmp_path / "atif").iterdir())
    assert files == ["t000.1.json", "t001.1.json", "t002.1.json"]
    for path in (tmp_path / "atif").iterdir():
        assert faults(json.loads(path.read_text())) == []
    one = run("export", "t002", "--format", "atif", check=True)
    assert json.loads(one.out)["trajectory_id"] == "t002.1"
    assert "--state is for tasks" in run("export", "--format", "atif", "--state", "pr").err


def test_before_the_first_commit_there_is_no_queue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One error, with what to do."""
    repo = make_repo(tmp_path / "r")
    shutil.rmtree(repo / ".git")
    git(repo, "init", "-q")
    assert "HEAD has no commit yet" in inside(repo, "export", capsys=capsys).err
