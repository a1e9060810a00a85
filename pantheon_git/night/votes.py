"""Whether a reviewer's no stops a job: only where its pass is asked for (`gate.acceptance`). The gate has the last word
and computes the same from what was signed."""

from __future__ import annotations

from pantheon_git.gate.acceptance import rule
from pantheon_git.gate.tally import kind_of, reviewer_id
from pantheon_git.ledger.records import NodeResult
from pantheon_git.night.nodes import kind_of as kind_of_node
from pantheon_git.night.room import JobState


def excused(job: JobState, result: NodeResult) -> bool:
    """Whether the node is a reviewer that said fail, and nothing hangs on it."""
    if result.kind != "review" or result.verdict != "fail":
        return False
    gate = job.services.plan.policy.gate
    kind = kind_of(map(str, result.predicate.get("kinds", ())))
    asked = rule(job.services.tally, _reviewers(job), kind, gate.escaped_defects, gate.reviewers)
    return reviewer_id(result.uses, result.predicate) not in asked.required


def _reviewers(job: JobState) -> set[str]:
    """All that judge in this flow, whether they have ended or not."""
    found = set()
    for step in job.steps:
        if kind_of_node(job, step) == "review":
            loaded = job.services.plan.agents[step.spec.uses]
            model = job.services.engine(loaded.agent.name).model
            details = {"agent": {"digest": loaded.digest},
                       "model": {"digest": model.digest, "adapter": model.adapter_digest}}  # fmt: skip
            found.add(reviewer_id(step.spec.uses, details))
    return found
