"""Verification of the whole ledger, offline, with nothing but public keys; it works in any clone that fetched the refs.

What it does not prove it says: without an anchor nobody can tell a ledger from an older state of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import notes
from pantheon_git.ledger.anchor import check_anchors, is_ancestor, read_marks
from pantheon_git.ledger.commit import check_commit
from pantheon_git.ledger.key_records import KEYS
from pantheon_git.ledger.keyring import Fault as KeyFault
from pantheon_git.ledger.layout import ARTIFACTS, FAILED, FROZEN, META, PRS, RUNS
from pantheon_git.ledger.lines import plain
from pantheon_git.ledger.origin import check_origin
from pantheon_git.ledger.trust import NIGHT, TrustedKeys
from pantheon_git.ledger.twins import find_twins
from pantheon_git.ledger.verdict import Fault, JobVerdict, Kind, Summary, at, require, summarise
from pantheon_git.ledger.verify_frozen import check_frozen
from pantheon_git.ledger.verify_job import Ground, own_prefix
from pantheon_git.ledger.verify_keys import check_records
from pantheon_git.ledger.verify_night import NightCheck, digest
from pantheon_git.ledger.verify_pool import Pool
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs

__all__ = ["JobVerdict", "Summary", "summarise", "verify"]
Progress = Callable[[str, int], None]
"""Name of the night, jobs verified in all so far."""
Anchor = str
"""Oid of a head that the ledger once had."""
_UNKNOWN = "not a ref that this version knows"
_HEX = set("0123456789abcdef")


def verify(
    git: Git,
    keys: TrustedKeys,
    *,
    night: str | None = None,
    progress: Progress | None = None,
    at: Anchor | None = None,
    high_water: Path | None = None,
    objects: Objects | None = None,
    key_faults: Sequence[KeyFault] = (),
    processes: int = 0,
) -> Iterator[JobVerdict]:
    """A verdict for each job, then for its night, and at the end for the ledger as a whole; never stops at a fault.

    `night`: only that one (PantheonError when there is none). `at`, `high_water` (a file, see `anchor`): what was seen
    before, to find a rollback. `key_faults`: records of keys that do not count (`keyring`). `processes`: for a night of
    400 jobs or more; 0: one a core. Memory is bounded by the names of jobs, not by content.
    """
    refs = read_refs(git)
    check = _LedgerCheck(objects or Objects(git), keys, refs, processes)
    names = sorted(ref.removeprefix(RUNS) for ref in refs if ref.startswith(RUNS))
    if night is not None and night not in names:
        raise PantheonError(f"no night {night} in this ledger", "pantheon-git log")
    yield from check.opening()
    yield from (JobVerdict("tampered", where=fault.ref, oid=fault.oid, problem=fault.problem) for fault in key_faults)
    yield from check_records(check.objects, keys, refs)
    yield from check_frozen(check.objects, keys, refs)
    yield from check.nights(names if night is None else [night], progress)
    yield from check.base_notes(night)
    if night is None:
        yield from check.leftovers()
    yield from check_origin(git, refs, check.began, check.seen_before(at, read_marks(high_water)))
    yield from check_anchors(git, refs, at, high_water)


@dataclass
class _LedgerCheck:
    """What no single job can be blamed for."""

    objects: Objects
    keys: TrustedKeys
    refs: dict[str, str]
    processes: int
    chains: dict[str, set[str]] = field(default_factory=dict)
    """Night → oids of its commits."""
    jobs: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)
    own: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)
    """A job's commit → its night, the job, and, of a good one, the oid of its note if nothing else stands there."""
    lines: dict[str, dict[bytes, str]] = field(default_factory=dict)
    """Base commit → digests of the lines that its note must have, and the job that each tells of."""
    began: dict[tuple[str, str], str] = field(default_factory=dict)
    """Base commit and target branch → the first night that named them."""
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
                    held = partial(is_ancestor, self.objects.git, tip)
                    check_commit(self.objects, tip, self.keys.at(notes.REF, held), NIGHT)
        except Fault as fault:
            yield fault.verdict(None, None)
        self.ground = Ground(self.objects, self.keys, self.refs, tree, find_twins(self.objects, self.refs))

    def nights(self, names: list[str], progress: Progress | None) -> Iterator[JobVerdict]:
        done = 0
        pool = Pool(self.objects, self.ground.notes, self.processes)
        try:
            for name in names:
                night = NightCheck(self.ground, pool, name, self.refs[RUNS + name])
                for verdict in night:
                    done += verdict.job is not None
                    if progress is not None:
                        progress(name, done)
                    yield verdict
                self.take(night)
        finally:
            pool.close()

    def take(self, night: NightCheck) -> None:
        """Keep what the night says about the rest of the ledger."""
        self.chains[night.night] = set(night.chain)
        self.jobs |= night.jobs
        self.bases |= {base for base, _ in night.began}
        self.own |= {commit: (night.night, *told) for commit, told in night.own.items()}
        self.began = dict.fromkeys(night.began, night.night) | self.began
        if night.closed is None:
            self.unsure.add(night.night)
        else:
            for base, lines in night.lines.items():
                self.lines.setdefault(base, {}).update(lines)
        if night.opened and (previous := night.opened.predicate["previous"]):
            self.followed.append((night.night, previous["night"], previous["head"]))

    def seen_before(self, anchor: Anchor | None, marks: Mapping[str, str]) -> set[str]:
        """The nights that an anchor names, and those that they followed."""
        found = {night for night, chain in self.chains.items() if anchor in chain or marks.get(RUNS + night) in chain}
        for night, previous, head in sorted(self.followed, reverse=True):
            if night in found and head in self.chains.get(previous, ()):
                found.add(previous)
        return found

    def base_notes(self, only: str | None) -> Iterator[JobVerdict]:
        """The notes on base commits hold one line per task, and nothing else; with `only`, of that night."""
        for base, lines in sorted(self.lines.items()):
            try:
                with at(f"{notes.REF}:{base}", base):
                    found = self._lines(base, only)
                    there = {digest(line): line for line in found}
                    strange = [line for mark, line in there.items() if mark not in lines]
                    shown = plain(strange[0].decode("utf-8", "replace")) if strange else ""
                    require(not strange, f"a line that no night signed: {shown}")
                    lost = sorted(job for mark, job in lines.items() if mark not in there)
                    require(not lost, f"the line of {lost[0] if lost else ''} is gone")
                    require(found == sorted(there.values()), "its lines are not in order, or twice there")
            except Fault as fault:
                yield fault.verdict(only, None)

    def _lines(self, commit: str, only: str | None) -> list[bytes]:
        """The lines of a note that nights which began there owe to it; of its own job's the job's verdict has told."""
        text = notes.read_note(self.objects, self.ground.notes, commit) if self.ground.notes else None
        lines = (text or b"").splitlines(keepends=True)
        owner = self.own.get(commit)
        prefix = own_prefix(*owner[:2]) if owner else None
        return [line for line in lines if not (prefix and line.startswith(prefix)) and self._counts(line, only)]

    def _counts(self, line: bytes, only: str | None) -> bool:
        night = line.partition(b" ")[0].decode("utf-8", "replace")
        return night not in self.unsure and only in (None, night)

    def leftovers(self) -> Iterator[JobVerdict]:
        """Nights that a later one followed and that are gone; things in our names that no night has signed."""
        if not self.chains:
            yield from self._no_night()
            return
        for night, previous, head in self.followed:
            if head not in self.chains.get(previous, ()):
                problem = f"night {night} followed its commit {head[:12]}, which is gone"
                yield JobVerdict("tampered", previous, None, RUNS + previous, head, problem)
        for ref, oid in sorted(self.refs.items()):
            if problem := self._stray(ref):
                kind: Kind = "incomplete" if problem == _UNKNOWN else "tampered"
                yield JobVerdict(kind, None, None, ref, oid, problem)
        if self.ground.notes is None:
            return
        try:
            with at(notes.REF, self.ground.notes):
                yield from self._notes(self.ground.notes)
        except Fault as fault:
            yield fault.verdict(None, None)

    def _no_night(self) -> Iterator[JobVerdict]:
        """A plain clone has branches of PRs and nothing that vouches for them: nobody need have tampered."""
        ours = [ref for ref in self.refs if ref.startswith((PRS, "refs/pantheon/", notes.REF)) and self._stray(ref)]
        if ours or self.ground.notes:
            where, problem = RUNS, "no night is here: not fetched (pantheon-git sync REMOTE), or taken away"
            yield JobVerdict("incomplete", None, None, where, None, problem)

    def _stray(self, ref: str) -> str:
        """Why a ref in our names is nobody's; empty where it is somebody's, or in another name."""
        for prefix, known in ((PRS, self.jobs), (FAILED, self.jobs), (META, self.jobs), (ARTIFACTS, self.chains)):
            if ref.startswith(prefix):
                return "" if ref.removeprefix(prefix) in known else "no night has signed it"
        ours = ref.startswith("refs/pantheon/") and not ref.startswith((RUNS, KEYS, FROZEN))
        return _UNKNOWN if ours else ""

    def _notes(self, tree: str) -> Iterator[JobVerdict]:
        """Notes that no night has signed. A commit may have one in one place: git shows all that it finds."""
        seen = set()
        for path, entry in self.objects.walk(tree):
            commit = path.replace(b"/", b"").decode("utf-8", "backslashreplace")
            problem = ""
            if len(commit) != 40 or not set(commit) <= _HEX:
                commit, problem = path.decode("utf-8", "backslashreplace"), "not a note"
            elif commit in seen:
                problem = "a second note on the same commit"
            elif self._unsigned(commit, entry.oid):
                problem = "no night signed this note, or not all of it"
            if problem:
                yield JobVerdict("tampered", None, None, f"{notes.REF}:{commit}", entry.oid, problem)
            seen.add(commit)

    def _unsigned(self, commit: str, blob: str) -> bool:
        if commit in self.lines:
            return False  # `base_notes` has told
        owner = self.own.get(commit)
        if owner and owner[2]:
            return owner[2] != blob and bool(self._lines(commit, None))
        return owner is None and commit not in self.bases
