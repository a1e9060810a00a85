"""Whether the records are what was signed: for the report, and for `verify`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import whereabouts
from pantheon_git.ledger.anchor import marks_file, write_marks
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.trust import NIGHT, PERSON, TrustedKeys
from pantheon_git.ledger.verify import JobVerdict, Progress, Summary, summarise, verify
from pantheon_git.morning.collect import find_night
from pantheon_git.morning.judged import judge_again
from pantheon_git.morning.metrics import Report
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs


@dataclass(frozen=True)
class Verification:
    summary: Summary
    wrong: list[JobVerdict]
    """Everything that is wrong, in the order in which it was found."""


def verify_ledger(
    git: Git,
    night: str | None = None,
    anchor: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[JobVerdict], None] = lambda verdict: None,
    gate: bool = False,
) -> Verification:
    """Verify the ledger, or one night by name or its beginning. A whole ledger that is good is remembered outside the
    repository, so that a later run finds a rollback. `tell` gets each verdict as it falls; `gate`: judge
    every job anew as well.

    PantheonError where nobody is trusted or there is no such night.
    """
    objects = Objects(git)
    ring = trusted(git, objects)
    name = find_night(git, objects, night).night if night else None
    refs, marks = read_refs(git), marks_file(git)
    summary, wrong = Summary(), []
    found = verify(
        git,
        ring.keys,
        night=name,
        progress=progress,
        at=anchor,
        high_water=marks,
        objects=objects,
        key_faults=ring.faults,
    )

    def all_verdicts() -> Iterator[JobVerdict]:
        yield from found
        if gate and summary.first is None:  # what is not what was signed is not judged
            yield from judge_again(git, objects, ring.keys, name)

    commits: dict[str, JobVerdict] = {}
    for verdict in itertools.chain(all_verdicts(), _rewritten(git, objects, commits)):
        summary.add(verdict)
        tell(verdict)
        if not verdict.ok:
            wrong.append(verdict)
        elif verdict.kind == "good" and verdict.job and verdict.oid:
            commits[verdict.job] = verdict
    if summary.first is None and name is None:
        write_marks(marks, refs)
    return Verification(summary, wrong)


def _rewritten(git: Git, objects: Objects, good: Mapping[str, JobVerdict]) -> Iterator[JobVerdict]:
    """Notes do not follow a squash, cherry-pick, amend or rebase: of each good job, as what its commit lives on."""
    commits = {job: verdict.oid for job, verdict in good.items() if verdict.oid}
    for job, seen in sorted(whereabouts.rewritten(git, objects, commits).items()):
        yield JobVerdict("rewritten", good[job].night, job, f"commit {seen.commit}", seen.commit, str(seen))


def verified(git: Git, objects: Objects, report: Report) -> Report:
    """The report with the verdict on its night. Where nothing can be verified (no trusted key here) it says so."""
    try:
        keys = trusted(git, objects).keys
    except PantheonError as error:
        return replace(report, verified=f"not verified: {error.message}")
    found = verify(git, keys, night=report.night, high_water=marks_file(git), objects=objects)
    summary = summarise(found)
    if summary.first is None:
        return replace(report, good=True, verified=f"verified, {summary.jobs} jobs", one_key=_one_key(keys))
    if summary.first.kind == "tampered":
        return replace(report, good=False, verified=str(summary.first))
    return replace(report, verified=f"not verified: {summary.first}", one_key=_one_key(keys))


def _one_key(keys: TrustedKeys) -> bool:
    """Whether every key that may sign nights may sign reviews too: nobody but the signer has looked, then."""
    nights, persons = (
        {entry.key.key_id for entry in keys.entries if role in entry.principals} for role in (NIGHT, PERSON)
    )
    return bool(nights) and nights <= persons
