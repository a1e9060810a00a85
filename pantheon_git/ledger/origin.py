"""Whether nights began in this repository: a ledger that was copied here from another one is consistent in itself."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from pantheon_git.ledger.verdict import JobVerdict
from pantheon_git.repo.git import Git, Result

UNCACHED = ("-c", "core.commitGraph=false")
"""Ancestry from the commits themselves: nothing signs git's cache of it, nor the file of grafts."""
NO_GRAFTS = {"GIT_GRAFT_FILE": os.devnull}
_REFLOG = 1000
_REWROTE = (
    "only if it was you who rewrote the first commit: pantheon-git verify --at OID, with the head of the night as "
    "another clone or a note of yours has it; it is remembered then"
)


def check_origin(
    git: Git, refs: Mapping[str, str], began: Mapping[tuple[str, str], str], vouched: Collection[str] = ()
) -> Iterator[JobVerdict]:
    """`began`: base commit and target branch → night. A night's base must share its first commit with its target as it
    stands here. Where somebody rewrote the first commit of all, the ledger itself cannot tell that from a copy of it in
    another repository: this clone's reflog does, or `vouched`, the nights that an anchor has seen here."""
    by_target: dict[str, dict[str, str]] = {}
    for (base, target), night in sorted(began.items()):
        by_target.setdefault(target, {}).setdefault(base, night)
    if git.is_shallow and by_target:
        yield JobVerdict("remark", problem="a shallow clone: that the nights began in this repository is not proven")
        return
    for target, bases in by_target.items():
        tip = refs.get(target) or refs.get(target.replace("refs/heads/", "refs/remotes/origin/", 1))
        if tip is None:
            yield JobVerdict("remark", problem=f"{target} is not here: that nights for it began here is not proven")
        else:
            yield from _strangers(git, target, tip, bases, vouched)


def _strangers(
    git: Git, target: str, tip: str, bases: Mapping[str, str], vouched: Collection[str]
) -> Iterator[JobVerdict]:
    found = _first_commits(git, list(bases), [tip])
    if found.code == 0 and not found.out:
        return
    once = _once(git, target)
    for base, night in bases.items():
        now, then = (_first_commits(git, [base], known) for known in ([tip], [tip, *once]))
        if now.code or then.code:
            yield JobVerdict("incomplete", night, None, target, base, "its base commit, or one before it, is not here")
        elif now.out and (night in vouched or not then.out):
            how = "an anchor" if then.out else "this clone's reflog"
            problem = f"{target} was rewritten from its first commit on since night {night} began there, as {how} shows"
            yield JobVerdict("rewritten", night, None, target, base, problem)
        elif now.out:
            problem = (
                f"began in another history than {target} has: replayed from another repository, or {target} was "
                "rewritten from its first commit on"
            )
            yield JobVerdict("tampered", night, None, f"refs/pantheon/runs/{night}", base, problem, _REWROTE)


def _first_commits(git: Git, bases: Sequence[str], known: Sequence[str]) -> Result:
    """Commits without a parent that `bases` reach and `known` do not."""
    lines = "".join(f"{line}\n" for line in [*bases, *(f"^{oid}" for oid in known)]).encode("utf-8", "replace")
    return git.run(*UNCACHED, "rev-list", "--max-parents=0", "--stdin", input=lines, check=False, env=NO_GRAFTS)


def _once(git: Git, target: str) -> list[str]:
    """Where the target and HEAD stood before, as this clone remembers."""
    asked = ("log", f"-{_REFLOG}", "--walk-reflogs", "--format=%H", "--end-of-options")
    found = [git.run(*asked, ref, check=False) for ref in (target, "HEAD")]
    return [oid for answer in found if answer.code == 0 for oid in answer.out.decode().split()]
