"""How a job ends: PR, breadcrumb or nothing; its title and body; and the figures that are signed with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pantheon_git.ledger.records import Ending, JobResult, SignedNode
from pantheon_git.night.commands import last_lines
from pantheon_git.night.room import JobState
from pantheon_git.night.scheduler import Status, culprit
from pantheon_git.night.workspace import Snapshot

GATE = "merge-gate"
_TAIL = 8
"""Lines of a failed command's output, of each stream, that its breadcrumb shows."""
_PATHS = 50
"""Paths named in the summary's diffstat; the totals count all."""


def conclude(job: JobState, ended: Mapping[str, Status], broken: str = "") -> JobResult:
    """The job's result. `broken`: why it could not run its nodes to the end, where the machinery failed."""
    snapshot = job.workspace.snapshot
    ending, reason, stopped_at = ("error", broken, None) if broken else _ending(job, ended, snapshot)
    tree = {"pr": snapshot.pr_tree, "unchanged": job.services.plan.base_tree}.get(ending, snapshot.tree)
    return JobResult(
        context=job.context,
        nodes=tuple(job.signed),
        ending=ending,
        reason=reason,
        stopped_at=stopped_at,
        tree=tree,
        objects={} if ending == "unchanged" else snapshot.objects,
        title=title(job, ending),
        body=body(job, ending, reason, stopped_at),
        started=job.began.epoch,
        seconds=job.began.seconds,
        summary=summary(job, snapshot),
    )


def _ending(job: JobState, ended: Mapping[str, Status], snapshot: Snapshot) -> tuple[Ending, str, str | None]:
    stopped = culprit(job.steps, ended)
    if stopped is not None:
        node = job.result(stopped.name)
        assert node is not None  # noqa: S101 - every step that ended was signed
        endings: dict[str, Ending] = {"refused": "refused", "error": "error"}
        return endings.get(node.result.verdict, "failed"), node.result.reason, stopped.name
    if not snapshot.changed:
        return "unchanged", "every node passed, and nothing had to change", None
    gates = [node for node in job.signed if node.result.uses == GATE]
    if gates and all(node.result.verdict == "pass" for node in gates):
        return "pr", gates[-1].result.reason, None
    why = "the gate was skipped" if gates else f"the flow {job.context.flow} has no {GATE} node"
    return "failed", f"{why}, so nothing can become a PR", gates[0].result.name if gates else None


def title(job: JobState, ending: Ending) -> str:
    """Subject of the job's commit: the goal's first line, at most 72 characters."""
    text = " ".join(job.planned.task.goal.summary.split("\n")[0].split())
    prefix = "" if ending == "pr" else f"[{ending}] "
    room = 72 - len(prefix)
    return prefix + (text if len(text) <= room else text[: room - 1].rstrip() + "…")


def body(job: JobState, ending: Ending, reason: str, stopped_at: str | None) -> str:
    """What a person reads below the subject: of a PR what was asked for, of a breadcrumb where and why it stopped."""
    id_ = job.context.job
    if ending in ("pr", "unchanged"):
        lines = [f"Asked for in {job.planned.path}; flow {job.context.flow} ({job.planned.route})."]
        criteria = [criterion.text for criterion in job.planned.task.goal.acceptance]
        return "\n".join([*lines, *(["", "Acceptance:"] if criteria else []), *(f"- {text}" for text in criteria)])
    where = f"{id_}:{stopped_at}" if stopped_at else id_
    return "\n".join(
        [
            f"Stopped at: {stopped_at or 'before the first node'}",
            f"Why: {reason}",
            *_output_tail(job, stopped_at),
            f"Look: pantheon-git trace {id_}",
            f"Replay: pantheon-git replay {where}",
        ]
    )


def _output_tail(job: JobState, stopped_at: str | None) -> list[str]:
    """The last lines that the command of the node wrote, where it ran one."""
    node = job.result(stopped_at) if stopped_at else None
    files = node.result.files if node is not None else {}
    found = [f"> {line}" for name in ("stdout.log", "stderr.log") for line in last_lines(files.get(name, b""), _TAIL)]
    return ["Output ends:", *found] if found else []


def summary(job: JobState, snapshot: Snapshot) -> dict[str, Any]:
    """Signed with the job; every figure that a report shows comes from here. Seconds of CPU, tokens, lines."""
    lines = snapshot.numstat
    return {
        "title": job.planned.task.goal.summary,
        "route": job.planned.route,
        "priority": job.planned.task.priority,
        "tier": job.planned.task.tier,
        "limits": job.limits.model_dump(),
        "diffstat": {
            "files": len(lines),
            "added": sum(added for added, _ in lines.values()),
            "removed": sum(removed for _, removed in lines.values()),
            "paths": {_text(path): list(lines[path]) for path in sorted(lines)[:_PATHS]},
        },
        "authorship": _authorship(job.signed),
        "tokens": _sums(job.signed, "tokens"),
        "jail": job.workspace.jail_facts,
        "cpu": {"jail": round(job.workspace.cpu_seconds, 3)},
        "engine_seconds": _sums(job.signed, "engine_seconds"),
    }


def _authorship(signed: list[SignedNode]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in signed:
        found.update(node.result.predicate.get("authorship", {}))
    return found


def _sums(signed: list[SignedNode], key: str) -> dict[str, Any]:
    """Sums of the numbers under `key` in the nodes' predicates."""
    found: dict[str, Any] = {}
    for node in signed:
        for name, value in node.result.predicate.get(key, {}).items():
            found[name] = round(found.get(name, 0) + value, 4)
    return found


def _text(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
