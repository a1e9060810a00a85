"""Verification of one night as a stream: its chain of signed commits from the opening to the close, job by job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger.commit import check_commit, trailers
from pantheon_git.ledger.layout import ARTIFACTS, CLOSE, JOB_FILE, OPEN, RUNS, JobFolder, find_signed, job_folders
from pantheon_git.ledger.lines import Signed, absent_line, job_line
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import CLOSED, JOB, OPENED, canonical, jobs_of, sha256
from pantheon_git.ledger.trust import NIGHT
from pantheon_git.ledger.verdict import Fault, JobVerdict, at, require
from pantheon_git.ledger.verify_job import Ground, NightGround, open_signed, verify_job
from pantheon_git.repo.objects import FOLDER, Commit, hash_object


@dataclass
class NightCheck:
    """Verifies one night; after iterating, the fields say what it found."""

    ground: Ground
    night: str
    tip: str
    chain: list[str] = field(default_factory=list)
    """Oids from the opening to the tip."""
    opened: Signed | None = None
    closed: Signed | None = None
    commits: dict[str, str] = field(default_factory=dict)
    """Job → oid of its commit, of the jobs that are good."""
    endings: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Base commit → the lines that this night owes to its note."""
    jobs: set[str] = field(default_factory=set)
    own: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Commit of a good job → the job, and the oid of its note if nothing else stands there."""
    noted: set[str] = field(default_factory=set)
    """Commits that this night may have put a note on."""

    def __iter__(self) -> Iterator[JobVerdict]:
        """One verdict for each job, then one for the night."""
        try:
            commits = self._read_chain()
            contexts = self._opening(commits[0])
        except Fault as fault:
            yield fault.verdict(self.night, None)
            return
        night = NightGround(self.night, contexts, self._artifacts())
        for number, commit in enumerate(commits[1:], 1):
            for folder in job_folders(self.ground.objects, commit.tree, commits[number - 1].tree):
                yield self._job(night, folder)
        yield from self._whole(commits, contexts)

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
        entries = {entry.name: entry for entry in self.ground.objects.tree(commit.tree)}
        with at(f"{RUNS}{self.night}:open.json", entries[OPEN].oid if OPEN in entries else None):
            require(entries.keys() == {OPEN}, "the chain does not begin with the opening of the night")
            self.opened = open_signed(self.ground, self.ground.objects.blob(entries[OPEN].oid), OPENED, "opened")
            said = self.opened.predicate
            require(said["night"] == self.night, "the opening of another night, replayed here")
            require(said["subject"]["jobs"] == {"sha256": sha256(canonical(said["jobs"]))}, "not the jobs it names")
            contexts = {context.job: context for context in jobs_of(said)}
            self.noted |= {context.base for context in contexts.values()}
            return contexts

    def _artifacts(self) -> str | None:
        """The tree of artifacts; None where it cannot be had (`_artifact_commit` says why)."""
        tip = self.ground.refs.get(ARTIFACTS + self.night)
        try:
            return self.ground.objects.commit(tip).tree if tip else None
        except PantheonError:
            return None

    def _job(self, night: NightGround, folder: JobFolder) -> JobVerdict:
        if folder.job in self.jobs:
            place = f"{RUNS}{self.night}:{folder.job}"
            return JobVerdict("tampered", self.night, folder.job, place, folder.tree, "its entry was written twice")
        self.jobs.add(folder.job)
        try:
            verified = verify_job(self.ground, night, folder)
        except Fault as fault:
            self._remember(folder)
            return fault.verdict(self.night, folder.job)
        said = verified.job.predicate
        self._owe(verified.job)
        if said["commit"]:
            self.commits[folder.job] = said["commit"]
            self.own[said["commit"]] = (folder.job, hash_object("blob", verified.note))
        return JobVerdict("good", self.night, folder.job, oid=said["commit"])

    def _remember(self, folder: JobFolder) -> None:
        """What a job with a fault says of itself, so that one fault is not reported wherever the job is named."""
        try:
            job = find_signed(self.ground.objects, folder.tree, JOB_FILE, JOB)
        except PantheonError:
            return
        if job is not None:
            self._owe(job)

    def _owe(self, job: Signed) -> None:
        said = job.predicate
        self.endings[said["job"]] = said["ending"]
        self.lines.setdefault(said["base"], []).append(job_line(job))
        if said["commit"]:
            self.noted.add(said["commit"])

    def _whole(self, commits: list[Commit], contexts: dict[str, JobContext]) -> Iterator[JobVerdict]:
        """The first wrong thing of the close, of the chain and of the artifacts, or one good verdict."""
        checks: list[Callable[[], None]] = [
            lambda: self._closing(commits, contexts),
            lambda: self._links(commits),
            lambda: self._artifact_commit(commits),
        ]
        good = True
        for check in checks:
            try:
                check()
            except Fault as fault:
                good = False
                yield fault.verdict(self.night, None)
        if good:
            yield JobVerdict("good", self.night, oid=self.tip)

    def _links(self, commits: list[Commit]) -> None:
        for number, oid in enumerate(self.chain):
            self._link(commits, number, oid)

    def _link(self, commits: list[Commit], number: int, oid: str) -> None:
        with at(RUNS + self.night, oid):
            commit = check_commit(self.ground.objects, oid, self.ground.keys, NIGHT)
            if number == 0:
                return
            before = commits[number - 1].tree
            require(not self._lost(before, commit.tree), "an entry was taken out of the chain")
            new = {folder.job for folder in job_folders(self.ground.objects, commit.tree, before)}
            expected = {oid for job, oid in self.commits.items() if job in new}
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
        groups = [commit for commit in commits if "Pantheon-Artifacts" in trailers(commit.message)]
        if tip is None or not groups:
            return
        with at(ref, tip):
            check_commit(self.ground.objects, tip, self.ground.keys, NIGHT)
            require(
                trailers(groups[-1].message)["Pantheon-Artifacts"] == tip, "not the artifacts that the night signed"
            )

    def _closing(self, commits: list[Commit], contexts: dict[str, JobContext]) -> None:
        entry = self.ground.objects.find(commits[-1].tree, CLOSE)
        with at(f"{RUNS}{self.night}:close.json", entry.oid if entry else None):
            if entry is None:
                raise PantheonError("the night has no close: it runs, was cut off, or its end was taken away")
            self.closed = open_signed(self.ground, self.ground.objects.blob(entry.oid), CLOSED, "closed")
            said = self.closed.predicate
            require(said["night"] == self.night, "the close of another night, replayed here")
            require(len(commits) > 1 and said["head"] == self.chain[-2], "the chain does not end where it was closed")
            opening = sha256(self.opened.envelope.payload) if self.opened else None
            require(said["previous"] == opening, "the close of another opening")
            named = {job: ending for ending, jobs in said["endings"].items() for job in jobs}
            if lost := sorted(named.keys() - self.jobs):
                raise TamperedError(f"{lost[0]} ended as {named[lost[0]]}, but its entry is gone")
            wrong = sorted(job for job in self.endings if self.endings[job] != named.get(job))
            require(not wrong, f"{wrong[0] if wrong else ''} is not among the jobs that the night closed with")
            require(said["count"] == len(named), "a wrong count of jobs")
        for context in contexts.values():
            if context.job not in self.jobs:
                self.lines.setdefault(context.base, []).append(absent_line(context, self.closed))
