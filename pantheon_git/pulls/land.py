"""Merging a PR: verify, judge again on today's target, merge, sign, move the branch, prove that the change is in."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.gate.facts import Facts, from_ledger
from pantheon_git.gate.rules import evaluate
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import PRS
from pantheon_git.ledger.lines import plain
from pantheon_git.pulls import journal as journals
from pantheon_git.pulls.branches import drop_branch
from pantheon_git.pulls.check import check_branch, check_entry
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.journal import Journal
from pantheon_git.pulls.landed import died_before_it_was_recorded, record
from pantheon_git.pulls.listing import OPEN, pull_of
from pantheon_git.pulls.moving import held, move, require_room
from pantheon_git.pulls.records import Outcome
from pantheon_git.pulls.settle import name_of, settle, settle_held, sweep, undo
from pantheon_git.pulls.worktrees import showing
from pantheon_git.repo.diff import diff
from pantheon_git.repo.git import Git
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

    A refused PR changes nothing. A merge that was cut off earlier is finished or undone first, and has an outcome of
    its own. Raises only what concerns all of them: no key, no identity, a git of the user's in the way of that.
    """
    _ = desk.key, desk.who
    settled = settle(desk)
    outcomes = [] if settled is None else [settled]
    for name in names:
        try:
            entry = desk.entry(name)
            if settled is None or settled.state != "merged" or settled.job != entry.job:
                outcomes.append(_merge_one(desk, entry, keep_branch))
        except PantheonError as error:
            outcomes.append(Outcome(name, False, "open", error.message, error.hint, exit_code=error.exit_code))
    return outcomes


def _merge_one(desk: Desk, entry: JobEntry, keep_branch: bool) -> Outcome:
    with journals.merging(desk.git) as lock:
        if (journal := journals.read(desk.git)) is not None:  # one beside us died a moment ago
            settle_held(desk, journal, lock)
        if (done := died_before_it_was_recorded(desk, entry)) is not None:
            return done
        found = _candidate(desk, entry)
        trees = showing(desk.git, found.entry.context.target)
        writer, merge_oid = _commit(desk, found)
        with writer.flushed():
            _prove(desk, found, merge_oid)
            _land(desk, found, merge_oid, trees, () if lock is None else (lock,))
            record(desk, found.entry, merge_oid)
            journals.remove(desk.git)
    branch = "kept" if keep_branch else drop_branch(desk, found.entry)
    job, short = entry.job, found.entry.context.target.removeprefix("refs/heads/")
    return Outcome(
        job,
        True,
        "merged",
        f"{job} merged into {short} as {merge_oid[:12]}",
        commit=merge_oid,
        branch=branch,
        updated=[str(tree.path) for tree in trees],
    )


def _land(desk: Desk, found: Candidate, new: str, trees: Sequence[Git], keep: Sequence[int]) -> None:
    """Work trees and branch from the target's tip to `new`, or nothing at all. The journal stays until it is
    recorded."""
    context, old = found.entry.context, found.target_tip
    names = tuple(name_of(desk.git, tree) for tree in trees)
    journal = Journal(context.job, context.target, old, new, names)
    journals.write(desk.git, journal)
    with held(trees, keep) as indexes:
        try:
            require_room(indexes, old, new)
        except BaseException:
            journals.remove(desk.git)
            raise
        try:
            move(indexes, desk.objects, old, new)
            update_refs(desk.git, [RefUpdate(context.target, new, old)], f"pantheon-git: merge {context.job}")
        except BaseException:
            if read_ref(desk.git, context.target) != new:  # else it is in, and only its record is missing
                undo(desk, indexes, journal)
                sweep(desk.git, journal)
                journals.remove(desk.git)
            raise


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
