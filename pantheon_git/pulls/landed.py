"""What follows a merge whose branch has moved: it is written down, also after a kill or by another hand."""

from __future__ import annotations

from pantheon_git.errors import RefMovedError
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.meta import Event, add_event, read_meta
from pantheon_git.pulls.branches import drop_branch
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.listing import pull_of
from pantheon_git.pulls.records import Outcome


def died_before_it_was_recorded(desk: Desk, entry: JobEntry) -> Outcome | None:
    """A merge whose commit the target holds, and that a kill kept from being written down: that is done now."""
    pull, meta = pull_of(desk, entry), read_meta(desk.git, desk.objects, entry.job)
    if pull.state != "merged" or pull.merge is None or (meta is not None and meta.state == "merged"):
        return None
    record(desk, entry, pull.merge)
    message = f"{entry.job} was merged already, as {pull.merge[:12]}; that is now recorded"
    return Outcome(entry.job, True, "merged", message, commit=pull.merge, branch=drop_branch(desk, entry))


def record(desk: Desk, entry: JobEntry, merge_oid: str) -> None:
    """Write `merged` down. When another hand writes at the same moment, once more; should that fail too,
    `open_pulls` finds the merge by itself."""
    event = Event("merged", desk.who, "", merge_oid)
    try:
        add_event(desk.git, desk.objects, desk.key, entry, event)
    except RefMovedError:
        add_event(desk.git, desk.objects, desk.key, entry, event)
