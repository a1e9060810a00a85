"""Tasks and what became of them, for other tools: JSON lines that `import jsonl` reads again, or trajectories
(`atif`).

A line is the task as its file has it, with `id`, `file`, `state` and `outcome` besides. Of a task whose file is gone
the revision that ran is read from git, where it is still there. Outcomes are those of the ledger, which `verify`
verifies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pantheon_git.errors import PantheonError, SpecError
from pantheon_git.ledger import meta, read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.read import TaskState
from pantheon_git.morning.atif import trajectory
from pantheon_git.morning.metrics import card
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.load import load
from pantheon_git.spec.task import Task

Json = dict[str, Any]
QUEUE = ".pantheon/queue"


def tasks(git: Git, objects: Objects, only: Collection[str] = (), states: Collection[str] = ()) -> Iterator[Json]:
    """One record for each task of HEAD's queue and of the ledger, by id. `only`: ids; `states`: in one of these."""
    known = _states(git, objects)
    _require(known, only)
    wanted = {id_: state for id_, state in sorted(known.items()) if not only or id_ in only}
    wanted = {id_: state for id_, state in wanted.items() if not states or state.state in states}
    jobs = _jobs(git, objects, wanted)
    settled = meta.all_meta(git, objects)
    for id_, state in wanted.items():
        file = f"{QUEUE}/{id_}.toml"
        attempts = [_attempt(entry, settled) for entry in jobs.get(id_, [])]
        yield {
            "id": id_, "file": file, "state": state.state, **_task(objects, file, state.revision),
            "outcome": {"revision": state.revision, "attempts": attempts},
        }  # fmt: skip


def trajectories(git: Git, objects: Objects, only: Collection[str] = ()) -> Iterator[Json]:
    """The trajectory of every job, or of the attempts of the tasks `only`."""
    known = _states(git, objects)
    _require(known, only)
    for entries in _jobs(git, objects, only or known).values():
        for entry in entries:
            yield trajectory(entry, {node.name: read.artifact(objects, node) for node in entry.nodes})


def _states(git: Git, objects: Objects) -> dict[str, TaskState]:
    tree = objects.resolve("HEAD^{tree}")
    if tree is None:
        raise PantheonError("HEAD has no commit yet, so there is no queue", "git commit")
    return read.task_states(git, objects, tree)


def _require(known: Mapping[str, TaskState], only: Collection[str]) -> None:
    if gone := sorted(set(only) - known.keys()):
        raise PantheonError(f"there is no task {', '.join(gone)}, neither at HEAD nor in the ledger",
                            "pantheon-git export without a name lists them all")  # fmt: skip


def _jobs(git: Git, objects: Objects, wanted: Collection[str]) -> dict[str, list[JobEntry]]:
    """Task → its jobs, the first attempt first."""
    found: dict[str, list[JobEntry]] = {}
    for night in read.nights(git, objects):
        for entry in read.jobs(git, objects, night.night):
            if entry.task in wanted:
                found.setdefault(entry.task, []).append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: entry.context.attempt)
    return dict(sorted(found.items()))


def _task(objects: Objects, name: str, revision: str) -> Json:
    """The task's own keys; none where that revision is not here any more, or is no task."""
    if not objects.has(revision):
        return {}
    try:
        task = load(Task, objects.blob(revision), name)
    except SpecError as error:
        return {"faults": error.faults}
    return task.model_dump(by_alias=True, exclude_defaults=True, exclude_none=True, mode="json")


def _attempt(entry: JobEntry, settled: Mapping[str, meta.Meta]) -> Json:
    """One job, by the numbers of the report."""
    state = settled[entry.job].state if entry.job in settled else ("open" if entry.ending == "pr" else "")
    shown = card(entry, state)
    return {
        "job": entry.job, "night": entry.night, "started": entry.started, "seconds": entry.seconds,
        "ending": entry.ending, "state": state, "reason": entry.reason, "stopped_at": entry.stopped_at,
        "title": shown.title, "base": entry.context.base, "commit": entry.commit, "flow": entry.context.flow,
        "nodes": {node.name: node.verdict for node in shown.nodes},
        "diffstat": {"files": shown.files, "added": shown.added, "removed": shown.removed},
        "authorship": dict(shown.authorship), "tokens": dict(shown.tokens), "statement_sha256": entry.sha256,
    }  # fmt: skip
