"""Refs: read with one process, written by compare-and-swap in one transaction, durable when that returns."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

from pantheon_git.errors import GitError, RefMovedError
from pantheon_git.repo.git import Git
from pantheon_git.repo.pack import sync_folder

ZERO = "0" * 40
_PATIENT = ("-c", "core.filesRefLockTimeout=5000", "-c", "core.packedRefsTimeout=5000")
"""Milliseconds to wait for a `git pack-refs` or another git of the user's."""


class Anything(Enum):
    ANY = "any"


ANY = Anything.ANY
"""As `old`: whatever the ref holds now. For refs that nobody else writes."""


@dataclass(frozen=True)
class RefUpdate:
    """`ref` moves from `old` to `new`. `new` None: delete. `old` None: the ref must not exist. Both None: it must not
    exist, and nothing is done to it."""

    ref: str
    new: str | None
    old: str | Anything | None


def update_refs(git: Git, updates: Sequence[RefUpdate], message: str = "pantheon-git") -> None:
    """All updates or none, unless the machine dies meanwhile: git moves one ref after another. RefMovedError names the
    first ref that was not where `old` says; `message`: for reflogs.

    A user's `reference-transaction` hook sees the transaction and may refuse it: that is a GitError.
    """
    if not updates:
        return
    lines = b"".join(_line(update) for update in updates)
    # `core.fsync` of git 2.36+: by default a ref is not synced, and a crash may leave it empty.
    args = ("-c", "core.fsync=committed,reference", *_PATIENT, "update-ref", "--stdin", "-z", "-m", message)
    try:
        git.run(*args, input=lines)
    except GitError as error:
        if moved := _first_moved(git, updates):
            raise RefMovedError(moved, "somebody else wrote it meanwhile: run the command again") from error
        if b".lock" in error.stderr and b"File exists" in error.stderr:
            error.hint = "another git is at work here, or one died: see which, then remove the lock that it names"
        if b"aborted by hook" in error.stderr:
            said = error.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
            error.message = "the hook reference-transaction refused: " + "; ".join(said[:3])
            error.args, error.hint = (error.message,), error.hint or "pantheon-git verify"
        raise
    _sync(git, updates)


def _sync(git: Git, updates: Sequence[RefUpdate]) -> None:
    """Make the renames durable too, which git leaves to the file system: POSIX promises it only after fsync(2) of the
    folder, and of those that hold it, which may be new."""
    folders = {parent for update in updates for parent in PurePosixPath(update.ref).parents}
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # packed, or deleted with its last ref
            sync_folder(git.common_dir / folder)


def read_refs(git: Git, prefix: str = "refs/") -> dict[str, str]:
    """Ref → oid of all refs below `prefix` (a whole ref name, or one that ends in `/`). Tags are not followed."""
    out = git.run("for-each-ref", "--format=%(objectname) %(refname)", prefix).out
    lines = out.decode("utf-8", "surrogateescape").splitlines()
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in lines)}


def read_ref(git: Git, ref: str) -> str | None:
    """The oid that the full name `ref` holds; None where there is no such ref."""
    found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", ref, check=False)
    return found.out.decode().strip() if found.code == 0 else None


def _line(update: RefUpdate) -> bytes:
    ref = update.ref.encode("utf-8", "surrogateescape")
    old = b"" if update.old is ANY else (update.old or ZERO).encode()
    if update.new is None and update.old is None:
        return b"verify %s\0\0" % ref
    if update.new is None:
        return b"delete %s\0%s\0" % (ref, old)
    return b"update %s\0%s\0%s\0" % (ref, update.new.encode(), old)


def _first_moved(git: Git, updates: Sequence[RefUpdate]) -> str | None:
    for update in updates:
        now = read_ref(git, update.ref)
        if update.old is not ANY and now != update.old:
            return f"{update.ref} is at {now or 'nothing'}, not at {update.old or 'nothing'}"
    return None
