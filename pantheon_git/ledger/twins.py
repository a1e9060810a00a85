"""Jobs that two nights have an entry of: two machines ran the same task, and their ledgers were united since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.layout import JOB_FILE, OPEN, RUNS, find_job, find_signed
from pantheon_git.ledger.statement import JOB, OPENED, jobs_of, sha256
from pantheon_git.repo.objects import Objects


def find_twins(objects: Objects, refs: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Job → commits and sha256 of all its entries, where several nights have one. Not verified: of a night that was
    forged, its own verdict tells."""
    trees = {ref: tree for ref, oid in refs.items() if ref.startswith(RUNS) and (tree := _tree(objects, oid))}
    named: dict[str, list[str]] = defaultdict(list)
    for tree in trees.values() if len(trees) > 1 else ():
        for job in _jobs(objects, tree):
            named[job].append(tree)
    return {
        job: frozenset(said)
        for job, where in named.items()
        if len(where) > 1 and len(said := {name for tree in where for name in _names(objects, tree, job)}) > 2
    }


def _tree(objects: Objects, commit: str) -> str | None:
    try:
        return objects.commit(commit).tree
    except PantheonError:
        return None


def _jobs(objects: Objects, tree: str) -> list[str]:
    """Those that a night set out to do."""
    try:
        opened = find_signed(objects, tree, OPEN, OPENED)
        return [context.job for context in jobs_of(opened.predicate)] if opened else []
    except (PantheonError, KeyError, TypeError):
        return []


def _names(objects: Objects, tree: str, job: str) -> Iterator[str]:
    """Commit and sha256 of a job's entry."""
    try:
        folder = find_job(objects, tree, job)
        entry = find_signed(objects, folder.tree, JOB_FILE, JOB) if folder else None
        if entry is not None:
            yield from (str(entry.predicate["commit"]), sha256(entry.envelope.payload))
    except (PantheonError, KeyError, TypeError):
        return
