"""Work trees follow their branch as `git merge --ff-only` would move them: all of them, or none.

The files come first, then the index, then (the caller) the branch, each on disk before the next: a death in between
leaves changes that `git status` shows, and never a branch that the next `git commit -a` would silently undo. Until the
branch has moved git's own lock stays on the index, so that nobody commits half of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pantheon_git.errors import GitError, PantheonError
from pantheon_git.repo.git import Git
from pantheon_git.repo.held_index import HeldIndex, held_index
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.pack import sync_folder


@contextmanager
def held(trees: Sequence[Git], keep: Sequence[int] = ()) -> Iterator[list[HeldIndex]]:
    """The indexes of all these work trees. PantheonError where a git of the user's is at work in one of them."""
    with ExitStack() as stack:
        yield [stack.enter_context(held_index(tree, keep)) for tree in trees]


def require_room(indexes: Sequence[HeldIndex], old: str, new: str) -> None:
    """PantheonError where a local change is in the way of moving from commit `old` to `new`; changes nothing."""
    for index in indexes:
        index.git("update-index", "-q", "--refresh", check=False)  # else a touched file passes for a changed one
        _read_tree(index, old, new, dry=True)


def move(indexes: Sequence[HeldIndex], objects: Objects, old: str, new: str) -> None:
    """Files and index of every work tree from commit `old` to `new`, durable when this returns."""
    changed = [path for path, _, _ in objects.changes(objects.commit(old).tree, objects.commit(new).tree)]
    for index in indexes:
        _read_tree(index, old, new, dry=False)
        sync_files(index.tree, changed)
        index.put()


def sync_files(tree: Git, changed: Iterable[bytes]) -> None:
    """Make these paths durable, also that they are gone; git leaves that to the file system."""
    root, folders = root_of(tree), set()
    for name in changed:
        path = root / os.fsdecode(name)
        folders |= {folder for folder in path.parents if folder.is_relative_to(root)}
        with contextlib.suppress(OSError):  # gone, left out by a sparse checkout, a link, or not ours to open
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    for folder in sorted(folders, key=lambda one: -len(one.parts)):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            sync_folder(folder)


def root_of(tree: Git) -> Path:
    """Where the files of a work tree are; `tree` may stand in a git directory whose `core.worktree` says it."""
    return tree.work_tree or (tree.git_dir / (tree.config("core.worktree") or "")).resolve()


def _read_tree(index: HeldIndex, old: str, new: str, *, dry: bool) -> None:
    """The two-way merge of git-read-tree(1), what a fast-forward does: local changes elsewhere are kept, untracked
    files are never overwritten, and with a conflict nothing is touched."""
    try:
        index.git("read-tree", "-m", "-u", *(["-n"] if dry else []), old, new)
    except GitError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        why = " ".join(line.strip() for line in said).removeprefix("error: ")
        raise PantheonError(
            f"{index.tree.path} has changes of yours in the way: {why}", "git stash, or commit them"
        ) from error
