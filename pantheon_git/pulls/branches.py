"""A PR's branch after the decision: it goes when the ledger keeps its commit and nobody is on it."""

from __future__ import annotations

from typing import Literal

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import PRS, RUNS
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.worktrees import showing
from pantheon_git.repo.refs import RefUpdate, read_ref, update_refs


def drop_branch(desk: Desk, entry: JobEntry) -> Literal["deleted", "kept", "gone"]:
    """Delete the PR's branch if that loses nothing. Call it after the decision is recorded: a branch without either
    would come back when the next night makes an interrupted one whole."""
    ref = PRS + entry.job
    tip = read_ref(desk.git, ref)
    if tip is None:
        return "gone"
    try:
        in_use = bool(showing(desk.git, ref))
    except PantheonError:  # it is being rebased
        in_use = True
    if in_use or tip != entry.commit or not _kept_by_ledger(desk, entry):
        return "kept"
    update_refs(desk.git, [RefUpdate(ref, None, tip)], f"pantheon-git: {entry.job} is settled")
    return "deleted"


def _kept_by_ledger(desk: Desk, entry: JobEntry) -> bool:
    runs = RUNS + entry.night
    return desk.git.run("merge-base", "--is-ancestor", str(entry.commit), runs, check=False).code == 0
