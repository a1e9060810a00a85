"""What the runner hands to the ledger, and what the ledger gives back to readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "refused", "error", "skip"]
"""`fail`: an honest no. `refused`: not safe to do. `error`: the machinery broke. `skip`: its `if` was false."""
Ending = Literal["pr", "failed", "refused", "error", "unchanged"]


@dataclass(frozen=True)
class JobContext:
    """What is true of the whole job and goes into every statement."""

    night: str
    job: str
    """`ID.N`: task id and attempt."""
    task: str
    revision: str
    """Oid of the task file's blob."""
    attempt: int
    flow: str
    flow_oid: str
    base: str
    """Oid of the base commit."""
    target: str
    """Full name of the branch that the PR is for."""


@dataclass(frozen=True)
class NodeResult:
    """One finished node."""

    index: int
    """Position in the flow's topological order, from 1."""
    name: str
    uses: str
    kind: Literal["agent", "review", "check"]
    verdict: Verdict
    reason: str
    started: float
    """Seconds since the epoch."""
    seconds: float
    attempt: int = 1
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Artifact files: input.json, llm_prompt.txt, tool_calls.jsonl, output.json, stdout.log, stderr.log, diff.patch,
    review.json, metrics.json."""
    predicate: Mapping[str, Any] = field(default_factory=dict)
    """JSON: agent {name, version, digest}, model {name, digest, adapter}, prompt_sha256, limits, authorship, tokens"""


@dataclass(frozen=True)
class SignedNode:
    """A node, its artifact's objects and its envelope, signed as soon as the node ended."""

    result: NodeResult
    envelope: bytes
    """DSSE envelope (JSON) around the in-toto Statement."""
    statement_sha256: str
    artifact_tree: str
    """Oid of the tree that holds `result.files`."""


@dataclass(frozen=True)
class PlantResult:
    """A change whose worth is known, as the reviewers of a job were shown it. It is no job: it has no commit, no branch
    and no PR."""

    night: str
    job: str
    """The job whose good change it was made from."""
    base: str
    """Oid of the base commit."""
    bad: bool
    """False: it is what people had committed, shown as if it were new."""
    sort: str
    """What was done to it, in a word (`swapped-title`)."""
    kind: str
    """The kind of change (`gate.tally.kind_of`)."""
    says: str
    """What was done to it, in a line."""
    tree: str
    """Oid of the tree that it would make; its objects are written nowhere."""
    patch: bytes
    reviews: Sequence[Mapping[str, Any]]
    """JSON for each reviewer: node, uses, agent, model, verdict, failed (names of items), seconds, tokens."""
    started: float
    seconds: float


@dataclass(frozen=True)
class JobResult:
    """A whole job, ready to be written."""

    context: JobContext
    nodes: Sequence[SignedNode]
    ending: Ending
    reason: str
    stopped_at: str | None
    """The node that stopped it."""
    tree: str
    """Oid of the job's resulting tree (the base's own tree when nothing changed)."""
    objects: Mapping[str, tuple[str, bytes]]
    """New git objects of that tree: oid → (type, content)."""
    title: str
    """Subject of the job's commit."""
    body: str
    started: float
    seconds: float
    summary: Mapping[str, Any] = field(default_factory=dict)
    """Signed with the job, for the report: diffstat, authorship shares, tokens, cpu seconds, limits."""
