"""The journal of a merge: written before the first file changes, removed when all is done.

After a kill or a power cut it says what was under way, so that the next command finishes it or undoes it. It lies in
the git directory, so that it goes where the repository goes.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.repo.git import Git
from pantheon_git.repo.pack import sync_folder

NAME = "pantheon-merge"


@dataclass(frozen=True)
class Journal:
    """A merge that is under way."""

    job: str
    target: str
    """Full name of the branch that moves."""
    old: str
    new: str
    """Where it stood, and the merge commit."""
    trees: tuple[str, ...]
    """Git directories of the work trees that follow, from the common git directory."""

    def check(self) -> None:
        """ValueError for what we never write."""
        oids = all(re.fullmatch("[0-9a-f]{40}", oid) for oid in (self.old, self.new))
        if not (oids and self.target.startswith("refs/heads/") and all(isinstance(tree, str) for tree in self.trees)):
            raise ValueError("not as pantheon-git writes it")


@contextmanager
def merging(git: Git, *, wait: bool = True) -> Iterator[int | None]:
    """The lock of merges, which the kernel drops when its holder dies; yields the descriptor, for children to keep.
    None with `wait` False while another process has it."""
    descriptor = os.open(git.common_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def write(git: Git, journal: Journal) -> None:
    """Durable when this returns."""
    path = git.common_dir / NAME
    new = path.with_name(f"{NAME}.new")
    with new.open("w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(json.dumps({"schema": 1, **asdict(journal)}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(git.common_dir)


def remove(git: Git) -> None:
    """Durable when this returns."""
    (git.common_dir / NAME).unlink(missing_ok=True)
    sync_folder(git.common_dir)


def read(git: Git) -> Journal | None:
    """The merge that is under way; None where there is none. PantheonError for a file that we did not write."""
    path = git.common_dir / NAME
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    try:
        raw = json.loads(text)
        journal = Journal(raw["job"], raw["target"], raw["old"], raw["new"], tuple(raw["trees"]))
        journal.check()
    except (ValueError, KeyError, TypeError) as error:
        raise PantheonError(
            f"{path} cannot be read, so it is not known which merge was cut off: {error}",
            f"look at git status, then: rm {_quoted(path)}",
        ) from error
    return journal


def cut_off(git: Git) -> str:
    """What to tell, in one line, where a merge was cut off; empty where none was, and while one is at work."""
    if not (git.common_dir / NAME).exists():
        return ""
    with merging(git, wait=False) as lock:
        journal = read(git) if lock is not None else None
    if journal is None:
        return ""
    where = journal.target.removeprefix("refs/heads/")
    return (
        f"the merge of {journal.job} into {where} was cut off half-way; "
        f"pantheon-git pr merge {journal.job} finishes or undoes it first"
    )


def _quoted(path: Path) -> str:
    return f"'{path}'" if " " in str(path) else str(path)
