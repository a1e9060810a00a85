"""Verification of frozen queues, and of nights that ran one: what was not frozen did not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pantheon_git.ledger import frozen
from pantheon_git.ledger.layout import FROZEN, RUNS
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import Json
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verdict import Fault, JobVerdict, at, require
from pantheon_git.repo.objects import Objects


def check_frozen(objects: Objects, keys: TrustedKeys, refs: Mapping[str, str]) -> Iterator[JobVerdict]:
    """A verdict for each frozen queue that is not what a person signed, and for each that a later one knew and that is
    gone."""
    followed: list[tuple[str, str, str]] = []
    for ref, oid in sorted(refs.items()):
        if ref.startswith(FROZEN):
            try:
                found = frozen.load(objects, ref, oid, keys)
                with at(f"{ref}:frozen.json", found.first):
                    before = found.previous
                    followed += [(found.name, FROZEN + before["frozen"], before["head"])] if before else []
            except Fault as fault:
                yield fault.verdict(None, None)
    for name, ref, head in followed:
        if ref not in refs or not _holds(objects, refs[ref], head):
            problem = f"the queue {name} was frozen after its commit {head[:12]}, which is gone"
            yield JobVerdict("tampered", None, None, ref, head, problem)


def _holds(objects: Objects, tip: str, head: str) -> bool:
    try:
        with at(tip):
            return head in (tip, *objects.commit(tip).parents)
    except Fault:
        return True  # the ref's own verdict tells


def ran_frozen(
    objects: Objects, refs: Mapping[str, str], night: str, opened: Json, contexts: Mapping[str, JobContext]
) -> None:
    """A Fault where a night that named a frozen queue set out to do what was not in it. `opened`: its opening. Whether
    the queue is what a person signed is its own verdict."""
    place = f"{RUNS}{night}:open.json"
    with at(place):
        said = opened["info"].get("frozen")
        if not said:
            return
        ref = FROZEN + said["frozen"]
    with at(ref, said["head"]):
        require(ref in refs, f"night {night} ran this frozen queue, and it is gone")
        found = frozen.load(objects, ref, refs[ref])
        named = (found.first, found.sha256) == (said["head"], said["sha256"])
        require(named, f"not the frozen queue that night {night} ran")
    allowed = {job.job: job for job in found.queue.jobs}
    with at(place):
        require({context.target for context in contexts.values()} <= {found.queue.target}, "frozen for another branch")
        for name, context in contexts.items():
            job = allowed.get(name)
            fits = job is not None and job.allows(context.revision, context.flow, context.flow_oid)
            require(fits, f"{name} ran, and the queue {found.name} that was frozen does not hold it so")
