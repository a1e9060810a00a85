"""The gate's verdicts once more, from the ledger and the commits that it names: a signature shows who judged, not that
the judgement was right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pantheon_git.gate.facts import GATE, from_ledger
from pantheon_git.gate.rules import evaluate
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import RUNS, job_path
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verdict import Fault, JobVerdict, at, require
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs


def judge_again(git: Git, objects: Objects, keys: TrustedKeys, only: str | None = None) -> Iterator[JobVerdict]:
    """A verdict on each job, of all nights or of `only`, whose gate recorded another verdict than comes out now. For a
    ledger that was verified; one merge a job, about 20 ms."""
    heads = read_refs(git, RUNS)
    for night in [only] if only else sorted(ref.removeprefix(RUNS) for ref in heads):
        for entry in read.jobs(git, objects, night):
            try:
                _judge(objects, keys, entry, heads)
            except Fault as fault:
                yield fault.verdict(night, None)  # the job has had its own verdict; the place names it


def _judge(objects: Objects, keys: TrustedKeys, entry: JobEntry, heads: Mapping[str, str]) -> None:
    gate = next((node for node in entry.nodes if node.uses == GATE), None)
    place = f"{RUNS}{entry.night}:{job_path(entry.job).decode()}"
    if gate is None:
        with at(f"{place}/job.json"):
            require(entry.ending != "pr", "a PR without a verdict of the gate")
        return
    with at(f"{place}/{gate.folder}/statement.json"):
        said = gate.details.get("gate")
        require(said is not None or gate.verdict != "pass", "the gate passed and recorded no verdict")
        require(entry.ending != "pr" or gate.verdict == "pass", "a PR that the gate did not pass")
        if said is None:
            return
        found = evaluate(from_ledger(objects, keys, entry, heads=heads))
        signed = "passed" if said["passed"] else "did not pass"
        require(
            bool(said["passed"]) == found.passed, f"it is signed that the gate {signed}; judged anew: {found.reason}"
        )
