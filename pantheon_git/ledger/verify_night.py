"""Verification of one night as a stream: its chain of signed commits from the opening to the close, job by job."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger.anchor import is_ancestor
from pantheon_git.ledger.commit import check_commit, trailers
from pantheon_git.ledger.layout import ARTIFACTS, CLOSE, FAILED, META, OPEN, PRS, RUNS, JobFolder, job_folders
from pantheon_git.ledger.lines import Signed, absent_line, note
from pantheon_git.ledger.plants import plants_of
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import CLOSED, OPENED, canonical, jobs_of, sha256
from pantheon_git.ledger.trust import NIGHT, TrustedKeys
from pantheon_git.ledger.verdict import Fault, JobVerdict, at, require
from pantheon_git.ledger.verify_chunk import JOBS, Chunk, Told
from pantheon_git.ledger.verify_frozen import ran_frozen
from pantheon_git.ledger.verify_job import Ground, NightGround, open_signed, remote_branch
from pantheon_git.repo.objects import FOLDER, Commit, Entry

Work = Callable[[Iterable[Chunk]], Iterator[list[Told]]]
"""Verifies chunks, in order, here or in other processes."""


def digest(line: bytes) -> bytes:
    """Stands for a note's line, of which a night may owe ten thousand; with its newline."""
    return hashlib.sha256(line).digest()


