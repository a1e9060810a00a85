"""Verification of the whole ledger, offline, with nothing but public keys; it works in any clone that fetched the refs.

What it does not prove it says: without an anchor nobody can tell a ledger from an older state of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import notes
from pantheon_git.ledger.anchor import check_anchors
from pantheon_git.ledger.commit import check_commit
from pantheon_git.ledger.layout import ARTIFACTS, FAILED, META, PRS, RUNS
from pantheon_git.ledger.lines import note
from pantheon_git.ledger.trust import NIGHT, TrustedKeys
from pantheon_git.ledger.verdict import Fault, JobVerdict, Summary, at, require, summarise
from pantheon_git.ledger.verify_job import Ground, own_prefix
from pantheon_git.ledger.verify_night import NightCheck
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs

__all__ = ["JobVerdict", "Summary", "summarise", "verify"]
Progress = Callable[[str, int], None]
"""Name of the night, jobs verified in all so far."""
Anchor = str
"""Oid of a head that the ledger once had."""


def verify(
    git: Git,
    keys: TrustedKeys,
    *,
    night: str | None = None,
    progress: Progress | None = None,
    at: Anchor | None = None,
    high_water: Path | None = None,
    objects: Objects | None = None,
) -> Iterator[JobVerdict]:
    """A verdict for each job, then for its night, and at the end for the ledger as a whole; never stops at a fault.

    `night`: only that one (PantheonError when there is none). `at`, `high_water` (a file, see `anchor`): what was seen
    before, to find a rollback. Memory is bounded by names and lines of notes, not by content.
    """
    refs = read_refs(git)
    check = _LedgerCheck(objects or Objects(git), keys, refs)
    names = sorted(ref.removeprefix(RUNS) for ref in refs if ref.startswith(RUNS))
    if night is not None and night not in names:
        raise PantheonError(f"no night {night} in this ledger", "pantheon-git log")
    yield from check.opening()
    yield from check.nights(names if night is None else [night], progress)
    yield from check.base_notes(night)
    if night is None:
        yield from check.leftovers()
    yield from check_anchors(git, refs, at, high_water)


@dataclass
class _LedgerCheck:
    """What no single job can be blamed for."""

    objects: Objects
    keys: TrustedKeys
    refs: dict[str, str]
    chains: dict[str, set[str]] = field(default_factory=dict)
    """Night → oids of its commits."""
    jobs: set[str] = field(default_factory=set)
    noted: set[str] = field(default_factory=set)
    """Commits that have a note by right."""
    own: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """Commit of a good job → how the lines of its own note begin, and the note's oid if nothing else stands there."""
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Base commit → lines that its note must have."""
    followed: list[tuple[str, str, str]] = field(default_factory=list)
    """A night, the one before it, and the commit at which that one stood."""
    unsure: set[str] = field(default_factory=set)
    """Nights whose lines cannot be told: no close, or a fault."""

    def opening(self) -> Iterator[JobVerdict]:
        """The notes' own commit; sets `ground`."""
        tip, tree = self.refs.get(notes.REF), None
        try:
            with at(notes.REF, tip):
                tree = self.objects.commit(tip).tree if tip else None
                if tip and self.objects.commit(tip).gpgsig is None:
                    yield JobVerdict("remark", problem=f"{notes.REF} was last written unsigned, by stock git")
                elif tip:
                    check_commit(self.objects, tip, self.keys, NIGHT)
        except Fault as fault:
            yield fault.verdict(None, None)
        self.ground = Ground(self.objects, self.keys, self.refs, tree)

    def nights(self, names: list[str], progress: Progress | None) -> Iterator[JobVerdict]:
        done = 0
        for name in names:
            night = NightCheck(self.ground, name, self.refs[RUNS + name])
            for verdict in night:
                done += verdict.job is not None
                if progress is not None:
                    progress(name, done)
                yield verdict
            self.take(night)

    def take(self, night: NightCheck) -> None:
        """Keep what the night says about the rest of the ledger."""
        self.chains[night.night] = set(night.chain)
        self.jobs |= night.jobs
        self.noted |= night.noted
        self.own |= {commit: (own_prefix(night.night, job), oid) for commit, (job, oid) in night.own.items()}
        if night.closed is None:
            self.unsure.add(night.night)
        else:
            for base, lines in night.lines.items():
                self.lines.setdefault(base, []).extend(lines)
        if night.opened and (previous := night.opened.predicate["previous"]):
            self.followed.append((night.night, previous["night"], previous["head"]))

    def base_notes(self, only: str | None) -> Iterator[JobVerdict]:
        """The notes on base commits hold one line per task, and nothing else; with `only`, of that night."""
        for base, lines in sorted(self.lines.items()):
            try:
                with at(f"{notes.REF}:{base}", base):
                    found = self._lines(base, only)
                    require(b"".join(found) == note(lines), "not the lines of the nights that began here")
            except Fault as fault:
                yield fault.verdict(only, None)

    def _lines(self, commit: str, only: str | None) -> list[bytes]:
        """The lines of a note that nights which began there owe to it; of its own job's the job's verdict has told."""
        text = notes.read_note(self.objects, self.ground.notes, commit) if self.ground.notes else None
        owner = self.own.get(commit)
        lines = (text or b"").splitlines(keepends=True)
        return [line for line in lines if not (owner and line.startswith(owner[0])) and self._counts(line, only)]

    def _counts(self, line: bytes, only: str | None) -> bool:
        night = line.partition(b" ")[0].decode("utf-8", "replace")
        return night not in self.unsure and only in (None, night)

    def leftovers(self) -> Iterator[JobVerdict]:
        """Nights that a later one followed and that are gone; things in our names that no night has signed."""
        for night, previous, head in self.followed:
            if head not in self.chains.get(previous, ()):
                problem = f"night {night} followed its commit {head[:12]}, which is gone"
                yield JobVerdict("tampered", previous, None, RUNS + previous, head, problem)
        for ref, oid in sorted(self.refs.items()):
            for prefix, known in ((PRS, self.jobs), (FAILED, self.jobs), (META, self.jobs), (ARTIFACTS, self.chains)):
                if ref.startswith(prefix) and ref.removeprefix(prefix) not in known:
                    yield JobVerdict("tampered", None, None, ref, oid, "no night has signed it")
        if self.ground.notes is None:
            return
        try:
            with at(notes.REF, self.ground.notes):
                for commit, blob in notes.all_notes(self.objects, self.ground.notes):
                    if self._unsigned(commit, blob):
                        where, problem = f"{notes.REF}:{commit}", "no night signed this note, or not all of it"
                        yield JobVerdict("tampered", None, None, where, blob, problem)
        except Fault as fault:
            yield fault.verdict(None, None)

    def _unsigned(self, commit: str, blob: str) -> bool:
        if commit in self.lines:
            return False  # `base_notes` has told
        if commit in self.own:
            return self.own[commit][1] != blob and bool(self._lines(commit, None))
        return commit not in self.noted
