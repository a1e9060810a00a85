"""The built-in checks, in an explicit dict: deterministic nodes that a flow may use beside its agents."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from pantheon_git.night.check_rename import check_rename
from pantheon_git.night.check_stub import check_ava, check_pytest_stub
from pantheon_git.night.check_tests import test_ava, test_command, test_pytest
from pantheon_git.night.commands import check_acceptance, check_command
from pantheon_git.night.gating import merge_gate
from pantheon_git.night.room import Answer, Check, JobState
from pantheon_git.night.validate import Facts, task_faults
from pantheon_git.night.votes import excused
from pantheon_git.repo.objects import GITLINK
from pantheon_git.spec.steps import Step


async def noop(job: JobState, step: Step) -> Answer:
    """Nothing, successfully: what a node costs when its work is free."""
    return Answer("pass", "nothing to do")


async def plan_validate(job: JobState, step: Step) -> Answer:
    """Whether the task is well-posed (`validate.py`); all faults at once."""
    plan, planned = job.services.plan, job.planned
    entries = {path: plan.index[path] for path in planned.files if path in plan.index}
    facts = Facts(
        planned,
        {name: loaded.agent for name, loaded in plan.agents.items()},
        frozenset(job.services.checks),
        plan.policy,
        {path: len(job.services.objects.blob(entry.oid)) for path, entry in entries.items() if entry.mode != GITLINK},
        step.values,
    )
    faults = task_faults(facts)
    output = {"faults": faults, "files": len(entries), "flow": planned.flow.name, "route": planned.route}
    if faults:
        return Answer("fail", "; ".join(faults), {"output.json": _json(output)}, retry=False)
    return Answer("pass", f"well-posed; {len(entries)} file{'s' * (len(entries) != 1)} in scope",
                  {"output.json": _json(output)})  # fmt: skip


def by_tool(tool: str, says: str) -> Check:
    """A check that calls a tool inside the jail on every file that the job changed, against the base's bytes.

    `says`: what holds of a file in which it finds nothing, such as `nothing lost`.
    """

    async def check(job: JobState, step: Step) -> Answer:
        edits = {
            edit.path.decode("utf-8", "surrogateescape"): edit for edit in job.workspace.snapshot.edits if edit.new
        }
        problems: dict[str, list[str]] = {}
        for path, edit in edits.items():
            before = {"before": base64.b64encode(edit.old.data).decode()} if edit.old else {}
            answer = await job.workspace.jail.call(tool, {"path": path, **before}, step.spec.timeout)
            if not answer.ok:
                problems[path] = [str(answer.result.get("message", "no answer"))]
            elif not answer.result.get("ok"):
                problems[path] = [str(problem) for problem in answer.result.get("problems", ())] or ["not ok"]
        files = {"output.json": _json({"checked": sorted(edits), "problems": problems})}
        if problems:
            return Answer("fail", "; ".join(f"{path}: {', '.join(found)}" for path, found in problems.items()), files)
        return Answer("pass", f"{len(edits)} checked, {says}" if edits else "nothing changed", files)

    return check


async def agree(job: JobState, step: Step) -> Answer:
    """Whether every node that this one needs passed, and at least one of them is a reviewer. A reviewer on whose pass
    nothing hangs may disagree."""
    views = {need: job.result(need) for need in step.needs}
    said = {need: node.result.verdict for need, node in views.items() if node is not None}
    reviewers = [need for need, node in views.items() if node is not None and node.result.kind == "review"]
    files = {"output.json": _json({"said": said})}
    free = [need for need, node in views.items() if node is not None and excused(job, node.result)]
    against = [need for need in step.needs if said.get(need) != "pass" and need not in free]
    if not reviewers:
        return Answer("fail", "no reviewer is among the needs of this node", files, retry=False)
    if against:
        return Answer("fail", "; ".join(f"{need} said {said.get(need, 'nothing')}" for need in against), files)
    agreeing = [need for need in reviewers if need not in free]
    aside = f"; {' and '.join(free)} did not, and nothing hangs on it" if free else ""
    return Answer("pass", f"{' and '.join(agreeing) or 'none'} agree{aside}", files)


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "backslashreplace")


CHECKS: Mapping[str, Check] = {
    "noop": noop,
    "plan.validate": plan_validate,
    "check.frontmatter": by_tool("frontmatter.check", "nothing lost"),
    "check.header": by_tool("header.check", "a header and nothing else"),
    "check.ava": check_ava,
    "check.pytest-stub": check_pytest_stub,
    "test.ava": test_ava,
    "test.command": test_command,
    "test.pytest": test_pytest,
    "check.rename": check_rename,
    "check.acceptance": check_acceptance,
    "check.command": check_command,
    "agree": agree,
    "merge-gate": merge_gate,
}
"""What `uses` may name besides an agent. Closed: a file in a repository cannot add to it."""
