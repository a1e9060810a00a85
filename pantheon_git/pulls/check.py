"""Before a person acts on a PR: all of it is what the night signed, and the branch is where the night left it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger.anchor import is_ancestor
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import ARTIFACTS, OPEN, PRS, RUNS, find_job
from pantheon_git.ledger.notes import REF, read_note
from pantheon_git.ledger.statement import OPENED, jobs_of, sha256
from pantheon_git.ledger.verdict import Fault, at, require
from pantheon_git.ledger.verify_job import Ground, NightGround, open_signed, verify_job
from pantheon_git.pulls.desk import Desk
from pantheon_git.repo.refs import read_refs


def check_entry(desk: Desk, entry: JobEntry) -> str:
    """The oid of the job's commit, if its envelopes, artifacts, commit, refs, note and metadata are what trusted keys
    signed. TamperedError or PantheonError names the first thing that is wrong, as `verify` does."""
    refs = read_refs(desk.git)
    objects, notes = desk.objects, refs.get(REF)
    night_tip = refs[RUNS + entry.night]
    # of a key that was revoked, only a night counts that was whole in the ledger by then: a thief can give any date
    keys = desk.keys.at(RUNS + entry.night, lambda head: is_ancestor(desk.git, night_tip, head))
    ground = Ground(objects, keys, refs, objects.commit(notes).tree if notes else None)
    tree = objects.commit(refs[RUNS + entry.night]).tree
    folder = find_job(objects, tree, entry.job)
    artifacts = refs.get(ARTIFACTS + entry.night)
    try:
        with at(f"{RUNS}{entry.night}", refs[RUNS + entry.night]):
            require(folder is not None, "the entry of this job is gone")
            opened = _opened(ground, tree)
            contexts = {context.job: context for context in jobs_of(opened)}
        night = NightGround(entry.night, contexts, objects.commit(artifacts).tree if artifacts else None)
        assert folder is not None  # noqa: S101 - required above
        verified = verify_job(ground, night, folder)
        job = verified.job
        with at(f"{REF}:{entry.commit}", entry.commit):
            # What is not merged is no night's base yet, so nobody else's lines belong here.
            note = read_note(objects, ground.notes, entry.commit) if ground.notes and entry.commit else b""
            require(note == verified.note, "lines were added to the note of this job")
        with at(f"{RUNS}{entry.night}", refs[RUNS + entry.night]):
            require(sha256(job.envelope.payload) == entry.sha256, "the entry is not the one that was read")
    except Fault as fault:
        kind = TamperedError if fault.tampered else PantheonError
        raise kind(f"{entry.job}: {fault.where}: {fault.problem}", "pantheon-git verify") from fault
    require_guarded(entry, opened.get("info", {}))
    if entry.commit is None:
        raise PantheonError(f"{entry.job} has no commit: nothing was to be done", f"pantheon-git trace {entry.job}")
    return entry.commit


def require_guarded(entry: JobEntry, info: Mapping[str, Any]) -> None:
    """Only what a guarded night made can be merged. Benchmarks and the like run jobs without the guard; their nights
    say so, or say nothing, which is the same."""
    guard = info.get("guard", {})
    if guard.get("held") is not True:
        why = guard.get("why", "its opening does not say that the guard held")
        raise PantheonError(
            f"{entry.job}: the night {entry.night} ran without the night guard ({why}): its work is never merged",
            f"pantheon-git retry {entry.task} queues it for a night of `pantheon-git run`",
        )


def _opened(ground: Ground, tree: str) -> Mapping[str, Any]:
    """What the night set out to do, as it signed before its first job."""
    found = ground.objects.find(tree, OPEN)
    if found is None:
        raise TamperedError("the opening of the night is gone")
    return open_signed(ground, ground.objects.blob(found.oid), OPENED, "opened").predicate


def check_branch(entry: JobEntry, tip: str | None) -> None:
    """The branch is where the night left it. Anything else was never judged, so it is refused, whoever did it."""
    branch = PRS.removeprefix("refs/heads/") + entry.job
    if tip is None:
        raise PantheonError(f"the branch {branch} is gone", f"git branch {branch} {entry.commit}")
    if tip != entry.commit:
        raise PantheonError(
            f"{branch} was moved to {tip[:12]}; reviewers and gate passed {str(entry.commit)[:12]} and nothing else",
            f"git branch -f {branch} {entry.commit}, or merge your own commits by hand: git merge {branch}",
        )
