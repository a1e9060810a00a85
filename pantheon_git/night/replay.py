"""A recorded job again, by day: same base, same flow, same kind of jail; the model's answers are the recorded ones.

Nothing is written to the ledger, no ref moves: nodes are signed with a key that is made for the replay and forgotten,
since the gate looks at signatures. What comes out is compared with what was recorded, node by node.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pantheon_git.agent.record import answers_of
from pantheon_git.errors import PantheonError
from pantheon_git.gate.facts import tally_at
from pantheon_git.jail.collect import collect
from pantheon_git.jail.open import open_jail
from pantheon_git.jail.protocol import Level
from pantheon_git.jail.trees import CheckoutStore
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry, NodeEntry
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import RUNS
from pantheon_git.ledger.ledger import Ledger
from pantheon_git.ledger.records import JobContext, JobResult, NodeResult
from pantheon_git.ledger.redact import REDACTED
from pantheon_git.ledger.trust import NIGHT, TrustedKey, TrustedKeys
from pantheon_git.night.checks import CHECKS
from pantheon_git.night.conventions import conventions_for
from pantheon_git.night.job import run_job
from pantheon_git.night.order import Planned
from pantheon_git.night.outcome import GATE
from pantheon_git.night.plan import Plan, make_plan
from pantheon_git.night.prepare import Engines, agents_of, shares
from pantheon_git.night.room import Services
from pantheon_git.night.router import ROUTER
from pantheon_git.night.routing import route_tasks
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_ref
from pantheon_git.spec.agent import Agent

NOT_COMPARED = ("metrics.json", "llm_prompt.txt")
"""Counts and times of the machine, and prompts in the model's own template: the replay engine has no tokenizer."""
PASSING = frozenset({"seconds", "finish", "tokens_in", "tokens_out", "prompt_chars"})
"""Keys in an artifact's JSON that tell of the machine: times, sizes in the model's own tokens and template, and whether
it stopped by itself or was cut off (a recorded answer holds its text only)."""


@dataclass(frozen=True)
class NodeComparison:
    name: str
    recorded: str
    """Verdict in the ledger."""
    replayed: str
    """Verdict now; empty when the node did not come up."""
    reason: str
    """Why, as it came out now."""
    differs: tuple[str, ...]
    """Files of the artifact that came out otherwise (times aside), and `tree` where the job's tree did."""
    redacted: tuple[str, ...] = ()
    """Files from which secrets were taken before they were recorded: of these it cannot be said that they are the same.
    """

    @property
    def same(self) -> bool:
        return self.recorded == self.replayed and not self.differs


@dataclass(frozen=True)
class Replay:
    job: str
    night: str
    ending: str
    """How the job ended now."""
    nodes: tuple[NodeComparison, ...]

    @property
    def same(self) -> bool:
        return all(node.same for node in self.nodes)


async def replay(git: Git, which: str, level: Level | str = "auto") -> Replay:
    """Replay `ID`, `ID.N` or either with `:NODE`. PantheonError when ledger, commit or job has no such thing."""
    name, _, only = which.partition(":")
    objects = Objects(git)
    entry = read.job(git, objects, name)
    nodes = [node for node in entry.nodes if not only or node.name == only]
    if not nodes and only:
        raise PantheonError(f"{entry.job} has no node {only!r}", f"pantheon-git trace {entry.job}")
    plan = make_plan(git, objects, entry.context.base, thaw=True)
    planned = plan.task(entry.task)
    if planned is None or planned.revision != entry.context.revision:
        base = entry.context.base[:12]
        raise PantheonError(f"the commit {base} does not hold the task {entry.task} as it was run", "pantheon-git log")
    recorded = {node.name: read.artifact(objects, node) for node in entry.nodes}
    answers = {key: text for files in recorded.values() for key, text in answers_of(files).items()}
    planned = await _routed(git, objects, plan, planned, entry, answers)
    if planned.flow.oid != entry.context.flow_oid:
        raise PantheonError(
            f"the flow {planned.flow.name} is not the one that {entry.job} ran: pantheon-git changed it"
        )
    result = await _run(git, objects, plan, planned, _context(entry), answers, level)
    now = {node.result.name: node.result for node in result.nodes}
    compared = tuple(_compare(node, recorded[node.name], now.get(node.name)) for node in nodes)
    return Replay(entry.job, entry.night, result.ending, compared)


