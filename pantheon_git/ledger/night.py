"""What one night has recorded so far, in memory while it runs and read back from its refs after a kill."""

from __future__ import annotations

from dataclasses import dataclass, field

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.commit import trailers
from pantheon_git.ledger.layout import ARTIFACTS, JOB_FILE, OPEN, RUNS, find_signed, job_folders
from pantheon_git.ledger.lines import Signed, absent_line, job_line, note
from pantheon_git.ledger.notes import replaced
from pantheon_git.ledger.record import Written
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import JOB, OPENED, context_of, jobs_of, sha256
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs


@dataclass(frozen=True)
class Done:
    """A job that has ended."""

    base: str
    ending: str
    line: str


@dataclass
class NightState:
    """`runs` and `artifacts`: tips; `tree` and `artifacts_tree`: what they hold."""

    night: str
    runs: str
    tree: str
    opened: str
    """Sha256 of the payload that opened the night."""
    contexts: list[JobContext]
    artifacts: str | None = None
    artifacts_tree: str | None = None
    done: dict[str, Done] = field(default_factory=dict)

    @classmethod
    def load(cls, git: Git, objects: Objects, night: str) -> NightState:
        """Read back. PantheonError when there is no such night."""
        refs = read_refs(git, RUNS + night) | read_refs(git, ARTIFACTS + night)
        runs, artifacts = refs.get(RUNS + night), refs.get(ARTIFACTS + night)
        if runs is None:
            raise PantheonError(f"no night {night} in this ledger", "pantheon-git log")
        tree = objects.commit(runs).tree
        opened = find_signed(objects, tree, OPEN, OPENED)
        if opened is None:
            raise PantheonError(f"{RUNS}{night} does not say what the night set out to do", "pantheon-git verify")
        state = cls(night, runs, tree, sha256(opened.envelope.payload), jobs_of(opened.predicate))
        state.artifacts, state.artifacts_tree = artifacts, objects.commit(artifacts).tree if artifacts else None
        for folder in job_folders(objects, tree):
            signed = find_signed(objects, folder.tree, JOB_FILE, JOB)
            if signed is not None:
                state.done[folder.job] = _done(signed)
        return state

    def add(self, written: Written) -> None:
        self.done[written.context.job] = Done(written.context.base, written.ending, written.line)

    @property
    def endings(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for job, done in self.done.items():
            found.setdefault(done.ending, []).append(job)
        return found

    def base_notes(self, reader: Objects, tree: str | None, closing: Signed) -> dict[str, bytes]:
        """The note of each base commit with this night's lines, one per task whatever its ending, in place of any that
        an interrupted closing had left there."""
        lines: dict[str, list[str]] = {}
        for done in self.done.values():
            lines.setdefault(done.base, []).append(done.line)
        for context in self.contexts:
            if context.job not in self.done:
                lines.setdefault(context.base, []).append(absent_line(context, closing))
        return {base: replaced(reader, tree, base, f"{self.night} ", note(new)) for base, new in lines.items()}


def _done(job: Signed) -> Done:
    return Done(context_of(job.predicate).base, job.predicate["ending"], job_line(job))


def artifacts_named_by(objects: Objects, group: str) -> str | None:
    """The commit of artifacts that was written with a group commit."""
    return trailers(objects.commit(group).message).get("Pantheon-Artifacts")
