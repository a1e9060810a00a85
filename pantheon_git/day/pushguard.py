"""What `git push` may send of the ledger: whole nights that verify, under their own names, onto what is theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pantheon_git.day.refguard import LEDGER, Move, Watch
from pantheon_git.ledger.layout import PRS, RUNS
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verify import verify
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

_ZERO = "0" * 40


def push_faults(git: Git, objects: Objects, keys: TrustedKeys, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Remote ref and reason for each line of a pre-push hook (`LOCAL OID REMOTE OID`) that may not be pushed."""
    moves = []
    for local, new, remote, old in (line.split(" ") for line in lines):
        there = old if old != _ZERO and git.run("cat-file", "-e", old, check=False).code == 0 else None
        if new == _ZERO and remote.startswith(PRS):
            continue  # a PR that is settled
        if new != _ZERO and remote.startswith(LEDGER) and local != remote:
            yield remote, f"only {remote} itself may be pushed there, not {local}"
        moves.append(Move(remote, there, None if new == _ZERO else new))
    yield from Watch(git, objects, keys, branches=True).faults(moves)
    for night in (move.ref.removeprefix(RUNS) for move in moves if move.new and move.ref.startswith(RUNS)):
        for verdict in verify(git, keys, night=night, objects=objects):
            if verdict.exit_code:
                yield RUNS + night, str(verdict)
                break
