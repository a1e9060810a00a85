"""Rejecting a PR: the reason is signed into its metadata, and the ledger keeps the work."""

from __future__ import annotations

from collections.abc import Sequence

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.meta import Event, add_event
from pantheon_git.pulls.branches import drop_branch
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.listing import OPEN, pull_of
from pantheon_git.pulls.records import Outcome


def reject(desk: Desk, names: Sequence[str], reason: str, keep_branch: bool = False) -> list[Outcome]:
    """Reject the PRs, one after another. `reason`: what the person did not like, for the record and for learning."""
    if not reason.strip():
        raise PantheonError("a rejection needs a reason: the specialists learn from it", '--reason "what is wrong"')
    _ = desk.key, desk.who
    outcomes = []
    for name in names:
        try:
            outcomes.append(_reject_one(desk, name, reason.strip(), keep_branch))
        except PantheonError as error:
            outcomes.append(Outcome(name, False, "open", error.message, error.hint, exit_code=error.exit_code))
    return outcomes


def _reject_one(desk: Desk, name: str, reason: str, keep_branch: bool) -> Outcome:
    entry = desk.entry(name)
    pull = pull_of(desk, entry)
    if pull.state not in OPEN:
        raise PantheonError(f"{entry.job} is {pull.state}", f"pantheon-git pr show {entry.job}")
    add_event(desk.git, desk.objects, desk.key, entry, Event("rejected", desk.who, reason))
    branch = "kept" if keep_branch else drop_branch(desk, entry)
    how = {"deleted": "; the branch is gone, the ledger keeps its commit", "kept": "; the branch stays", "gone": ""}
    return Outcome(entry.job, True, "rejected", f"{entry.job} rejected{how[branch]}", branch=branch)
