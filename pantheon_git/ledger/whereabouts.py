"""Where a job's commit is today. Notes do not follow a squash, cherry-pick, amend or rebase: the entry is found again
by the trailer in the message (a squash keeps it, indented) or by the patch, and the commit is said to be rewritten.

A trailer is anybody's to write: what it leads to counts as the job's change only where the patch is the same too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import notes, read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_ref

How = Literal["note", "merge", "trailer", "patch-id"]
"""`note`: it is the recorded commit itself; `merge`: the merge that brought it in."""
_TRAILER = re.compile(r"^ *Pantheon-Job: (\S+) *$", re.MULTILINE)
_BRANCHES = ("--exclude=pantheon/pr/*", "--branches")
"""All but the PRs' own: a branch that waits for review says nothing about where its change went."""
_AT_ONCE = 200
_PATCH = ("-p", "--no-ext-diff", "--no-textconv", "--no-renames", "--full-index", "--binary", "--no-notes")


@dataclass(frozen=True)
class Seen:
    """A job's change in a commit of this repository."""

    job: str
    recorded: str
    """Oid of the commit that the night signed."""
    commit: str
    """Oid of the one that carries the change now."""
    how: How
    same: bool
    """Whether the patch is the recorded one; of a squash of several, or after an edit, it is not."""

    @property
    def rewritten(self) -> bool:
        return self.how in ("trailer", "patch-id")

    def __str__(self) -> str:
        if self.how == "note":
            return f"{self.job}: recorded as {self.recorded[:12]}"
        if self.how == "merge":
            return f"{self.job}: recorded as {self.recorded[:12]}, merged by {self.commit[:12]}"
        other = "" if self.same else "; its patch is another one, by an edit or by what was squashed with it"
        return f"{self.job}: recorded as {self.recorded[:12]}, rewritten as {self.commit[:12]} (by {self.how}){other}"


def find(git: Git, objects: Objects, rev: str) -> list[Seen]:
    """The jobs whose change a commit carries; several after a squash, none for a commit that no night made.
    PantheonError when there is no such commit."""
    oid = objects.resolve(f"{rev}^{{commit}}")
    if oid is None:
        raise PantheonError(f"there is no commit {rev!r}", "git log")
    if (noted := _noted(git, objects, oid)) is not None:
        return [Seen(noted, oid, oid, "note", True)]
    commit = objects.commit(oid)
    named = [entry for name in dict.fromkeys(_TRAILER.findall(commit.message)) if (entry := _entry(git, objects, name))]
    if named:
        merge = len(commit.parents) > 1
        own = "" if merge else _patch_ids(git, [oid]).get(oid, "")
        theirs = {} if merge else _patch_ids(git, [entry.commit for entry in named if entry.commit])
        return [
            Seen(entry.job, entry.commit, oid, "merge" if merge else "trailer", merge or theirs[entry.commit] == own)
            for entry in named
            if entry.commit
        ]
    return [Seen(entry.job, str(entry.commit), oid, "patch-id", True) for entry in _by_patch(git, objects, oid)]


def rewritten(git: Git, objects: Objects, commits: Mapping[str, str]) -> dict[str, Seen]:
    """Job → where its change is now, of the `commits` (job → oid as recorded) that no branch holds but the PR's own,
    where some branch holds a rewritten one.

    One walk over what the branches have since; patches are compared only where no message names the job.
    """
    below = _below(git, commits.values())
    since = set(git.text("rev-list", *_BRANCHES, *below).split())
    lost = {job: commit for job, commit in commits.items() if commit not in since}
    if not since or not lost:
        return {}
    found: dict[str, Seen] = {}
    for oid, merge, names in _naming(git, below):
        if not merge and any(name in lost and name not in found for name in names):
            found |= {seen.job: seen for seen in find(git, objects, oid) if seen.job in lost and seen.rewritten}
    left = [commit for job, commit in lost.items() if job not in found]
    recorded = set(commits.values())
    others = [oid for oid in git.text("rev-list", "--no-merges", *_BRANCHES, *below).split() if oid not in recorded]
    theirs = {patch: oid for oid, patch in _patch_ids(git, others).items()} if left else {}
    own = _patch_ids(git, left) if theirs else {}
    by_patch = {job: theirs[own[commit]] for job, commit in lost.items() if own.get(commit) in theirs}
    return found | {job: Seen(job, lost[job], oid, "patch-id", True) for job, oid in by_patch.items()}


def _noted(git: Git, objects: Objects, oid: str) -> str | None:
    """The job whose own note stands on the commit; lines about jobs that began there name other commits."""
    tip = read_ref(git, notes.REF)
    text = notes.read_note(objects, objects.commit(tip).tree, oid) if tip else None
    for line in (text or b"").decode("utf-8", "replace").splitlines():
        words = line.split(" ", 3)
        if len(words) == 4 and words[2] == "00-job" and f"| commit {oid} |" in line:
            return words[1]
    return None


def _entry(git: Git, objects: Objects, name: str) -> JobEntry | None:
    try:
        return read.job(git, objects, name)
    except PantheonError:
        return None  # a trailer of another repository, or somebody's own words


def _by_patch(git: Git, objects: Objects, oid: str) -> Iterator[JobEntry]:
    own = _patch_ids(git, [oid]).get(oid)
    entries = [entry for night in read.nights(git, objects) for entry in read.jobs(git, objects, night.night)]
    commits = {entry.commit: entry for entry in entries if entry.commit}
    if own:
        yield from (commits[found] for found, patch in _patch_ids(git, commits).items() if patch == own)


def _naming(git: Git, below: Sequence[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """Oid, whether it is a merge, and the jobs it names, of every commit on a branch that names one."""
    args = ("log", *_BRANCHES, *below, "--no-notes", "--grep=^ *Pantheon-Job: ", "--format=%H %P%x00%B%x01")
    for text in git.run(*args).out.decode("utf-8", "replace").split("\x01"):
        oids, _, message = text.strip().partition("\0")
        if oids:
            yield oids.split()[0], len(oids.split()) > 2, _TRAILER.findall(message)


def _below(git: Git, commits: Iterable[str]) -> list[str]:
    """Leaves out what lies below the commits' common past: nothing there can carry a change that began later."""
    lines = "".join(f"{oid}\n" for oid in commits).encode()
    parents = git.run("log", "--no-walk=unsorted", "--format=%P", "--stdin", input=lines).out.decode() if lines else ""
    bases = sorted(set(parents.split()))
    found = git.run("merge-base", "--octopus", *bases, check=False).out.decode().split() if bases else []
    return [f"^{base}" for base in found[:1]]


def _patch_ids(git: Git, oids: Iterable[str]) -> dict[str, str]:
    """Oid → patch id (git-patch-id(1), `--stable`). Some at a time: all patches of a night need not fit into memory."""
    found: dict[str, str] = {}
    rest = iter(oids)
    while some := list(itertools.islice(rest, _AT_ONCE)):
        lines = "".join(f"{oid}\n" for oid in some).encode()
        patches = git.run("log", *_PATCH, "--no-walk=unsorted", "--stdin", input=lines).out
        said = git.run("patch-id", "--stable", input=patches).out.decode().splitlines()
        found |= {oid: patch for patch, oid in (line.split() for line in said)}
    return found