async def _routed(
    git: Git, objects: Objects, plan: Plan, planned: Planned, entry: JobEntry, answers: Mapping[str, str]
) -> Planned:
    """The router's choice again, from its recorded scores; a job of before there was a choice keeps its flow."""
    chose = any(node.name == ROUTER for node in entry.nodes)
    if not chose and entry.context.flow in plan.flows:
        return replace(planned, flow=plan.flows[entry.context.flow], candidates=())
    engines = Engines()
    if planned.candidates:
        await _open(git, objects, engines, entry.night, plan.agents[ROUTER].agent, answers)
    decided, unsure = await route_tasks([planned], plan.agents, engines.engine)
    if not decided:
        raise PantheonError(f"the router chooses otherwise now: {unsure[0].why}", f"pantheon-git trace {entry.job}")
    return decided[0]


async def _open(
    git: Git, objects: Objects, engines: Engines, night: str, agent: Agent, answers: Mapping[str, str]
) -> None:
    was = _served(git, objects, night, agent.name)
    control = was.get("engine") == "control"
    kind, digest = ("control", "") if control else ("replay", str(was.get("digest", "")))
    await engines.add(agent, kind, None, answers, digest)


async def _run(
    git: Git,
    objects: Objects,
    plan: Plan,
    planned: Planned,
    context: JobContext,
    answers: Mapping[str, str],
    level: Level | str,
) -> JobResult:
    state = paths.state_dir(git) / "replay"  # not where a night sweeps
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Key(Ed25519PrivateKey.generate())
    engines = Engines()
    for agent in agents_of(plan, [planned]):
        await _open(git, objects, engines, context.night, agent, answers)
    services = Services(
        night=f"{context.night}-{os.getpid()}",
        plan=plan,
        git=git,
        objects=objects,
        signer=Ledger(git, objects, key),
        keys=TrustedKeys((TrustedKey(key.public, (NIGHT,)),)),
        engine=engines.engine,
        checkout=CheckoutStore(state).get(objects, plan.base),
        state=state,
        level=level,
        open_jail=open_jail,
        collect=collect,
        checks=CHECKS,
        conventions=conventions_for(objects, plan, [planned]),
        shares=shares(plan, git.work_tree),
        tally=tally_at(objects, read_ref(git, RUNS + context.night)),
    )
    return await run_job(services, planned, context)


def _served(git: Git, objects: Objects, night: str, agent: str) -> Mapping[str, Any]:
    """Engine and model that served the agent in the night. A control night asked for no scores, and its answers can be
    computed again: its replay is one too."""
    info = next(found.info for found in read.nights(git, objects) if found.night == night)
    found: Mapping[str, Any] = info.get("agents", {}).get(agent, {})
    return found


def _context(entry: JobEntry) -> JobContext:
    """The job's own, with the target as the gate found it: a branch that has moved since must not matter."""
    gate = next((node for node in entry.nodes if node.uses == GATE), None)
    target = gate.details.get("gate", {}).get("target") if gate else None
    return replace(entry.context, target=target or entry.context.base)


def _compare(node: NodeEntry, recorded: Mapping[str, bytes], now: NodeResult | None) -> NodeComparison:
    redacted = tuple(sorted(node.details.get(REDACTED, {})))
    if now is None:
        return NodeComparison(node.name, node.verdict, "", "", (), redacted)
    names = [name for name in sorted(recorded.keys() | now.files.keys()) if not name.endswith(NOT_COMPARED)]
    differs = [name for name in names if _plain(name, recorded.get(name)) != _plain(name, now.files.get(name))]
    if node.details.get("tree") != now.predicate.get("tree"):
        differs.append("tree")
    return NodeComparison(node.name, node.verdict, now.verdict, now.reason, tuple(differs), redacted)


def _plain(name: str, data: bytes | None) -> object:
    """A file's content for comparison: JSON without its times, all else byte for byte."""
    if data is None or not name.endswith((".json", ".jsonl")):
        return data
    lines = [data] if name.endswith(".json") else data.splitlines()
    return [_timeless(json.loads(line)) for line in lines]


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in PASSING}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
