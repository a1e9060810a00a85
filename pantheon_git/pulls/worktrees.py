"""Work trees in which a branch is checked out: they follow the branch as `git merge --ff-only` would move them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pantheon_git.errors import GitError, PantheonError
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
    out = git.run("worktree", "list", "--porcelain", "-z").out
    found = []
    for block in out.split(b"\0\0"):
        lines = [line.partition(b" ")[::2] for line in block.split(b"\0") if line]
        said = dict(lines)
        path = Path(os.fsdecode(said.get(b"worktree", b"")))
        if b"bare" in said or not path.is_dir():
            continue
        tree = _where_it_is(git, Git(path))
        on_it = os.fsdecode(said.get(b"branch", b"")) == ref
        _require_quiet(tree, ref, on_it)
        if on_it and tree.work_tree is None and tree.config("core.worktree") is None:
            raise PantheonError(
                f"{_short(ref)} is checked out in a work tree that {tree.path} does not name",
                "run this command in that work tree",
            )
        if on_it:
            found.append(tree)
    return found


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


@contextmanager
def moved_along(trees: list[Git], old: str, new: str) -> Iterator[None]:
    """Update the work trees from commit `old` to `new`, then run the body, which moves the branch; when it fails, put
    them back. PantheonError, before anything changes, where a local change is in the way of any of them.

    The files come first: a death in between leaves changes that `git status` shows, and never a branch that the next
    `git commit -a` would silently undo.
    """
    for tree in trees:
        tree.run("update-index", "-q", "--refresh", check=False)  # else a touched file passes for a changed one
        _read_tree(tree, old, new, dry=True)
    done: list[Git] = []
    try:
        for tree in trees:
            _read_tree(tree, old, new, dry=False)
            done.append(tree)
        yield
    except BaseException:
        for tree in done:
            tree.run("read-tree", "-m", "-u", new, old, check=False)
        raise


def _read_tree(tree: Git, old: str, new: str, *, dry: bool) -> None:
    """The two-way merge of git-read-tree(1), what a fast-forward does: local changes elsewhere are kept, untracked
    files are never overwritten, and with a conflict nothing is touched."""
    try:
        tree.run("read-tree", "-m", "-u", *(["-n"] if dry else []), old, new)
    except GitError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        why = " ".join(line.strip() for line in said).removeprefix("error: ")
        raise PantheonError(
            f"{tree.path} has changes of yours in the way: {why}", "git stash, or commit them"
        ) from error


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
