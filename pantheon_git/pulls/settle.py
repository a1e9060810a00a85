"""A merge that was cut off is finished where its branch has moved, and undone where it has not: never left half-way."""

from __future__ import annotations

from glob import escape

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.anchor import is_ancestor
from pantheon_git.ledger.layout import META, PRS
from pantheon_git.ledger.recovery import sweep_locks
from pantheon_git.pulls import journal as journals
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.journal import Journal
from pantheon_git.pulls.landed import died_before_it_was_recorded
from pantheon_git.pulls.moving import held
from pantheon_git.pulls.records import Outcome
from pantheon_git.pulls.undo import put_back
from pantheon_git.pulls.worktrees import work_trees
from pantheon_git.repo.git import Git
from pantheon_git.repo.held_index import HeldIndex, is_ours
from pantheon_git.repo.refs import read_ref


def settle(desk: Desk) -> Outcome | None:
    """Finish or undo the merge that was cut off; None where there is none. Waits for a merge that is at work.

    PantheonError where the user's own git is in the way.
    """
    if not (desk.git.common_dir / journals.NAME).exists():
        return None
    with journals.merging(desk.git) as lock:
        journal = journals.read(desk.git)
        return None if journal is None else settle_held(desk, journal, lock)


def settle_held(desk: Desk, journal: Journal, lock: int | None) -> Outcome:
    """The same for one who holds the lock of merges."""
    sweep(desk.git, journal)
    tip = read_ref(desk.git, journal.target)
    moved = tip is not None and (tip == journal.new or is_ancestor(desk.git, journal.new, tip))
    trees, keep = followers(desk.git, journal), () if lock is None else (lock,)
    if tip != journal.old:  # nothing to undo: only our own locks are to go
        trees = [tree for tree in trees if is_ours(tree.git_dir / "index.lock")]
    where = journal.target.removeprefix("refs/heads/")
    what = f"the merge of {journal.job} into {where} was cut off"
    left: list[str] = []
    with held(trees, keep) as indexes:
        if tip == journal.old:
            left = undo(desk, indexes, journal)
    if moved:
        return _finish(desk, journal, what)
    journals.remove(desk.git)
    if tip != journal.old:
        message = f"{what}, and {where} was moved since, so nothing was undone: git status shows what is left of it"
        return Outcome(journal.job, False, "open", message, "git status", exit_code=1)
    more = f"; changed since, and left as they are: {', '.join(left)}" if left else ""
    return Outcome(journal.job, True, "open", f"{what} half-way and is undone: nothing of it is left{more}")


def sweep(git: Git, journal: Journal) -> list[str]:
    """Remove the locks on which a git of this merge's may have died: not those of a night, which may be at work."""
    refs = (journal.target, META + journal.job, PRS + journal.job, "HEAD", "packed-refs")
    return sweep_locks(git, (*(f"{escape(ref)}.lock" for ref in refs), "worktrees/*/HEAD.lock"))


def undo(desk: Desk, indexes: list[HeldIndex], journal: Journal) -> list[str]:
    """Put the work trees back; the paths that somebody changed meanwhile."""
    return [path for index in indexes for path in put_back(index, desk.objects, journal.old, journal.new)]


def followers(git: Git, journal: Journal) -> list[Git]:
    """The work trees that the journal names, where they are now."""
    found = {name_of(git, tree): tree for tree, _ in work_trees(git)}
    return [found[name] for name in journal.trees if name in found]


def name_of(git: Git, tree: Git) -> str:
    """A work tree as the journal names it, which stays true when the repository is moved."""
    return str(tree.git_dir.relative_to(git.common_dir))


def _finish(desk: Desk, journal: Journal, what: str) -> Outcome:
    try:
        recorded = died_before_it_was_recorded(desk, desk.entry(journal.job))
    except PantheonError as error:  # no key here, or a ledger that was not fetched: the next `pr merge` records it
        message = f"{what}; the branch has it, and its record is still to be written: {error.message}"
        journals.remove(desk.git)
        return Outcome(journal.job, True, "merged", message, f"pantheon-git pr merge {journal.job}", journal.new)
    journals.remove(desk.git)
    branch = "kept" if recorded is None else recorded.branch
    message = f"{what} after the branch had moved: it is whole, and recorded as {journal.new[:12]}"
    return Outcome(journal.job, True, "merged", message, commit=journal.new, branch=branch)
