"""What the gate's rules look at, gathered from signed bytes and git objects: in flight and from the ledger alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeVar

from pantheon_git.agent.stock import stock_flows
from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.gate.acceptance import Rule, rule
from pantheon_git.gate.lines import is_binary
from pantheon_git.gate.tally import UNKNOWN, Tally, kind_of, reviewer_id
from pantheon_git.gate.tally import parse as parse_tally
from pantheon_git.ledger import dsse, statement
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import OPEN, RUNS, find_signed
from pantheon_git.ledger.plants import planted_trees
from pantheon_git.ledger.records import JobContext, SignedNode
from pantheon_git.ledger.redact import REDACTED
from pantheon_git.ledger.statement import OPENED
from pantheon_git.ledger.trust import NIGHT, TrustedKeys
from pantheon_git.repo.merge import MergeResult, merge_tree
from pantheon_git.repo.objects import GITLINK, Entry, Objects, Overlay, hash_object
from pantheon_git.repo.refs import read_refs
from pantheon_git.spec.base import Spec
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.load import load
from pantheon_git.spec.policy import Policy
from pantheon_git.spec.steps import Step, expand
from pantheon_git.spec.task import Task

S = TypeVar("S", bound=Spec)
GATE = "merge-gate"
POLICY = b".pantheon/policy.toml"
TALLY = "reviewers"
"""Key in the info of a night's opening: what was known of the reviewers."""


@dataclass(frozen=True)
class NodeFact:
    """One node as its signed statement has it; `fault`: why the statement does not count."""

    name: str
    uses: str = ""
    kind: str = ""
    verdict: str = ""
    reason: str = ""
    tree: str = ""
    """The tree that the job proposed when the node ended."""
    reviewer: str = ""
    """Of a review: who judged (`tally.reviewer_id`)."""
    kinds: Sequence[str] = ()
    """Of a review: the checklists that the change was held against."""
    fault: str = ""


@dataclass(frozen=True)
class PathFact:
    """One path that the job proposes to change."""

    path: str
    """Undecodable bytes as surrogates."""
    old: Entry | None
    new: Entry | None
    before: bytes = b""
    after: bytes = b""

    @property
    def binary(self) -> bool:
        return is_binary(self.before) or is_binary(self.after)


@dataclass(frozen=True)
class Facts:
    """Everything that the verdict on a job depends on."""

    context: JobContext
    gate: str
    """The gate's own step."""
    task: Task
    policy: Policy
    steps: Sequence[Step]
    """The flow's, in topological order."""
    nodes: Mapping[str, NodeFact]
    tree: str
    """The tree that the job proposes: its own without its task file."""
    paths: Sequence[PathFact]
    """Base against `tree`; the removal of the job's own task file is not among them."""
    refused: Sequence[str]
    """What the job left that cannot become a git object, each with its reason."""
    target: str | None
    """The target branch's commit; None where the branch is gone."""
    merge: MergeResult
    """`tree` merged into the target as it stands in that commit."""
    faults: Sequence[str] = field(default=())
    """Why the records do not even belong together."""
    tally: Tally = UNKNOWN
    """What was known of the reviewers when the night began."""
    planted: frozenset[str] = frozenset()
    """Trees of known-bad changes that nights have signed as such."""
    redacted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Path → kind → how many secrets were taken out of it before it was recorded; of a job that stopped only."""

    @property
    def task_path(self) -> str:
        return task_path(self.context)

    @property
    def reviews(self) -> list[NodeFact]:
        return [node for node in self.nodes.values() if node.kind == "review" and not node.fault]

    @cached_property
    def rule(self) -> Rule:
        """Which reviewers must pass, as `acceptance.rule` computes it."""
        kind = kind_of(name for node in self.reviews for name in node.kinds)
        names = {node.reviewer for node in self.reviews}
        return rule(self.tally, names, kind, self.policy.gate.escaped_defects, self.policy.gate.reviewers)

    @property
    def diff_limit(self) -> int:
        """Lines: the task's own limit under the policy's ceiling."""
        asked, top = self.task.limits.diff_lines, self.policy.ceilings.diff_lines
        return top if asked is None else min(asked, top)


def task_path(context: JobContext) -> str:
    return f".pantheon/queue/{context.task}.toml"


def in_flight(
    objects: Objects,
    keys: TrustedKeys,
    context: JobContext,
    gate: str,
    nodes: Sequence[SignedNode],
    tree: str,
    pending: Mapping[str, tuple[str, bytes]],
    refused: Sequence[str] = (),
    tally: Tally = UNKNOWN,
    planted: frozenset[str] = frozenset(),
) -> Facts:
    """Facts about a job that is still running. `gate`: name of the gate's step; `tree`: what the PR would propose, its
    new objects in `pending`; the target is the branch's tip now."""
    envelopes = {node.result.name: node.envelope for node in nodes if node.result.name != gate}
    target = objects.resolve(context.target)
    facts = _gather(Overlay(objects, pending), keys, context, gate, envelopes, tree, pending, refused, target)
    return replace(facts, tally=tally, planted=planted)


