"""Writes a night: signs each node as it ends, writes jobs in groups, opens and closes the night in the chain.

On disk, in this order and each synced before the next: one pack; the night's run ref, which is what makes a group
exist; its artifacts, branches and breadcrumbs, and the notes. A kill or a power cut in between leaves the later ones
behind, and `recover` brings them up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pantheon_git import clock
from pantheon_git.errors import GitError, PantheonError
from pantheon_git.ledger import anchor, dsse, recovery
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import ARTIFACTS, BASE, CLOSE, OPEN, RUNS, find_signed, job_path
from pantheon_git.ledger.lines import Signed
from pantheon_git.ledger.night import NightState
from pantheon_git.ledger.plants import PLANTS
from pantheon_git.ledger.publish import Publisher
from pantheon_git.ledger.record import Written, write_artifact, write_job
from pantheon_git.ledger.records import JobContext, JobResult, NodeResult, PlantResult, SignedNode
from pantheon_git.ledger.redact import Redactor
from pantheon_git.ledger.redact_job import redact_job
from pantheon_git.ledger.statement import (
    CLOSED,
    closed_statement,
    node_statement,
    opened_statement,
    plant_statement,
    read,
    sha256,
)
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import EMPTY_TREE, FILE, FOLDER, Entry, Objects
from pantheon_git.repo.refs import ANY, RefUpdate, read_refs, update_refs
from pantheon_git.repo.writer import Writer

_TRIES = 5


@dataclass(frozen=True)
class CommittedJob:
    job: str
    ending: str
    commit: str | None
    """None where nothing was to be done."""
    ref: str | None
    """The branch of a PR, or the breadcrumb of a job that stopped."""


class Ledger:
    """Writes nights. One process at a time may write one night; several may write nights side by side."""

    def __init__(self, git: Git, objects: Objects, key: Key) -> None:
        self.git, self.objects, self.key = git, objects, key
        self._publisher = Publisher(git, objects, key)
        self._nights: dict[str, NightState] = {}
        self._marks = anchor.marks_file(git)
        self._redactor = Redactor()

    def pin(self, branch: str) -> str | None:
        """Hold on to the commit that the night works on, the tip of `branch` (a full name), also where that is
        rewritten and `gc` runs. Returns it; None where the branch has none. PantheonError where it goes away again and
        again."""
        for _ in range(_TRIES):
            base = self.objects.resolve(branch)
            if base is None:
                return None
            try:
                update_refs(self.git, [RefUpdate(BASE, base, ANY)], "pantheon-git: tonight's base")
            except GitError:  # it was there a moment ago
                if self._is_there(base):
                    raise
            if self._is_there(base):
                return base
        raise PantheonError(f"{branch} is rewritten while the night begins, {_TRIES} times over", "pantheon-git run")

    def _is_there(self, commit: str) -> bool:
        return self.git.run("cat-file", "-e", f"{commit}^{{tree}}", check=False).code == 0

    def open_night(self, night: str, jobs: Sequence[JobContext], info: Mapping[str, Any]) -> str:
        """Sign what the night sets out to do, before the first job; returns the commit's oid. `info`: JSON."""
        now, (info, _) = clock.now(), self._redactor.values(dict(info))
        payload = opened_statement(night, jobs, info, now, self._night_before(night))
        writer = self._publisher.writer
        blob = writer.blob(dsse.sign(self.key, payload))
        tree = writer.tree([Entry(FILE, OPEN, blob)])
        message = f"Night {night} opened: {len(jobs)} jobs\n\nPantheon-Night: {night}"
        commit = signed_commit(writer, self.key, tree, [], message, now)
        with writer.flushed():
            update_refs(self.git, [RefUpdate(RUNS + night, commit, None)], f"pantheon-git: night {night} opened")
        self._nights[night] = NightState(night, commit, tree, sha256(payload), list(jobs))
        return commit

    def sign_node(self, context: JobContext, result: NodeResult, previous: str | None) -> SignedNode:
        """Sign a node that has ended, without the secrets it holds; nothing is written yet. `previous`:
        `statement_sha256` of the one before."""
        result = self._redactor.node(result)
        artifact = write_artifact(Writer(self.objects), dict(result.files))
        payload = node_statement(context, result, artifact, previous)
        return SignedNode(result, dsse.sign(self.key, payload), sha256(payload), artifact)

    def commit_group(self, night: str, results: Sequence[JobResult]) -> list[CommittedJob]:
        """Write finished jobs: durable when this returns. Raises RefMovedError when a job's branch is there already.
        Called again after an error of the disk, it does not write twice what it wrote."""
        state, writer, now = self._state(night), self._publisher.writer, clock.now()
        results = [result for result in results if result.context.job not in state.done]
        if not results:
            recovery.finish_group(self.git, self.objects, self._publisher, state)
            self._remember(night, state.runs)
            return []
        results = [redact_job(self._redactor, self.objects, result) for result in results]
        written = [write_job(writer, self.key, result) for result in results]
        artifacts = self._grow_artifacts(state, written, now)
        folders = {job_path(job.context.job): Entry(FOLDER, b"", job.folder) for job in written}
        tree = writer.edit_tree(state.tree, folders)
        parents = [state.runs, *(job.commit for job in written if job.commit)]
        runs = signed_commit(writer, self.key, tree, parents, _group_message(night, written, artifacts), now)
        branches = [RefUpdate(job.ref, job.commit, None) for job in written if job.ref]
        first = [RefUpdate(RUNS + night, runs, state.runs), *(RefUpdate(made.ref, None, None) for made in branches)]
        moved = [RefUpdate(ARTIFACTS + night, artifacts, state.artifacts)] if artifacts != state.artifacts else []
        texts = {job.commit: job.note for job in written if job.commit}
        told = f"night {night}, {len(written)} jobs"
        with self._read_back_after_failure(night):
            self._publisher.publish([*moved, *branches], lambda reader, notes: texts, told, first=first)
        self._moved(state, runs, tree, artifacts, written)
        self._remember(night, runs)
        return [CommittedJob(job.context.job, job.ending, job.commit, job.ref) for job in written]

    def sign_plant(self, result: PlantResult) -> str:
        """The envelope of a plant, for `close_night`, without the secrets that it may hold."""
        (says, reviews), _ = self._redactor.values([result.says, [dict(review) for review in result.reviews]])
        return dsse.sign(self.key, plant_statement(replace(result, says=says, reviews=reviews))).decode()

    def close_night(
        self, night: str, info: Mapping[str, Any], status: str = "closed", plants: Sequence[str] = ()
    ) -> str:
        """Sign how every job ended, and write one line per task on the notes of base commits; returns the commit's oid.
        `plants`: envelopes of `sign_plant`; they stand in the closing and nowhere else.

        The notes come first: while the run ref does not say closed, `recover` closes the night again. Called again
        after an error of the disk, it does not close what it closed.
        """
        state, writer, now = self._state(night), self._publisher.writer, clock.now()
        if find_signed(self.objects, state.tree, CLOSE, CLOSED) is not None:
            self._remember(night, state.runs)
            return state.runs
        info, _ = self._redactor.values(dict(info))
        info = {**info, PLANTS: list(plants)} if plants else info
        payload = closed_statement(night, status, state.endings, info, now, head=state.runs, opened=state.opened)
        envelope = dsse.sign(self.key, payload)
        closing = Signed(read(payload, CLOSED), dsse.parse(envelope))
        tree = writer.edit_tree(state.tree, {CLOSE: Entry(FILE, b"", writer.blob(envelope))})
        message = f"Night {night} {status}: {len(state.done)} jobs\n\nPantheon-Night: {night}"
        commit = signed_commit(writer, self.key, tree, [state.runs], message, now)
        with self._read_back_after_failure(night):
            self._publisher.publish(
                [],
                lambda reader, notes: state.base_notes(reader, notes, closing),
                f"night {night} {status}",
                [RefUpdate(RUNS + night, commit, state.runs)],
            )
        del self._nights[night]
        self._remember(night, commit)
        return commit

    def recover(self) -> list[str]:
        """Make whole what a killed runner left, and say what was done. Call it under the lease; a second call does
        nothing. Nights without an end get one, `interrupted`; their jobs without an entry are queued again."""
        said = recovery.sweep_locks(self.git)
        for night, runs in sorted(read_refs(self.git, RUNS).items()):
            name = night.removeprefix(RUNS)
            if name in self._nights or find_signed(self.objects, self._tree(runs), CLOSE, CLOSED) is not None:
                continue
            if recovery.rolled_back(self.git, night, self._marks):
                said.append(f"night {name} was rolled back and is left as it is: pantheon-git verify")
                continue
            said += recovery.finish_group(self.git, self.objects, self._publisher, self._state(name))
            self.close_night(name, {"interrupted": True}, "interrupted")
            said.append(f"night {name} was cut off: closed as interrupted")
        return said

    @contextmanager
    def _read_back_after_failure(self, night: str) -> Iterator[None]:
        """What was written before a disk refused to go on is only known from the refs."""
        try:
            yield
        except (OSError, PantheonError):
            self._nights.pop(night, None)
            raise

    def remember(self, heads: Mapping[str, str]) -> None:
        """The runner is a verifier too: what it saw or wrote further than it stands later was rolled back. `heads`: ref
        → oid."""
        anchor.write_marks(self._marks, {**anchor.read_marks(self._marks), **heads})

    def _remember(self, night: str, runs: str) -> None:
        self.remember({RUNS + night: runs})

    def _tree(self, commit: str) -> str:
        return self.objects.commit(commit).tree

    def _state(self, night: str) -> NightState:
        if night not in self._nights:
            self._nights[night] = NightState.load(self.git, self.objects, night)
        return self._nights[night]

    def _night_before(self, night: str) -> dict[str, str] | None:
        """The latest night by name, as data: a night that vanishes is missed by the next."""
        refs = read_refs(self.git, RUNS)
        others = [ref for ref in refs if ref != RUNS + night]
        if not others:
            return None
        return {"night": max(others).removeprefix(RUNS), "head": refs[max(others)]}

    def _grow_artifacts(self, state: NightState, written: Sequence[Written], when: float) -> str | None:
        """The new commit of artifacts; nothing kept for ever names it as parent, so that pruning can drop it."""
        folders = {job_path(job.context.job): Entry(FOLDER, b"", job.artifacts) for job in written if job.artifacts}
        if not folders:
            return state.artifacts
        tree = self._publisher.writer.edit_tree(state.artifacts_tree or EMPTY_TREE, folders)
        parents = [state.artifacts] if state.artifacts else []
        message = f"Artifacts of night {state.night}: {len(written)} jobs\n\nPantheon-Night: {state.night}"
        return signed_commit(self._publisher.writer, self.key, tree, parents, message, when)

    def _moved(
        self, state: NightState, runs: str, tree: str, artifacts: str | None, written: Sequence[Written]
    ) -> None:
        state.runs, state.tree = runs, tree
        if artifacts != state.artifacts:
            state.artifacts, state.artifacts_tree = artifacts, self._tree(artifacts) if artifacts else None
        for job in written:
            state.add(job)


def _group_message(night: str, written: Sequence[Written], artifacts: str | None) -> str:
    lines = [f"{job.context.job} {job.ending}" for job in written]
    named = f"Pantheon-Night: {night}" + (f"\nPantheon-Artifacts: {artifacts}" if artifacts else "")
    return f"Night {night}: {len(written)} jobs\n\n" + "\n".join(lines) + f"\n\n{named}\n"
