"""A gate's verdict once more, from the ledger: each rule with what it found, whose pass was asked for and why, and
whether all of it comes out as it was signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.gate.facts import GATE, TALLY, Facts, from_ledger
from pantheon_git.gate.gather import tally_of
from pantheon_git.gate.rules import RULES, content_lines, evaluate
from pantheon_git.gate.tally import parse
from pantheon_git.gate.votes import acceptance_of
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry, NodeEntry
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

_SHOWN = 3


@dataclass(frozen=True)
class RuleSaid:
    """One rule of the gate."""

    name: str
    says: str
    findings: tuple[str, ...]
    facts: str
    """What it looked at, in a line."""


@dataclass(frozen=True)
class Explained:
    job: str
    night: str
    target: str | None
    passed: bool
    """As it comes out now."""
    signed: bool | None
    """As it was signed; None where the gate did not judge."""
    rules: tuple[RuleSaid, ...]
    reviews: tuple[Mapping[str, Any], ...]
    acceptance: Mapping[str, Any]
    differs: tuple[str, ...]
    """What does not come out as it was signed."""

    def as_json(self) -> dict[str, Any]:
        rules = [{"name": one.name, "holds": not one.findings, "says": one.says, "findings": list(one.findings),
                  "facts": one.facts} for one in self.rules]  # fmt: skip
        return {"job": self.job, "night": self.night, "target": self.target, "passed": self.passed,
                "signed": self.signed, "rules": rules, "reviews": [dict(one) for one in self.reviews],
                "acceptance": dict(self.acceptance), "differs": list(self.differs)}  # fmt: skip


def explain(git: Git, objects: Objects, name: str) -> Explained:
    """The verdict on `ID` (its latest attempt) or `ID.N`. PantheonError where the job never came to its gate."""
    entry, keys = read.job(git, objects, name), trusted(git, objects).keys
    gate = next((node for node in entry.nodes if node.uses == GATE), None)
    said = gate.details.get("gate") if gate else None
    if gate is None or said is None:
        where = entry.stopped_at or "its last node"
        raise PantheonError(
            f"{entry.job} never came to a gate: it ended at {where} ({entry.ending}: {entry.reason})",
            f"pantheon-git trace {entry.job}",
        )
    facts = from_ledger(objects, keys, entry)
    verdict = evaluate(facts)
    looked_at = _facts(facts)
    rules = tuple(
        RuleSaid(rule.name, rule.says, tuple(map(str, rule.findings(facts))), looked_at.get(rule.name, ""))
        for rule in RULES
    )
    reviews = tuple(
        {"node": node.name, "reviewer": node.reviewer, "verdict": node.verdict, "reason": node.reason,
         "required": node.reviewer in facts.rule.required, "has_vote": node.reviewer not in facts.rule.voteless}
        for node in facts.reviews
    )  # fmt: skip
    differs = (*_verdict(gate, said, verdict.passed, facts), *_tally(git, objects, keys, entry))
    return Explained(entry.job, entry.night, facts.target, verdict.passed, bool(said["passed"]), rules, reviews,
                     acceptance_of(facts), differs)  # fmt: skip


def _facts(facts: Facts) -> dict[str, str]:
    """Rule → the facts that it is about."""
    said = ", ".join(f"{node.name} {node.verdict}" for node in facts.nodes.values())
    wanted = [criterion.check for criterion in facts.task.goal.acceptance if criterion.check is not None]
    lines = [content_lines(fact) for fact in facts.paths]
    paths = ", ".join(fact.path for fact in facts.paths[:_SHOWN])
    more = f" and {len(facts.paths) - _SHOWN} more" if len(facts.paths) > _SHOWN else ""
    return {
        "records": f"task {facts.context.task} at {facts.context.revision[:12]}, base {facts.context.base[:12]}",
        "order": " → ".join(step.name for step in facts.steps),
        "signed": f"{sum(not node.fault for node in facts.nodes.values())} of {len(facts.nodes)} statements count",
        "passed": said,
        "accepted": "; ".join(wanted) or "the task names no command",
        "reviewers": facts.rule.says,
        "reviewed-tree": facts.tree[:12],
        "planted": f"{len(facts.planted)} trees are known as planted faults",
        "changed": f"{len(facts.paths)} paths",
        "scope": f"{paths}{more} in {', '.join(facts.task.scope.paths)}",
        "size": f"+{sum(a for a, _ in lines)} -{sum(r for _, r in lines)}, at most {facts.diff_limit}",
        "special": f"{len(facts.refused)} left out",
        "merges": f"onto {(facts.target or 'nothing')[:12]}: {(facts.merge.tree or 'conflict')[:12]}",
    }


def _verdict(gate: NodeEntry, said: Mapping[str, Any], passed: bool, facts: Facts) -> list[str]:
    found = []
    signed = "passed" if said["passed"] else "did not pass"
    if bool(said["passed"]) != passed:
        found.append(f"it is signed that the gate {signed}; judged anew it {'passes' if passed else 'does not'}")
    if (gate.verdict == "pass") != bool(said["passed"]):
        found.append(f"the node says {gate.verdict}, and its record that the gate {signed}")
    if "acceptance" in said and said["acceptance"] != acceptance_of(facts):
        found.append("the rule for acceptance, or the rates behind it, come out otherwise than they were signed")
    return found


def _tally(git: Git, objects: Objects, keys: TrustedKeys, entry: JobEntry) -> list[str]:
    """Whether what the night says it knew of the reviewers is what the nights and verdicts that it names come to."""
    nights = {info.night: info for info in read.nights(git, objects)}
    record = nights[entry.night].info.get(TALLY)
    if record is None:
        return []
    known = parse(record)
    if lost := [name for name, head in known.nights.items() if name not in nights or nights[name].head != head]:
        return [f"what was known of the reviewers came from night {lost[0]}, which is not as it was, or not here"]
    found = tally_of(git, objects, keys, [nights[name] for name in known.nights], known)
    if found.record() != known.record():
        return ["what the night says that it knew of the reviewers is not what the nights and verdicts it names say"]
    return []
