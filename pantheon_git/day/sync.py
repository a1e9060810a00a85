"""Exchange the ledger with another clone: fetch, take what is new, unite the notes, push. Never by force.

Everything but the notes is append-only: a ref is absent, behind, ahead, or (two clones ran the same task, or decided
about the same PR) beside ours, which is said and left to a person. PR branches do not travel: the ledger keeps their
commits, and each clone has the branches of the PRs that are open.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pantheon_git.day.scaffold import REFSPECS
from pantheon_git.errors import GitError, PantheonError
from pantheon_git.ledger import meta, notes, read
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.key_change import adopt
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import PRS
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import RefUpdate, read_ref, read_refs, update_refs
from pantheon_git.repo.writer import Writer

OURS = "refs/pantheon/"
WAITING = ("open", "approved")


@dataclass
class Synced:
    """What a sync did, and what it could not."""

    taken: list[str] = field(default_factory=list)
    """Our refs that now stand where the remote's do."""
    pushed: list[str] = field(default_factory=list)
    united: bool = False
    """Both sides had notes of their own."""
    branches: list[str] = field(default_factory=list)
    """Branches of open PRs that were made here."""
    apart: list[str] = field(default_factory=list)
    """Refs that went two ways. Nothing was done to them."""
    keys: list[str] = field(default_factory=list)
    """What rotations and revocations of keys changed here, in words."""


def sync(git: Git, objects: Objects, key: Key, remote: str, *, push: bool = True) -> Synced:
    """Exchange with `remote`; without `push`, only take: nothing is written there.

    Raises PantheonError where it is unknown or unreachable.
    """
    _fetch(git, remote)
    done = Synced()
    theirs = f"refs/pantheon-remote/{remote}/"
    found = {OURS + ref.removeprefix(theirs): oid for ref, oid in read_refs(git, theirs).items()}
    tip = found.pop(f"{OURS}notes/pantheon", None)
    _take(git, found, done)
    done.keys = adopt(git, objects, key)
    _unite(git, objects, key, tip, remote, done)
    done.branches = list(_branches(git, objects))
    if push:
        _push(git, remote, {**found, **({notes.REF: tip} if tip else {})}, done)
    return done


def _fetch(git: Git, remote: str) -> None:
    if remote not in git.text("remote").split():
        known = ", ".join(git.text("remote").split()) or "none"
        raise PantheonError(f"there is no remote {remote!r} (known: {known})", "git remote add NAME URL")
    specs = git.run("config", "--get-all", f"remote.{remote}.fetch", check=False).out.decode()
    configured = f":refs/pantheon-remote/{remote}/" in specs  # by init; a bare clone has no refspec at all
    asked = () if configured else tuple(spec.format(remote=remote) for spec in REFSPECS)
    try:
        git.run("fetch", "--quiet", remote, *asked)
    except GitError as error:
        raise PantheonError(f"git fetch {remote}: {error.message}", f"git fetch {remote}") from error


def _take(git: Git, found: Mapping[str, str], done: Synced) -> None:
    """Make or fast-forward our refs, in one transaction."""
    ours = read_refs(git, OURS)
    updates = []
    for ref, oid in sorted(found.items()):
        mine = ours.get(ref)
        if mine == oid or (mine and _is_ancestor(git, oid, mine)):
            continue
        if mine is None or _is_ancestor(git, mine, oid):
            updates.append(RefUpdate(ref, oid, mine))
        else:
            done.apart.append(ref)
    update_refs(git, updates, "pantheon-git: sync")
    done.taken += [update.ref for update in updates]


def _unite(git: Git, objects: Objects, key: Key, theirs: str | None, remote: str, done: Synced) -> None:
    """The union of both sides' lines, note by note, as `git notes merge -s cat_sort_uniq` has it, and signed."""
    mine = read_ref(git, notes.REF)
    if theirs is None or mine == theirs or (mine and _is_ancestor(git, theirs, mine)):
        return
    if mine is None or _is_ancestor(git, mine, theirs):
        update_refs(git, [RefUpdate(notes.REF, theirs, mine)], "pantheon-git: sync")
        done.taken.append(notes.REF)
        return
    writer = Writer(objects)
    left, right = objects.commit(mine).tree, objects.commit(theirs).tree
    texts = {commit: objects.blob(oid) for commit, oid in notes.all_notes(objects, right)}
    for commit, oid in notes.all_notes(objects, left):
        if commit in texts:
            lines = objects.blob(oid).splitlines(keepends=True) + texts[commit].splitlines(keepends=True)
            texts[commit] = b"".join(sorted(set(lines)))
    tree = notes.add_notes(writer, left, texts)
    new = signed_commit(writer, key, tree, [mine, theirs], f"Notes: united with {remote}", time.time())
    with writer.flushed():
        update_refs(git, [RefUpdate(notes.REF, new, mine)], "pantheon-git: sync")
    done.united = True


def _branches(git: Git, objects: Objects) -> Iterator[str]:
    """Make the missing branches of open PRs."""
    settled, there = meta.all_meta(git, objects), read_refs(git, PRS)
    for night in read.nights(git, objects):
        for job in night.endings.get("pr", ()):
            state = settled[job].state if job in settled else "open"
            if state in WAITING and PRS + job not in there:
                entry = read.job(git, objects, job)
                if entry.commit and entry.night == night.night:
                    update_refs(git, [RefUpdate(PRS + job, entry.commit, None)], "pantheon-git: sync")
                    yield job


def _push(git: Git, remote: str, theirs: Mapping[str, str], done: Synced) -> None:
    ours = read_refs(git, OURS) | read_refs(git, notes.REF)
    news = sorted(ref for ref, oid in ours.items() if theirs.get(ref) != oid and ref not in done.apart)
    if not news:
        return
    try:
        git.run("push", "--quiet", "--atomic", remote, *(f"{ref}:{ref}" for ref in news))
    except GitError as error:
        raise PantheonError(
            f"git push {remote}: {error.message}", "somebody may have pushed meanwhile: pantheon-git sync again"
        ) from error
    done.pushed += news


def _is_ancestor(git: Git, old: str, new: str) -> bool:
    return git.run("merge-base", "--is-ancestor", old, new, check=False).code == 0
