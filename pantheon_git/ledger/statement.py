"""What is signed: in-toto Statements v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md).

Five kinds: a node (subject: its artifact files and their tree), a job (its commit, tree and node statements), an open
night (the jobs it set out to do), a closed night (how each ended); each names the sha256 of the one before it. And a
plant, which stands in the closing alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.records import JobContext, JobResult, NodeResult, PlantResult, SignedNode

STATEMENT = "https://in-toto.io/Statement/v1"
NODE = "urn:pantheon-git:node:v1"
JOB = "urn:pantheon-git:job:v1"
OPENED = "urn:pantheon-git:night-opened:v1"
CLOSED = "urn:pantheon-git:night-closed:v1"
PLANT = "urn:pantheon-git:plant:v1"
"""A known-bad (or known-good) change that reviewers were shown: of a type of its own, so that nothing that reads nodes
or jobs can take it for one."""

Json = dict[str, Any]
_CONTEXT = tuple(field.name for field in fields(JobContext))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON in one way only: keys sorted, no spaces, UTF-8; bytes of a path that are no UTF-8 as `\\udcXX`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
    return text.encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def node_folder(index: int, name: str) -> str:
    """`NN-node`: the node's folder below its job's, in both families of refs."""
    return f"{index:02}-{name}"


def bucket(job: str) -> str:
    """The first two hex digits of the sha256 of the job's id: spreads a night's jobs over 256 folders."""
    return sha256(job.encode())[:2]


def node_statement(context: JobContext, result: NodeResult, artifact_tree: str, previous: str | None) -> bytes:
    """The payload for one node. `previous`: sha256 of the payload of the node signed before it in this job."""
    subject = [_subject(name, sha256=sha256(data)) for name, data in sorted(result.files.items())]
    predicate = {
        **asdict(context),
        "node": {"index": result.index, "name": result.name, "uses": result.uses, "kind": result.kind},
        "tries": result.attempt,
        "verdict": result.verdict,
        "reason": result.reason,
        "started": round(result.started, 3),
        "seconds": round(result.seconds, 3),
        "details": result.predicate,
        "previous": previous,
    }
    return _statement(NODE, [*subject, _subject("artifact", gitTree=artifact_tree)], predicate)


def job_statement(result: JobResult, commit: str | None) -> bytes:
    """The payload for one job. `commit`: oid of the commit that carries its tree; None where nothing was to be done."""
    nodes = [_node_entry(node) for node in result.nodes]
    subject = [_subject(f"{node['folder']}/statement.json", sha256=node["envelope"]) for node in nodes]
    subject.append(_subject("tree", gitTree=result.tree))
    if commit is not None:
        subject.append(_subject("commit", gitCommit=commit))
    predicate = {
        **asdict(result.context),
        "ending": result.ending,
        "reason": result.reason,
        "stopped_at": result.stopped_at,
        "title": result.title,
        "started": round(result.started, 3),
        "seconds": round(result.seconds, 3),
        "summary": result.summary,
        "tree": result.tree,
        "commit": commit,
        "nodes": nodes,
        "previous": result.nodes[-1].statement_sha256 if result.nodes else None,
    }
    return _statement(JOB, subject, predicate)


def _node_entry(node: SignedNode) -> Json:
    folder = node_folder(node.result.index, node.result.name)
    return {"folder": folder, "statement": node.statement_sha256, "envelope": sha256(node.envelope)}


def plant_statement(result: PlantResult) -> bytes:
    """The payload for one plant. Its subject is the patch that the reviewers saw, and the tree that it would make."""
    predicate = {
        "night": result.night,
        "job": result.job,
        "base": result.base,
        "bad": result.bad,
        "sort": result.sort,
        "kind": result.kind,
        "says": result.says,
        "tree": result.tree,
        "started": round(result.started, 3),
        "seconds": round(result.seconds, 3),
        "reviews": list(result.reviews),
    }
    subject = [_subject("patch", sha256=sha256(result.patch)), _subject("tree", gitTree=result.tree)]
    return _statement(PLANT, subject, predicate)


def opened_statement(
    night: str, jobs: Sequence[JobContext], info: Mapping[str, Any], when: float, previous: Mapping[str, str] | None
) -> bytes:
    """The payload that opens a night. `previous`: name, head and sha256 of the last statement of the night before."""
    rows = [list(asdict(context).values())[1:] for context in jobs]
    subject = [_subject("jobs", sha256=sha256(canonical(rows)))]
    predicate = {
        "night": night,
        "opened": round(when, 3),
        "columns": list(_CONTEXT[1:]),
        "jobs": rows,
        "info": info,
        "previous": previous,
    }
    return _statement(OPENED, subject, predicate)


def closed_statement(
    night: str,
    status: str,
    endings: Mapping[str, Iterable[str]],
    info: Mapping[str, Any],
    when: float,
    *,
    head: str,
    opened: str,
) -> bytes:
    """The payload that closes a night. `status`: `closed` or `interrupted`; `endings`: ending → ids of jobs; `head`:
    oid of the last group commit; `opened`: sha256 of the payload that opened the night."""
    named = {ending: sorted(jobs) for ending, jobs in sorted(endings.items())}
    predicate = {
        "night": night,
        "status": status,
        "closed": round(when, 3),
        "endings": named,
        "count": sum(len(jobs) for jobs in named.values()),
        "info": info,
        "head": head,
        "previous": opened,
    }
    return _statement(CLOSED, [_subject(f"refs/pantheon/runs/{night}", gitCommit=head)], predicate)


def _subject(name: str, **digest: str) -> Json:
    return {"name": name, "digest": digest}


def _statement(kind: str, subject: Sequence[Json], predicate: Json) -> bytes:
    return canonical({"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate})


def read(payload: bytes, kind: str) -> Json:
    """The predicate of a payload, and the subject's digests under `subject` (name → digests). PantheonError when it is
    no statement of that kind."""
    try:
        raw = json.loads(payload)
        if raw["_type"] != STATEMENT or raw["predicateType"] != kind:
            raise PantheonError(f"not a statement of type {kind}", "pantheon-git verify")
        return {**raw["predicate"], "subject": {entry["name"]: entry["digest"] for entry in raw["subject"]}}
    except (ValueError, KeyError, TypeError) as error:
        raise PantheonError(f"not an in-toto statement: {error!r}", "pantheon-git verify") from error


def context_of(predicate: Mapping[str, Any]) -> JobContext:
    """The job context in a node's or a job's predicate."""
    return JobContext(**{name: predicate[name] for name in _CONTEXT})


def jobs_of(opened: Mapping[str, Any]) -> list[JobContext]:
    """The job contexts in an opening predicate."""
    return [JobContext(opened["night"], *row) for row in opened["jobs"]]
