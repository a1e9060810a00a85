"""Where things lie in a night's two families of refs, and which ref carries a job.

`refs/pantheon/runs/NIGHT`: `open.json`, `close.json`, `BUCKET/JOB/job.json`, `BUCKET/JOB/NN-node/statement.json`; each
commit's tree holds all that the night has recorded so far. `refs/pantheon/artifacts/NIGHT`: `BUCKET/JOB/NN-node/FILE`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.dsse import IN_TOTO, parse
from pantheon_git.ledger.lines import Signed
from pantheon_git.ledger.statement import JOB, NODE, bucket, read
from pantheon_git.repo.objects import FOLDER, Objects

RUNS, ARTIFACTS = "refs/pantheon/runs/", "refs/pantheon/artifacts/"
PRS, FAILED, META = "refs/heads/pantheon/pr/", "refs/pantheon/failed/", "refs/pantheon/meta/"
FROZEN = "refs/pantheon/frozen/"
BASE = "refs/pantheon-base/night"
"""Keeps the base commit of the latest night, whatever becomes of its branch. Moved and never deleted, since a deletion
takes the lock of all packed refs. Not below `refs/pantheon/`: it stays in this repository."""
OPEN, CLOSE, JOB_FILE, STATEMENT_FILE = b"open.json", b"close.json", b"job.json", b"statement.json"


@dataclass(frozen=True)
class JobFolder:
    """One job's place in a night."""

    job: str
    tree: str
    """Oid of `BUCKET/JOB`."""


def ref_of(job: str, ending: str) -> str | None:
    """The ref that carries a job's commit; None where nothing was to be done."""
    if ending == "unchanged":
        return None
    return (PRS if ending == "pr" else FAILED) + job


def job_path(job: str) -> bytes:
    """`BUCKET/JOB`."""
    return f"{bucket(job)}/{job}".encode()


def find_job(objects: Objects, tree: str, job: str) -> JobFolder | None:
    """The job's folder in a night's tree."""
    entry = objects.find(tree, job_path(job))
    return JobFolder(job, entry.oid) if entry is not None and entry.mode == FOLDER else None


def job_folders(objects: Objects, tree: str, before: str | None = None) -> Iterator[JobFolder]:
    """The jobs of a night's tree, by bucket and id; with `before`, only those that `before` does not hold just so."""
    old = {entry.name: entry for entry in objects.tree(before)} if before else {}
    for entry in objects.tree(tree):
        if entry.mode != FOLDER or entry == old.get(entry.name):
            continue
        known = set(objects.tree(old[entry.name].oid)) if entry.name in old else set()
        for job in objects.tree(entry.oid):
            if job not in known:
                yield JobFolder(job.name.decode("utf-8", "backslashreplace"), job.oid)


def load(objects: Objects, oid: str, kind: str) -> Signed:
    """The statement in an envelope's blob, not verified."""
    envelope = parse(objects.blob(oid))
    if envelope.payload_type != IN_TOTO:
        return Signed(read(b"{}", kind), envelope)  # raises: no statement
    return Signed(read(envelope.payload, kind), envelope)


def find_signed(objects: Objects, tree: str, name: bytes, kind: str) -> Signed | None:
    """The statement in a file at the top of a tree; None where there is none."""
    entry = objects.find(tree, name)
    return load(objects, entry.oid, kind) if entry is not None else None


def read_folder(objects: Objects, folder: JobFolder) -> tuple[Signed, list[Signed]]:
    """The statements of a job and of its nodes, in the flow's order; not verified."""
    job = find_signed(objects, folder.tree, JOB_FILE, JOB)
    if job is None:
        raise PantheonError(f"the entry of {folder.job} has no job.json", "pantheon-git verify")
    nodes = []
    for entry in objects.tree(folder.tree):
        if entry.mode == FOLDER:
            node = find_signed(objects, entry.oid, STATEMENT_FILE, NODE)
            if node is None:
                raise PantheonError(f"{folder.job}/{entry.name!r} has no statement", "pantheon-git verify")
            nodes.append(node)
    return job, sorted(nodes, key=lambda node: int(node.predicate["node"]["index"]))
