"""From what a job left in its jail to the tree that the PR proposes, in a real repository and without writing to it."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from pantheon_git.jail.protocol import Change, JailSpec
from pantheon_git.night.bare import open_no_jail
from pantheon_git.night.workspace import Snapshot, Workspace
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects, Overlay

TASK = ".pantheon/queue/t.toml"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    files = {"docs/a.md": "a\n", "docs/sub/b.md": "b\n", "docs/sub/c.md": "c\n", TASK: "schema = 1\n", "run.sh": "x\n"}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for words in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "base"]):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    return root


def snapshot(repo: Path, *changes: Change) -> tuple[Snapshot, dict[str, str], dict[str, str]]:
    """The snapshot, and the paths with content of its tree and of the PR's tree.

    The jail is left out and its report given: what is tested is what becomes of the report.
    """
    objects = Objects(Git.discover(repo))
    base = objects.commit(objects.resolve("main") or "").tree
    spec = JailSpec(repo, repo.parent / "job")

    async def take() -> Snapshot:
        async with Workspace(spec, "auto", open_no_jail, lambda _: list(changes), objects, base, TASK) as workspace:
            return workspace.take_snapshot()

    found = asyncio.run(take())
    reader = Overlay(objects, found.objects)
    trees = [{path.decode(): reader.blob(e.oid).decode() for path, e in reader.walk(tree)}
             for tree in (found.tree, found.pr_tree)]  # fmt: skip
    return found, trees[0], trees[1]


def test_the_pr_is_the_change_without_the_task_file(repo: Path) -> None:
    """A written file lands in both trees; the task's own file leaves the PR's tree only, and is in no patch."""
    found, tree, pr = snapshot(repo, Change(b"docs/a.md", "write", data=b"---\n---\na\n"))
    assert tree["docs/a.md"] == pr["docs/a.md"] == "---\n---\na\n"
    assert TASK in tree
    assert TASK not in pr
    assert found.numstat == {"docs/a.md": (2, 0)}
    assert TASK.encode() not in found.patch


def test_nothing_changed_keeps_the_base(repo: Path) -> None:
    """A file that was written with its own content is no change, and then the task file stays too."""
    found, tree, pr = snapshot(repo, Change(b"docs/a.md", "write", data=b"a\n"))
    assert not found.changed
    assert found.tree == found.pr_tree
    assert TASK in pr
    assert found.objects == {}
    assert tree == pr


def test_a_folder_removed_is_its_files_removed(repo: Path) -> None:
    """One removal of a folder shows as one edit a file."""
    found, tree, _ = snapshot(repo, Change(b"docs/sub", "delete"))
    assert sorted(edit.path for edit in found.edits) == [b"docs/sub/b.md", b"docs/sub/c.md"]
    assert "docs/sub/b.md" not in tree


def test_a_file_in_place_of_a_folder_and_back(repo: Path) -> None:
    """The files below go, the file comes; and a folder may take a file's place."""
    found, tree, _ = snapshot(repo, Change(b"docs/sub", "write", data=b"file\n"))
    assert tree["docs/sub"] == "file\n"
    assert [edit.path for edit in found.edits] == [b"docs/sub/b.md", b"docs/sub/c.md", b"docs/sub"]
    _, tree, _ = snapshot(repo, Change(b"run.sh", "delete"), Change(b"run.sh/x", "write", data=b"y\n"))
    assert tree["run.sh/x"] == "y\n"


def test_modes_and_links_are_kept_for_the_gate_to_judge(repo: Path) -> None:
    """An executable bit alone is an edit, and a symlink is a link in the tree, not what it points to."""
    found, tree, _ = snapshot(
        repo, Change(b"run.sh", "write", executable=True, data=b"x\n"), Change(b"link", "symlink", data=b"/etc/passwd")
    )
    modes = {edit.path: edit.new.mode for edit in found.edits if edit.new}
    assert modes == {b"run.sh": 0o100755, b"link": 0o120000}
    assert tree["link"] == "/etc/passwd"
    assert b"old mode 100644\nnew mode 100755" in found.patch


def test_what_cannot_be_a_git_object_is_refused_with_its_reason(repo: Path) -> None:
    """A device is named; a name that no tree may hold is refused too, whoever let it through."""
    found, tree, pr = snapshot(repo, Change(b"docs/dev", "special", reason="a character device"))
    assert found.refused == ("docs/dev: a character device",)
    assert found.changed
    found, tree, pr = snapshot(repo, Change(b"docs/.GIT", "write", data=b"x"))
    assert len(found.refused) == 1
    assert tree == pr


def test_nothing_is_written_to_the_repository(repo: Path) -> None:
    """Objects stay in memory until the group is committed, and the job's folder is gone."""
    before = {path: path.stat().st_mtime_ns for path in sorted(repo.rglob("*"))}
    snapshot(repo, Change(b"docs/a.md", "write", data=b"new\n"))
    assert {path: path.stat().st_mtime_ns for path in sorted(repo.rglob("*"))} == before
    assert not (repo.parent / "job").exists()
