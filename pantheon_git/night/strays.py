"""Branches and breadcrumbs that no night of this ledger made: a clone brings branches, but not the ledger with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pantheon_git.ledger.layout import FAILED, PRS
from pantheon_git.night.order import Planned
from pantheon_git.repo.git import Git
from pantheon_git.repo.refs import read_refs


def strays(git: Git) -> Mapping[str, str]:
    """`ID.N` of every job whose result stands here as a ref → what to type when the ledger does not know it."""
    found = {ref.removeprefix(prefix): ref for prefix in (PRS, FAILED) for ref in read_refs(git, prefix)}
    if not found:
        return {}
    remotes = git.text("remote").split()
    if remotes:
        fetch = f"pantheon-git sync {'origin' if 'origin' in remotes else remotes[0]}"
        return dict.fromkeys(found, f"its ledger was not fetched: {fetch}")
    return {job: f"fetch the ledger that made it, or: git update-ref -d {ref}" for job, ref in found.items()}


def hold_back_strays(tasks: Sequence[Planned], known: Mapping[str, str]) -> list[Planned]:
    """Queued tasks whose result is here already wait: their job could not be recorded beside it."""
    return [
        replace(task, runs=False, why=f"no: a result {task.job} is here that no night here made; {known[task.job]}")
        if task.runs and task.job in known
        else task
        for task in tasks
    ]
