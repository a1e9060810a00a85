"""The ledger as others read it: nights, jobs, nodes, artifacts, and where each task stands.

Readers do not verify: `verify` does, and whoever acts on an entry verifies it first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.entries import JobEntry, NodeEntry, read_entry
from pantheon_git.ledger.layout import CLOSE, OPEN, RUNS, find_job, find_signed, job_folders
from pantheon_git.ledger.meta import Meta, all_meta
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import CLOSED, OPENED, jobs_of
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FOLDER, Objects
from pantheon_git.repo.refs import read_refs

QUEUE = b".pantheon/queue"
_STATES = {"pr": "pr", "failed": "failed", "refused": "failed", "error": "failed", "unchanged": "unchanged"}


@dataclass(frozen=True)
class NightInfo:
    """A night as its opening and closing say; of an open one, as far as it has come."""

    night: str
    head: str
    """Oid of the last commit of `refs/pantheon/runs/NIGHT`."""
    state: str
    """`open`, `closed` or `interrupted`."""
    opened: float
    """Seconds since the epoch."""
    closed: float | None
    info: Mapping[str, Any]
    """As given when the night was opened."""
    closing: Mapping[str, Any] | None
    """As given when it was closed."""
    endings: Mapping[str, list[str]]
    """Ending → ids of jobs."""
    contexts: list[JobContext]
    """The jobs it set out to do."""


def nights(git: Git, objects: Objects) -> list[NightInfo]:
    """All nights, by name."""
    return [_night(objects, ref.removeprefix(RUNS), head) for ref, head in sorted(read_refs(git, RUNS).items())]


def _night(objects: Objects, night: str, head: str) -> NightInfo:
    tree = objects.commit(head).tree
    opened, closed = find_signed(objects, tree, OPEN, OPENED), find_signed(objects, tree, CLOSE, CLOSED)
    if opened is None:
        raise PantheonError(f"{RUNS}{night} does not say what the night set out to do", "pantheon-git verify")
    done = closed.predicate["endings"] if closed else _endings_so_far(objects, night, tree)
    return NightInfo(
        night=night,
        head=head,
        state=closed.predicate["status"] if closed else "open",
        opened=opened.predicate["opened"],
        closed=closed.predicate["closed"] if closed else None,
        info=opened.predicate["info"],
        closing=closed.predicate["info"] if closed else None,
        endings=done,
        contexts=jobs_of(opened.predicate),
    )


def _endings_so_far(objects: Objects, night: str, tree: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in _jobs(objects, tree):
        found.setdefault(entry.ending, []).append(entry.job)
    return found


def jobs(git: Git, objects: Objects, night: str) -> Iterator[JobEntry]:
    """The entries of one night, by job id. PantheonError when there is no such night."""
    head = read_refs(git, RUNS + night).get(RUNS + night)
    if head is None:
        raise PantheonError(f"no night {night} in this ledger", "pantheon-git report --list")
    yield from _jobs(objects, objects.commit(head).tree)


def _jobs(objects: Objects, tree: str) -> Iterator[JobEntry]:
    for folder in sorted(job_folders(objects, tree), key=lambda folder: folder.job):
        if (entry := read_entry(objects, folder)) is not None:
            yield entry


def job(git: Git, objects: Objects, name: str) -> JobEntry:
    """The entry of `ID.N`, or of the latest attempt of `ID`. PantheonError when there is none."""
    trees = [objects.commit(head).tree for _, head in sorted(read_refs(git, RUNS).items(), reverse=True)]
    found = None
    for candidate in [name] if "." in name else (f"{name}.{attempt}" for attempt in itertools.count(1)):
        folders = (folder for tree in trees if (folder := find_job(objects, tree, candidate)))
        entry = next((entry for folder in folders if (entry := read_entry(objects, folder))), None)
        if entry is None:
            break
        found = entry
    if found is None:
        raise PantheonError(f"the ledger has no job {name}", "pantheon-git run --dry-run lists the queue")
    return found


def artifact(objects: Objects, node: NodeEntry) -> dict[str, bytes]:
    """A node's artifact files. PantheonError when they are not here (pruned, or not fetched)."""
    return {entry.name.decode(): objects.blob(entry.oid) for entry in objects.tree(node.artifact_tree)}


@dataclass(frozen=True)
class TaskState:
    """Where the revision of a task stands that the tree holds; of a task that is gone from the tree, its last one."""

    state: str
    """`queued`, `running`, `pr`, `merged`, `rejected`, `failed`, `superseded`, `unchanged` (nothing to be done)."""
    job: str
    """Of a queued task the id that its next job will have."""
    revision: str
    attempt: int
    night: str | None = None
    ending: str | None = None


def task_states(git: Git, objects: Objects, tree: str) -> dict[str, TaskState]:
    """Task id → state, from the ledger alone, for every task file of `tree` and every task that the ledger knows.

    A revision is queued while no night has an entry for it, or when a person asked for another attempt; entries of
    nights that were cut off before the job ended do not count. Attempts are numbered through all revisions of a task,
    since refs carry `ID.N` only.
    """
    known: dict[str, list[TaskState]] = {}
    settled = all_meta(git, objects)
    for night in nights(git, objects):
        for state in _states_of(night, settled):
            known.setdefault(state.job.rpartition(".")[0], []).append(state)
    queue = objects.find(tree, QUEUE)
    files = objects.tree(queue.oid) if queue is not None and queue.mode == FOLDER else []
    revisions = {
        entry.name.removesuffix(b".toml").decode("utf-8", "replace"): entry.oid
        for entry in files
        if entry.name.endswith(b".toml")
    }
    found = {id_: max(states, key=lambda state: state.attempt) for id_, states in known.items() if id_ not in revisions}
    return found | {id_: _current(id_, revision, known.get(id_, [])) for id_, revision in revisions.items()}


def _states_of(night: NightInfo, settled: Mapping[str, Meta]) -> Iterator[TaskState]:
    endings = {name: ending for ending, names in night.endings.items() for name in names}
    for context in night.contexts:
        ending = endings.get(context.job)
        if ending is None and night.state != "open":
            continue  # the night ended without it: nothing happened
        state = "running" if ending is None else _STATES[ending]
        meta = settled.get(context.job)
        if meta is not None and ending is not None:
            state = "queued" if meta.requeued else meta.task_state
        yield TaskState(state, context.job, context.revision, context.attempt, night.night, ending)


def _current(id_: str, revision: str, known: list[TaskState]) -> TaskState:
    last = max((state for state in known if state.revision == revision), key=lambda s: s.attempt, default=None)
    if last is not None and last.state != "queued":
        return last
    attempt = 1 + max((state.attempt for state in known), default=0)
    return TaskState("queued", f"{id_}.{attempt}", revision, attempt)