@dataclass
class NightCheck:
    """Verifies one night; after iterating, the fields say what it found."""

    ground: Ground
    work: Work
    night: str
    tip: str
    chain: list[str] = field(default_factory=list)
    """Oids from the opening to the tip."""
    opened: Signed | None = None
    closed: Signed | None = None
    commits: dict[str, str] = field(default_factory=dict)
    """Job → oid of its commit, of the jobs that are good."""
    endings: dict[str, str] = field(default_factory=dict)
    lines: dict[str, dict[bytes, str]] = field(default_factory=dict)
    """Base commit → digest of each line that this night owes to its note, and the job that it tells of."""
    jobs: set[str] = field(default_factory=set)
    own: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Commit of a job that said so → the job, and, of a good one, the oid of its note if nothing else stands there."""
    spoiled: dict[str, JobVerdict] = field(default_factory=dict)
    """Job (empty: the night itself) → what of its entry was changed or taken out later in the chain."""
    began: set[tuple[str, str]] = field(default_factory=set)
    """Base commits and target branches of its jobs."""

    def __iter__(self) -> Iterator[JobVerdict]:
        """One verdict for each job, then one for the night."""
        try:
            commits = self._read_chain()
            contexts = self._opening(commits[0])
            folders = self._folders(commits)
        except Fault as fault:
            yield fault.verdict(self.night, None)
            return
        for told in self.work(self._chunks(commits, contexts, folders)):
            for one in told:
                if (verdict := self._take(one)) is not None:
                    yield verdict
        yield from self._whole(commits, contexts, folders)

    def _read_chain(self) -> list[Commit]:
        commits: list[Commit] = []
        oid: str | None = self.tip
        with at(RUNS + self.night, self.tip):
            while oid is not None:
                commits.append(self.ground.objects.commit(oid))
                self.chain.append(oid)
                oid = commits[-1].parents[0] if commits[-1].parents else None
        self.chain.reverse()
        return commits[::-1]

    def _opening(self, commit: Commit) -> dict[str, JobContext]:
        with at(f"{RUNS}{self.night}:open.json"):
            entries = {entry.name: entry for entry in self.ground.objects.tree(commit.tree)}
        with at(f"{RUNS}{self.night}:open.json", entries[OPEN].oid if OPEN in entries else None):
            require(entries.keys() == {OPEN}, "the chain does not begin with the opening of the night")
            ground = replace(self.ground, keys=self._keys(0))
            self.opened = open_signed(ground, self.ground.objects.blob(entries[OPEN].oid), OPENED, "opened")
            said = self.opened.predicate
            require(said["night"] == self.night, "the opening of another night, replayed here")
            require(said["subject"]["jobs"] == {"sha256": sha256(canonical(said["jobs"]))}, "not the jobs it names")
            contexts = {context.job: context for context in jobs_of(said)}
            self.began = {(context.base, context.target) for context in contexts.values()}
            return contexts

    def _folders(self, commits: list[Commit]) -> list[list[JobFolder]]:
        """What each commit added or changed; of a change, `spoiled` tells: readers see the tree of the last one."""
        found: list[list[JobFolder]] = [[]]
        for before, commit, oid in zip(commits, commits[1:], self.chain[1:], strict=False):
            with at(RUNS + self.night, oid):
                found.append(list(job_folders(self.ground.objects, commit.tree, before.tree)))
                if self._lost(before.tree, commit.tree):
                    self._spoiled(before.tree, commit.tree)
        return found

    def _spoiled(self, before: str, after: str) -> None:
        for path, old, new in self.ground.objects.changes(before, after):
            folder = b"/".join(path.split(b"/")[:2])
            if old or (folder != path and self.ground.objects.find(before, folder)):
                self._spoil(path.decode("utf-8", "backslashreplace"), old, new)

    def _spoil(self, path: str, old: Entry | None, new: Entry | None) -> None:
        job = path.split("/")[1] if path.count("/") > 1 else ""
        how = "was taken out" if new is None else "was changed" if old else "was added"
        problem = f"{how} after the night had signed the entry"
        place = f"{RUNS}{self.night}:{path}"
        verdict = JobVerdict("tampered", self.night, job or None, place, new.oid if new else None, problem)
        self.spoiled.setdefault(job, verdict)

    def _chunks(
        self, commits: list[Commit], contexts: dict[str, JobContext], folders: list[list[JobFolder]]
    ) -> Iterator[Chunk]:
        artifacts = self._artifacts()
        ended = self.ground.objects.find(commits[-1].tree, CLOSE) is not None
        unfinished = frozenset() if ended else frozenset(folder.job for folder in folders[-1])
        for keys, part in self._parts(folders):
            names = {folder.job for folder in part}
            known = {name: contexts[name] for name in names if name in contexts}
            night = NightGround(self.night, known, artifacts, unfinished & names)
            twins = {name: self.ground.twins[name] for name in names if name in self.ground.twins}
            yield Chunk(night, part, self._refs(names), twins, keys)

    def _parts(self, folders: list[list[JobFolder]]) -> Iterator[tuple[TrustedKeys, list[JobFolder]]]:
        """Jobs of several groups together; but not where a key was revoked, so that groups count or do not."""
        groups = [(self.ground.keys, list(itertools.chain.from_iterable(folders)))]
        if self.ground.keys.revoked:
            groups = [(self._keys(number), group) for number, group in enumerate(folders)]
        for keys, group in groups:
            yield from ((keys, group[start : start + JOBS]) for start in range(0, len(group), JOBS))

    def _keys(self, number: int) -> TrustedKeys:
        """Those that count for what stands in one commit of the chain."""
        after = self.chain[number:]
        return self.ground.keys.at(RUNS + self.night, lambda head: head in after)

    def _refs(self, names: Iterable[str]) -> dict[str, str]:
        """Those that concern these jobs."""
        refs = [ref for name in names for ref in (PRS + name, FAILED + name, META + name, remote_branch(name))]
        return {ref: self.ground.refs[ref] for ref in refs if ref in self.ground.refs}

    def _artifacts(self) -> str | None:
        """The tree of artifacts; None where it cannot be had (`_artifact_commit` says why)."""
        tip = self.ground.refs.get(ARTIFACTS + self.night)
        try:
            return self.ground.objects.commit(tip).tree if tip else None
        except PantheonError:
            return None

    def _take(self, told: Told) -> JobVerdict | None:
        """The verdict on a job; None where it came before."""
        again = told.job in self.jobs
        self.jobs.add(told.job)
        if told.base is not None and not again:
            self.endings[told.job] = told.ending
            self._owe(told.base, told.line, told.job)
        if told.commit and not again:
            self.own[told.commit] = (told.job, told.note)
            if told.verdict.ok:
                self.commits[told.job] = told.commit
        if again:
            place, problem = f"{RUNS}{self.night}:{told.job}", "its entry was written twice"
            twice = JobVerdict("tampered", self.night, told.job, place, None, problem)
            return None if told.job in self.spoiled else twice
        return self.spoiled.get(told.job, told.verdict)

    def _owe(self, base: str, line: str, job: str) -> None:
        self.lines.setdefault(base, {})[digest(note([line]))] = job

    def _whole(
        self, commits: list[Commit], contexts: dict[str, JobContext], folders: list[list[JobFolder]]
    ) -> Iterator[JobVerdict]:
        """The first wrong thing of the close, of the chain and of the artifacts, or one good verdict."""
        checks: list[Callable[[], None]] = [
            lambda: self._closing(commits, contexts),
            lambda: self._frozen(contexts),
            lambda: self._links(commits, folders),
            lambda: self._artifact_commit(commits),
        ]
        good = not self.spoiled
        yield from (verdict for job, verdict in self.spoiled.items() if job not in self.jobs)
        for check in checks:
            try:
                check()
            except Fault as fault:
                good = False
                yield fault.verdict(self.night, None)
        if good:
            yield JobVerdict("good", self.night, oid=self.tip)

    def _frozen(self, contexts: dict[str, JobContext]) -> None:
        if self.opened is not None:
            ran_frozen(self.ground.objects, self.ground.refs, self.night, self.opened.predicate, contexts)

    def _links(self, commits: list[Commit], folders: list[list[JobFolder]]) -> None:
        for number, oid in enumerate(self.chain):
            with at(RUNS + self.night, oid):
                commit = check_commit(self.ground.objects, oid, self._keys(number), NIGHT)
                if number == 0:
                    continue
                new = {folder.job for folder in folders[number]}
                expected = {self.commits[job] for job in new if job in self.commits}
                require(expected <= set(commit.parents[1:]), "a job's commit is not among its parents")

    def _lost(self, before: str, after: str) -> bool:
        """Whether anything that stood in the tree before is gone or changed after."""
        objects = self.ground.objects
        new = {entry.name: entry for entry in objects.tree(after)}
        for entry in objects.tree(before):
            now = new.get(entry.name)
            if now == entry:
                continue
            if now is None or entry.mode != FOLDER or now.mode != FOLDER:
                return True
            if not set(objects.tree(entry.oid)) <= set(objects.tree(now.oid)):
                return True
        return False

    def _artifact_commit(self, commits: list[Commit]) -> None:
        ref = ARTIFACTS + self.night
        tip = self.ground.refs.get(ref)
        if tip is None:
            return  # each job with an artifact has told
        named = [told["Pantheon-Artifacts"] for c in commits if "Pantheon-Artifacts" in (told := trailers(c.message))]
        with at(ref, tip):
            held = partial(is_ancestor, self.ground.objects.git, tip)
            check_commit(self.ground.objects, tip, self.ground.keys.at(ref, held), NIGHT)
            if self.closed is None and named[-2:-1] == [tip]:
                raise PantheonError("it is one group behind: the night runs, or was cut off", "pantheon-git run")
            require(named[-1:] == [tip], "not the artifacts that the night signed")

    def _closing(self, commits: list[Commit], contexts: dict[str, JobContext]) -> None:
        with at(f"{RUNS}{self.night}:close.json", self.tip):
            entry = self.ground.objects.find(commits[-1].tree, CLOSE)
        with at(f"{RUNS}{self.night}:close.json", entry.oid if entry else None):
            if entry is None:
                raise PantheonError("the night has no close: it runs, was cut off, or its end was taken away")
            ground = replace(self.ground, keys=self._keys(len(commits) - 1))
            closed = open_signed(ground, self.ground.objects.blob(entry.oid), CLOSED, "closed")
            said = closed.predicate
            require(said["night"] == self.night, "the close of another night, replayed here")
            list(plants_of(said["info"], self.night, ground.keys))  # raises at the first that is not what was signed
            named = {job: ending for ending, jobs in said["endings"].items() for job in jobs}
            if lost := sorted(named.keys() - self.jobs):
                raise TamperedError(f"{lost[0]} ended as {named[lost[0]]}, but its entry is gone")
            wrong = sorted(job for job in self.endings if self.endings[job] != named.get(job))
            require(not wrong, f"{wrong[0] if wrong else ''} is not among the jobs that the night closed with")
            require(said["count"] == len(named), "a wrong count of jobs")
            require(len(commits) > 1 and said["head"] == self.chain[-2], "the chain does not end where it was closed")
            opening = sha256(self.opened.envelope.payload) if self.opened else None
            require(said["previous"] == opening, "the close of another opening")
        for context in contexts.values():
            if context.job not in self.jobs:
                self._owe(context.base, absent_line(context, closed), context.job)
        self.closed = closed