def from_ledger(
    objects: Objects,
    keys: TrustedKeys,
    entry: JobEntry,
    target: str | Literal["as recorded"] | None = "as recorded",
    heads: Mapping[str, str] | None = None,
) -> Facts:
    """The same facts from the ledger alone. `target`: the commit to judge against; by default the one that the gate
    named when it judged in the night. `heads`: the refs of nights, if they were read already. The entry's own signature
    is `ledger.verify`'s to check."""
    heads = read_refs(objects.git, RUNS) if heads is None else heads
    gate = next((node for node in entry.nodes if node.uses == GATE), None)
    envelopes = {node.name: node.signed.envelope.to_bytes() for node in entry.nodes if node is not gate}
    said: Mapping[str, Any] = gate.details.get("gate", {}) if gate else {}
    if target == "as recorded":
        target = said.get("target")
    refused = [str(line) for line in said.get("refused", ())]
    name = gate.name if gate else "gate"
    facts = _gather(objects, keys, entry.context, name, envelopes, entry.tree, {}, refused, target)
    redacted = {path: kinds for path, kinds in entry.summary.get(REDACTED, {}).items() if path != "job.json"}
    tally = tally_at(objects, heads.get(RUNS + entry.night))
    return replace(facts, redacted=redacted, tally=tally, planted=planted_trees(objects, heads))


@lru_cache(maxsize=16)
def tally_at(objects: Objects, head: str | None) -> Tally:
    """What a night, whose run ref stands at `head`, knew of the reviewers, as it signed in its opening."""
    opened = find_signed(objects, objects.commit(head).tree, OPEN, OPENED) if head else None
    return parse_tally(opened.predicate["info"].get(TALLY, {}) if opened else {})


def _gather(
    objects: Objects,
    keys: TrustedKeys,
    context: JobContext,
    gate: str,
    envelopes: Mapping[str, bytes],
    tree: str,
    pending: Mapping[str, tuple[str, bytes]],
    refused: Sequence[str],
    target: str | None,
) -> Facts:
    base = objects.commit(context.base).tree
    own = task_path(context).encode()
    task_entry = objects.find(base, own)
    faults = [] if task_entry and task_entry.oid == context.revision else ["the base commit has no such task revision"]
    steps, flow_fault = _steps(objects, base, context)
    task = _parse(Task, objects.blob(context.revision), own.decode())
    policy_entry = objects.find(base, POLICY)
    policy = _parse(Policy, objects.blob(policy_entry.oid), POLICY.decode()) if policy_entry else Policy()
    target_tree = objects.commit(target).tree if target else None
    merge = merge_tree(objects, base, target_tree, tree, pending) if target_tree else MergeResult(None)
    return Facts(
        context=context,
        gate=gate,
        task=task,
        policy=policy,
        steps=steps,
        nodes={name: _node(name, data, keys, context) for name, data in envelopes.items()},
        tree=tree,
        paths=tuple(_paths(objects, base, tree, own)),
        refused=tuple(refused),
        target=target,
        merge=merge,
        faults=tuple(faults + flow_fault),
    )


def _node(name: str, envelope: bytes, keys: TrustedKeys, context: JobContext) -> NodeFact:
    """The node's statement, if a trusted night key signed it and it is about this job; those very bytes are parsed."""
    try:
        said = statement.read(dsse.verify(envelope, keys), statement.NODE)
        keys.require(dsse.parse(envelope).key_id, NIGHT, float(said["started"]))
        if statement.context_of(said) != context or said["node"]["name"] != name:
            return NodeFact(name, fault="its statement is about another job or node")
    except TamperedError as error:
        return NodeFact(name, fault=error.message)
    except (PantheonError, KeyError, TypeError) as error:
        return NodeFact(name, fault=f"its statement cannot be read: {error}")
    node = said["node"]
    details = said["details"]
    fact = NodeFact(
        name, node["uses"], node["kind"], said["verdict"], said["reason"], tree=str(details.get("tree", ""))
    )
    if fact.kind != "review":
        return fact
    return replace(fact, reviewer=reviewer_id(fact.uses, details), kinds=tuple(map(str, details.get("kinds", ()))))


def _paths(objects: Objects, base: str, tree: str, own: bytes) -> Iterable[PathFact]:
    for path, old, new in objects.changes(base, tree):
        if path == own and new is None:
            continue
        name = path.decode("utf-8", "surrogateescape")
        yield PathFact(name, old, new, _content(objects, old), _content(objects, new))


def _content(objects: Objects, entry: Entry | None) -> bytes:
    return b"" if entry is None or entry.mode == GITLINK else objects.blob(entry.oid)


def _steps(objects: Objects, base: str, context: JobContext) -> tuple[tuple[Step, ...], list[str]]:
    """The steps of the flow that the base commit (or, where it has none of that name, the program) holds."""
    path = f".pantheon/flows/{context.flow}.toml"
    entry = objects.find(base, path.encode())
    stock = stock_flows() / f"{context.flow}.toml"
    if entry is not None:
        data = objects.blob(entry.oid)
    elif stock.is_file():
        data = stock.read_bytes()
    else:
        return (), [f"there is no flow {context.flow}"]
    if hash_object("blob", data) != context.flow_oid:
        return (), [f"the flow {context.flow} is not the one that the job ran ({context.flow_oid[:12]})"]
    return expand(_parse(Flow, data, path)), []


@lru_cache(maxsize=256)
def _parse(model: type[S], data: bytes, name: str) -> S:
    return load(model, data, name)
