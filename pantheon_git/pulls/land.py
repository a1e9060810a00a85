"""Merging a PR: verify, judge again on today's target, merge, sign, move the branch, prove that the change is in."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.errors import PantheonError, RefMovedError
from pantheon_git.gate.facts import Facts, from_ledger
from pantheon_git.gate.rules import evaluate
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import PRS
from pantheon_git.ledger.lines import plain
from pantheon_git.ledger.meta import Event, add_event, read_meta
from pantheon_git.pulls.branches import drop_branch
from pantheon_git.pulls.check import check_branch, check_entry
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.listing import OPEN, pull_of
from pantheon_git.pulls.records import Outcome
from pantheon_git.pulls.worktrees import moved_along, showing
from pantheon_git.repo.diff import diff
from pantheon_git.repo.refs import RefUpdate, read_ref, update_refs
from pantheon_git.repo.writer import Writer

NOTES = "refs/notes/pantheon"


@dataclass(frozen=True)
class Candidate:
    """A PR that may be merged now."""

    entry: JobEntry
    commit: str
    facts: Facts
    target_tip: str
    tree: str
    """What the target's tree becomes."""


def merge(desk: Desk, names: Sequence[str], keep_branch: bool = False) -> list[Outcome]:
    """Merge the PRs one after another, each onto the target as the one before left it; one that is refused stops none.

    A refused PR changes nothing. Raises only what concerns all of them: no key, no identity.
    """
    _ = desk.key, desk.who
    outcomes = []
    for name in names:
        try:
            outcomes.append(_merge_one(desk, name, keep_branch))
        except PantheonError as error:
            outcomes.append(Outcome(name, False, "open", error.message, error.hint, exit_code=error.exit_code))
    return outcomes


def _merge_one(desk: Desk, name: str, keep_branch: bool) -> Outcome:
    entry = desk.entry(name)
    if (done := _died_before_it_was_recorded(desk, entry)) is not None:
        return done
    found = _candidate(desk, entry)
    context = found.entry.context
    trees = showing(desk.git, context.target)
    writer, merge_oid = _commit(desk, found)
    with writer.flushed():
        _prove(desk, found, merge_oid)
        with moved_along(trees, found.target_tip, merge_oid):
            update = RefUpdate(context.target, merge_oid, found.target_tip)
            update_refs(desk.git, [update], f"pantheon-git: merge {context.job}")
    _record(desk, found.entry, merge_oid)
    branch = "kept" if keep_branch else drop_branch(desk, found.entry)
    short = context.target.removeprefix("refs/heads/")
    return Outcome(
        context.job,
        True,
        "merged",
        f"{context.job} merged into {short} as {merge_oid[:12]}",
        commit=merge_oid,
        branch=branch,
        updated=[str(tree.path) for tree in trees],
    )


def _died_before_it_was_recorded(desk: Desk, entry: JobEntry) -> Outcome | None:
    """A merge whose commit the target holds, and that a kill kept from being written down: that is done now."""
    pull, meta = pull_of(desk, entry), read_meta(desk.git, desk.objects, entry.job)
    if pull.state != "merged" or pull.merge is None or (meta is not None and meta.state == "merged"):
        return None
    _record(desk, entry, pull.merge)
    message = f"{entry.job} was merged already, as {pull.merge[:12]}; that is now recorded"
    return Outcome(entry.job, True, "merged", message, commit=pull.merge, branch=drop_branch(desk, entry))


def _candidate(desk: Desk, entry: JobEntry) -> Candidate:
    """The PR, if it may be merged now. PantheonError or TamperedError says why not."""
    pull = pull_of(desk, entry)
    if pull.state not in OPEN:
        how = f" as {pull.merge[:12]}" if pull.merge else ""
        raise PantheonError(f"{entry.job} is {pull.state}{how}", f"pantheon-git pr show {entry.job}")
    check_branch(entry, pull.tip)
    commit = check_entry(desk, entry)
    target_tip = read_ref(desk.git, pull.target)
    facts = from_ledger(desk.objects, desk.keys, entry, target_tip)
    verdict = evaluate(facts)
    if not verdict.passed or target_tip is None or facts.merge.tree is None:
        raise PantheonError(
            f"{entry.job} does not pass the gate on today's target: {verdict.reason}",
            f"pantheon-git retry {entry.task}, or: pantheon-git pr reject {entry.job}",
        )
    return Candidate(entry, commit, facts, target_tip, facts.merge.tree)


def _commit(desk: Desk, found: Candidate) -> tuple[Writer, str]:
    """The merge commit, signed by the person, in a writer that has not been flushed."""
    writer = Writer(desk.objects)
    for oid, (kind, data) in found.facts.merge.objects.items():
        writer.add(oid, kind, data)
    parents = (found.target_tip, found.commit)
    message = _message(desk, found.entry)
    oid = signed_commit(writer, desk.key, found.tree, parents, message, time.time(), desk.who)
    return writer, oid


def _message(desk: Desk, entry: JobEntry) -> str:
    head = read_ref(desk.git, NOTES)
    trailers = [
        f"Pantheon-Job: {entry.job}",
        f"Pantheon-Night: {entry.night}",
        *([f"Pantheon-Ledger: {head}"] if head else []),
        f"Reviewed-by: {desk.who}",
    ]
    branch = PRS.removeprefix("refs/heads/") + entry.job
    return f"Merge {branch}: {plain(entry.title, 200)}\n\n" + "\n".join(trailers) + "\n"


def _prove(desk: Desk, found: Candidate, merge_oid: str) -> None:
    """The merge holds the change as it was reviewed: every path is what the job made it, or, where the target had
    changed it too, the job's patch can be taken off again."""
    reader, base = desk.objects, desk.objects.commit(found.entry.context.base).tree
    merged = reader.commit(merge_oid).tree
    changed = list(reader.changes(base, found.facts.tree))
    apart = [path for path, _, new in changed if _at(reader.find(merged, path)) != _at(new)]
    if not apart:
        return
    patch = diff(desk.git, base, found.facts.tree, apart)
    with tempfile.TemporaryDirectory(prefix="pantheon-index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        desk.git.run("read-tree", merged, env=env)
        done = desk.git.run("apply", "--cached", "--check", "--reverse", "-", input=patch, env=env, check=False)
    if done.code:
        raise PantheonError(
            f"{found.entry.job}: the merge would not hold the change as it was reviewed",
            f"merge by hand: git merge {PRS.removeprefix('refs/heads/')}{found.entry.job}",
        )


def _at(entry: tuple[int, bytes, str] | None) -> tuple[int, str] | None:
    return None if entry is None else (entry[0], entry[2])


def _record(desk: Desk, entry: JobEntry, merge_oid: str) -> None:
    """Write `merged` down. When another hand writes at the same moment, once more; should that fail too,
    `open_pulls` finds the merge by itself."""
    event = Event("merged", desk.who, "", merge_oid)
    try:
        add_event(desk.git, desk.objects, desk.key, entry, event)
    except RefMovedError:
        add_event(desk.git, desk.objects, desk.key, entry, event)
