"""The `merge-gate` node: the gate's rules on what the job proposes, against the target as it stands now."""

from __future__ import annotations

import json

from pantheon_git.gate.facts import in_flight
from pantheon_git.gate.rules import evaluate
from pantheon_git.night.room import Answer, JobState
from pantheon_git.spec.steps import Step


async def merge_gate(job: JobState, step: Step) -> Answer:
    """The verdict with every finding; `details.gate` of its statement is what the ledger alone judges from again."""
    snapshot = job.workspace.snapshot
    if not snapshot.changed:
        return Answer("skip", "nothing changed, so there is nothing to merge")
    facts = in_flight(
        job.services.objects,
        job.services.keys,
        job.context,
        step.name,
        job.signed,
        snapshot.pr_tree,
        snapshot.objects,
        snapshot.refused,
        job.services.tally,
        job.services.planted,
    )
    verdict = evaluate(facts)
    record = verdict.record(facts)
    output = (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
    return Answer(
        "pass" if verdict.passed else "fail", verdict.reason, {"output.json": output}, {"gate": record}, retry=False
    )
