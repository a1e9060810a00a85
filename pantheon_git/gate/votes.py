"""The gate's rules on reviewers: whose pass is asked for, and that nothing planted to measure them goes through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pantheon_git.gate.facts import Facts
from pantheon_git.gate.rates import rates
from pantheon_git.gate.tally import People


def missing_votes(facts: Facts) -> Iterator[str]:
    """Why too few reviewers, or not the right ones, said pass (`acceptance.rule`)."""
    rule, needed = facts.rule, facts.policy.gate.reviewers
    agreeing = {node.uses for node in facts.reviews if node.verdict == "pass" and node.reviewer not in rule.voteless}
    if len(agreeing) < needed:
        mute = f"; {len(rule.voteless)} are no better than chance and have no vote" if rule.voteless else ""
        yield f"{len(agreeing)} of {needed} different reviewers pass{mute}"
    for node in facts.reviews:
        if node.verdict != "pass" and node.reviewer in rule.required:
            yield f"{node.name} ({node.uses}) says {node.verdict}"


def planted_fault(facts: Facts) -> Iterator[str]:
    """Whatever its statements say: what a night has signed as bad is never proposed."""
    if facts.tree in facts.planted:
        yield f"the tree {facts.tree[:12]} is a planted fault, made to measure reviewers and never to be merged"


def acceptance_of(facts: Facts) -> dict[str, Any]:
    """JSON: which reviewers had to pass, and the rates from which that follows."""
    rule = facts.rule
    seen, people = facts.tally.of(rule.kind), facts.tally.people.get(rule.kind, People())
    return {
        "kind": rule.kind,
        "required": list(rule.required),
        "voteless": list(rule.voteless),
        "at_least": facts.policy.gate.reviewers,
        "cold": rule.cold,
        "escaped": rule.escaped if rule.escaped is None else round(rule.escaped, 6),
        "budget": rule.budget,
        "says": rule.says,
        "rates": {name: rates(seen, [name]).record() for name in sorted({node.reviewer for node in facts.reviews})},
        "people": {"merged": people.merged, "rejected": people.rejected},
    }
