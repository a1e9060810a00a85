"""Verification of some jobs of a night at once, in this process or in another: what goes in and comes out is small.

Objects are read level by level for all of them, since waiting for git's answer to one name after another took longer
than all signatures together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.layout import FAILED, JOB_FILE, META, PRS, RUNS, JobFolder, find_signed, job_path
from pantheon_git.ledger.lines import Signed, job_line
from pantheon_git.ledger.notes import find_note
from pantheon_git.ledger.statement import JOB, context_of
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verdict import Fault, JobVerdict, at
from pantheon_git.ledger.verify_job import Ground, NightGround, verify_job
from pantheon_git.repo.ahead import Ahead
from pantheon_git.repo.objects import FOLDER, Objects, hash_object

JOBS = 50
"""In a chunk."""


@dataclass(frozen=True)
class Chunk:
    """Jobs of one night, with what of the ledger concerns them."""

    night: NightGround
    folders: Sequence[JobFolder]
    refs: Mapping[str, str]
    twins: Mapping[str, frozenset[str]]
    keys: TrustedKeys
    """Those that count for these jobs."""


@dataclass(frozen=True)
class Told:
    """The verdict on a job, and what its signed statement says about the rest of the ledger."""

    verdict: JobVerdict
    job: str
    base: str | None = None
    """None: nothing can be said; the job's own statement is what is wrong."""
    ending: str = ""
    commit: str | None = None
    line: str = ""
    """What it owes to the note of its base commit."""
    note: str | None = None
    """Of a good job, the oid of its note if nothing else stands there."""


def verify_chunk(objects: Objects, notes: str | None, chunk: Chunk) -> list[Told]:
    """One answer for each job, in order. `notes`: the notes tree."""
    ahead = Ahead(objects)
    ground = Ground(ahead, chunk.keys, chunk.refs, notes, chunk.twins)
    _read_ahead(ahead, ground, chunk)
    return [_told(ground, chunk.night, folder) for folder in chunk.folders]


def _told(ground: Ground, night: NightGround, folder: JobFolder) -> Told:
    try:
        with at(f"{RUNS}{night.night}:{folder.job}", folder.tree):
            verified = verify_job(ground, night, folder)
    except Fault as fault:
        job = _own_words(ground, night, folder)
        return _with(fault.verdict(night.night, folder.job), folder.job, job, None)
    note = hash_object("blob", verified.note) if verified.note else None
    said = verified.job.predicate
    return _with(JobVerdict("good", night.night, folder.job, oid=said["commit"]), folder.job, verified.job, note)


def _with(verdict: JobVerdict, name: str, job: Signed | None, note: str | None) -> Told:
    if job is None:
        return Told(verdict, name)
    said = job.predicate
    return Told(verdict, name, said["base"], said["ending"], said["commit"], job_line(job), note)


def _own_words(ground: Ground, night: NightGround, folder: JobFolder) -> Signed | None:
    """What a job with a fault says of itself, so that one fault is not reported wherever the job is named."""
    try:
        with at(folder.job):
            job = find_signed(ground.objects, folder.tree, JOB_FILE, JOB)
            if job is not None and context_of(job.predicate) == night.contexts.get(folder.job):
                _with(JobVerdict("good"), "", job, None)  # every field is there
                return job
    except Fault:
        return None  # the fault that brought us here tells
    return None


def _read_ahead(ahead: Ahead, ground: Ground, chunk: Chunk) -> None:
    """Everything that `verify_job` will ask for, in five rounds. A ref tells where a job's commit is, before its
    statement is read; where it is gone or lies, the commit is read later and alone."""
    names = [folder.job for folder in chunk.folders]
    commits = [ref for name in names for kind in (PRS, FAILED) if (ref := chunk.refs.get(kind + name))]
    metas = [ref for name in names if (ref := chunk.refs.get(META + name))]
    artifacts = [oid for name in names if (oid := _artifact_folder(ahead, chunk.night, name))]
    ahead.fetch([*(folder.tree for folder in chunk.folders), *artifacts, *commits, *metas])
    nodes = [oid for folder in chunk.folders for oid in _below(ahead, folder.tree)]
    artifacts = [oid for folder in artifacts for oid in _below(ahead, folder)]
    notes = [oid for commit in commits if (oid := _note(ahead, ground, commit))]
    ahead.fetch([*nodes, *artifacts, *notes])
    folders = [oid for folder in chunk.folders for oid in _folders(ahead, folder.tree)]
    ahead.fetch([oid for folder in folders for oid in _below(ahead, folder)])
    ahead.fetch_sha256(oid for folder in artifacts for oid in _below(ahead, folder))


def _below(ahead: Ahead, tree: str) -> Iterator[str]:
    return (entry.oid for entry in ahead.entries(tree))


def _folders(ahead: Ahead, tree: str) -> Iterator[str]:
    return (entry.oid for entry in ahead.entries(tree) if entry.mode == FOLDER)


def _artifact_folder(ahead: Ahead, night: NightGround, job: str) -> str | None:
    """Oid of the tree of a job's artifacts."""
    tree = night.artifacts
    for part in job_path(job).split(b"/"):
        tree = next((entry.oid for entry in ahead.entries(tree) if entry.name == part), None) if tree else None
    return tree


def _note(ahead: Ahead, ground: Ground, commit: str) -> str | None:
    try:
        return find_note(ahead, ground.notes, commit) if ground.notes else None
    except PantheonError:
        return None  # `verify_job` says why
