"""Differences of two commits or trees as git prints them, whatever a person's configuration says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pantheon_git.repo.git import Git

_PLAIN = ("-r", "--no-ext-diff", "--no-textconv", "--no-color", "-M", "--full-index", "--ignore-submodules=none")


@dataclass(frozen=True)
class NumStat:
    """One path of a diff: lines added and removed; None for a binary file."""

    path: bytes
    added: int | None
    removed: int | None
    old_path: bytes | None = None
    """Where it was before, for a rename."""


def diff(git: Git, a: str, b: str, paths: Sequence[bytes] = ()) -> bytes:
    """The unified patch from `a` to `b`, binary files and renames included; `git apply` takes it. Paths are literal."""
    return git.run(*_command(a, b, paths, "-p", "--binary", "--submodule=short")).out


def numstat(git: Git, a: str, b: str, paths: Sequence[bytes] = ()) -> list[NumStat]:
    """Lines added and removed for each path, in git's order."""
    return list(_parse(git.run(*_command(a, b, paths, "--numstat", "-z")).out))


def _command(a: str, b: str, paths: Sequence[bytes], *options: str) -> tuple[str | bytes, ...]:
    # diff-tree is plumbing: diff.noprefix, diff.external, diff.context and their like do not reach it.
    return ("--literal-pathspecs", "diff-tree", *_PLAIN, *options, "--end-of-options", a, b, "--", *paths)


def _parse(out: bytes) -> Iterator[NumStat]:
    """`added TAB removed TAB path NUL`; for a rename the path is empty and two follow (git-diff(1), -z)."""
    words = iter(out.split(b"\0")[:-1])
    for word in words:
        added, removed, path = word.split(b"\t", 2)
        old = None
        if not path:
            old, path = next(words), next(words)
        yield NumStat(path, _number(added), _number(removed), old)


def _number(word: bytes) -> int | None:
    return None if word == b"-" else int(word)
