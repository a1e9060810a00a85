"""Work trees in which a branch is checked out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.repo.git import Git

_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}


def showing(git: Git, ref: str) -> list[Git]:
    """The work trees of this repository that have `ref` checked out. PantheonError where one is in the middle of a
    merge or a rebase of it: moving the branch would pull the ground from under it."""
    found = []
    for tree, branch in work_trees(git):
        on_it = branch == ref
        _require_quiet(tree, ref, on_it)
        if on_it and tree.work_tree is None and tree.config("core.worktree") is None:
            raise PantheonError(
                f"{_short(ref)} is checked out in a work tree that {tree.path} does not name",
                "run this command in that work tree",
            )
        if on_it:
            found.append(tree)
    return found


def work_trees(git: Git) -> Iterator[tuple[Git, str]]:
    """The work trees of this repository that are there, each with the full name of its branch (empty: detached)."""
    for block in git.run("worktree", "list", "--porcelain", "-z").out.split(b"\0\0"):
        said = dict(line.partition(b" ")[::2] for line in block.split(b"\0") if line)
        path = Path(os.fsdecode(said.get(b"worktree", b"")))
        if b"worktree" in said and b"bare" not in said and path.is_dir():
            yield _where_it_is(git, Git(path)), os.fsdecode(said.get(b"branch", b""))


def _where_it_is(git: Git, listed: Git) -> Git:
    """git lists the main work tree of a separate git directory by that directory, and nothing there says where the
    tree is: only one who stands in it knows."""
    if listed.work_tree is None and git.git_dir == git.common_dir and git.work_tree is not None:
        return Git(git.work_tree)
    return listed


def _require_quiet(tree: Git, ref: str, on_it: bool) -> None:
    for name, what in _UNDER_WAY.items():
        path = tree.git_dir / name
        of_it = on_it if path.is_file() else _read(path / "head-name") == ref  # a rebase detaches HEAD
        if path.exists() and of_it:
            raise PantheonError(f"{tree.path}: {what} of {_short(ref)} is under way", "finish it first: git status")


def _read(path: Path) -> str:
    return path.read_text("utf-8", "surrogateescape").strip() if path.is_file() else ""


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
