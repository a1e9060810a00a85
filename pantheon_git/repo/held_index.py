"""The index of a work tree, held: git's own lock keeps everybody else from it, and a copy takes all changes, so that
the index itself changes in one rename.

Our lock says whose it is. After a kill the next one knows it from a lock of the user's git, and takes it over.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.repo.git import Git, Result
from pantheon_git.repo.pack import sync_folder

MARK = b"pantheon-git pr merge, process "
"""How our lock begins; git's own begins with DIRC or is empty."""
_COPY = "pantheon-index"
_PATIENCE_SECONDS = 5.0


class HeldIndex:
    """One work tree's index while it is held."""

    def __init__(self, tree: Git, keep: Sequence[int]) -> None:
        self.tree, self._keep = tree, keep
        self.index = tree.git_dir / "index"
        self.copy = tree.git_dir / _COPY

    def git(self, *args: str, stdin: bytes | None = None, check: bool = True) -> Result:
        """git in the work tree, with the copy as its index."""
        env = {"GIT_INDEX_FILE": str(self.copy)}
        return self.tree.run(*args, input=stdin, check=check, env=env, keep=self._keep)

    def begin(self) -> None:
        """A fresh copy. It keeps its time, by which git knows which files may have changed since (racy-git)."""
        self.clear()
        with contextlib.suppress(FileNotFoundError):  # a work tree without an index: nothing is in it
            shutil.copy2(self.index, self.copy)

    def put(self) -> None:
        """The copy becomes the index: durable when this returns."""
        with self.copy.open("rb") as file:
            os.fsync(file.fileno())
        self.copy.replace(self.index)
        sync_folder(self.index.parent)
        self.begin()

    def clear(self) -> None:
        """Remove the copy, and what a git that was killed left beside it."""
        for path in (self.copy, self.copy.with_name(f"{_COPY}.lock")):
            path.unlink(missing_ok=True)


@contextmanager
def held_index(tree: Git, keep: Sequence[int] = ()) -> Iterator[HeldIndex]:
    """Hold the index of `tree`. The caller is the only one of us (it has the lock of merges), so that a lock with our
    mark has no owner any more. PantheonError where a git of the user's keeps it."""
    lock = tree.git_dir / "index.lock"
    _take(lock)
    held = HeldIndex(tree, keep)
    try:
        held.begin()
        yield held
    finally:
        held.clear()
        lock.unlink(missing_ok=True)
        sync_folder(lock.parent)


def is_ours(lock: Path) -> bool:
    """Whether the lock of an index is one that we left behind."""
    try:
        return lock.read_bytes().startswith(MARK)
    except FileNotFoundError:
        return False


def _take(lock: Path) -> None:
    mine = lock.with_name(f"{_COPY}.mark")
    mine.write_bytes(MARK + b"%d\n" % os.getpid())
    deadline = time.monotonic() + _PATIENCE_SECONDS
    try:
        while True:
            try:
                os.link(mine, lock)  # with its content from the first moment on, and never over another
                return
            except FileExistsError as error:
                if is_ours(lock):
                    lock.unlink(missing_ok=True)
                elif time.monotonic() > deadline:
                    raise PantheonError(
                        f"{lock}: another git is at work in this work tree, or one died",
                        "see which (an editor that waits for a commit message?), then remove the lock",
                    ) from error
                else:
                    time.sleep(0.05)
    finally:
        mine.unlink(missing_ok=True)
