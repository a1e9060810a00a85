"""After a kill: locks that nobody holds, and refs that the last group commit names but that never moved."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from pantheon_git.ledger.anchor import moved_back, read_marks
from pantheon_git.ledger.layout import (
    ARTIFACTS,
    BASE,
    JOB_FILE,
    META,
    JobFolder,
    find_signed,
    job_folders,
    read_folder,
    ref_of,
)
from pantheon_git.ledger.lines import job_note
from pantheon_git.ledger.night import NightState, artifacts_named_by
from pantheon_git.ledger.notes import replaced
from pantheon_git.ledger.publish import Publisher
from pantheon_git.ledger.statement import JOB
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.pack import KEPT_BY, TEMPORARY
from pantheon_git.repo.refs import RefUpdate, read_ref, read_refs

_STALE_SECONDS = 2.0
"""A git that lives moves a ref within milliseconds. Waited for, not read off the files' times: the clock may have
jumped."""
_OURS = ("refs/pantheon/**/*.lock", "refs/heads/pantheon/**/*.lock", "refs/notes/pantheon.lock", f"{BASE}.lock")
_OBJECTS = ("objects/[0-9a-f][0-9a-f]/*.lock", f"objects/pack/{TEMPORARY}*", "objects/pack/pack-*.keep")


def sweep_locks(git: Git, patterns: Sequence[str] = (*_OURS, *_OBJECTS)) -> list[str]:
    """Remove locks, temporary files and keep marks that a dead writer of ours left behind. What one that lives has
    (the caller holds the lease, but a merge or a sync may be at work) is gone or changed after a moment, and stays.

    `patterns`: of files in the git directory, where a writer of ours may have died.
    """
    found = _stale(git.common_dir, patterns)
    return [f"removed the stale {path.relative_to(git.common_dir)}" for path in found if _remove(path)]


def _stale(folder: Path, patterns: Sequence[str]) -> list[Path]:
    before = _seen(folder, patterns)
    if not before:
        return []
    time.sleep(_STALE_SECONDS)
    after = _seen(folder, patterns)
    return [path for path, mark in before.items() if after.get(path) == mark]


def _seen(folder: Path, patterns: Sequence[str]) -> dict[Path, tuple[int, int, int]]:
    """The files of a writer of ours, each with what changes when it is written again."""
    found = {}
    for path in (path for pattern in patterns for path in folder.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):
            if path.suffix != ".keep" or path.read_text("utf-8", "replace").startswith(KEPT_BY):
                facts = path.stat()
                found[path] = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return found


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def rolled_back(git: Git, ref: str, marks: Path) -> bool:
    """Whether the runner once wrote the ref further than it stands; closing such a night would launder the rollback."""
    mark, now = read_marks(marks).get(ref), read_ref(git, ref)
    return mark is not None and now is not None and moved_back(git, ref, mark, now) is not None


def finish_group(git: Git, objects: Objects, publisher: Publisher, state: NightState) -> list[str]:
    """Bring up what the night's last group commit names. Returns what had to be done."""
    tip = objects.commit(state.runs)
    if not tip.parents:
        return []  # nothing but the opening
    jobs = list(job_folders(objects, tip.tree, objects.commit(tip.parents[0]).tree))
    updates = [*_artifacts(git, objects, state), *_branches(git, objects, jobs)]
    texts: dict[str, tuple[str, bytes]] = {}
    for folder in jobs:
        job, nodes = read_folder(objects, folder)
        if job.predicate["commit"]:
            texts[job.predicate["commit"]] = (f"{state.night} {folder.job} ", job_note(job, nodes))
    publisher.publish(
        updates,
        lambda reader, tree: {oid: replaced(reader, tree, oid, *new) for oid, new in texts.items()},
        f"night {state.night} made whole",
    )
    return [f"brought up {update.ref}" for update in updates]


def _artifacts(git: Git, objects: Objects, state: NightState) -> list[RefUpdate]:
    named = artifacts_named_by(objects, state.runs)
    if named is None or named == state.artifacts:
        return []
    old, state.artifacts, state.artifacts_tree = state.artifacts, named, objects.commit(named).tree
    return [RefUpdate(ARTIFACTS + state.night, named, old)]


def _branches(git: Git, objects: Objects, jobs: list[JobFolder]) -> list[RefUpdate]:
    """Refs of the group that are not there. One with metadata was there, and a person has dealt with it since."""
    updates = []
    settled = read_refs(git, META)
    for folder in jobs:
        job = find_signed(objects, folder.tree, JOB_FILE, JOB)
        ref = ref_of(folder.job, job.predicate["ending"]) if job else None
        if job and ref and META + folder.job not in settled and read_ref(git, ref) is None:
            updates.append(RefUpdate(ref, job.predicate["commit"], None))
    return updates
