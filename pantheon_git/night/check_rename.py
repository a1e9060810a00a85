"""`check.rename`: `rename.check` inside the jail on what the job left, against the bytes of the base."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from pantheon_git.night.patch import Edit
from pantheon_git.night.room import Answer, JobState
from pantheon_git.spec.globs import Globs
from pantheon_git.spec.steps import Step


async def check_rename(job: JobState, step: Step) -> Answer:
    """Only names and references changed, every link means what it meant, and all of it is in the task's scope."""
    edits = {edit.path.decode("utf-8", "surrogateescape"): edit for edit in job.workspace.snapshot.edits}
    if not edits:
        return Answer("pass", "nothing changed", {"output.json": _json({"checked": [], "problems": []})})
    before = _before(edits)
    answer = await job.workspace.jail.call("rename.check", {"before": before}, step.spec.timeout)
    problems = [str(problem) for problem in answer.result.get("problems", ())]
    if not answer.ok:
        problems = [str(answer.result.get("message", "no answer"))]
    elif not answer.result.get("ok") and not problems:
        problems = ["not ok"]
    outside = sorted(path for path in edits if path not in Globs(job.planned.task.scope.paths))
    if outside:
        problems.append(f"outside the task's scope, though renamed or referring to what is: {', '.join(outside[:10])}; "
                        "queue it anew: pantheon-git add doc.rename PATH --again")  # fmt: skip
    files = {"output.json": _json({"checked": sorted(edits), "problems": problems})}
    if problems:
        return Answer("fail", "; ".join(problems[:10]), files)
    return Answer("pass", f"{answer.result.get('moved', 0)} moved, {len(edits)} paths checked", files)


def _before(edits: Mapping[str, Edit]) -> dict[str, str | None]:
    """Each path's bytes in the base as `rename.check` takes them: base64, or `=PATH` where that file has them now."""
    come = {edit.new.data: path for path, edit in edits.items() if edit.old is None and edit.new is not None}
    found: dict[str, str | None] = {}
    for path, edit in edits.items():
        moved = come.get(edit.old.data) if edit.old and edit.new is None else None
        found[path] = f"={moved}" if moved else base64.b64encode(edit.old.data).decode() if edit.old else None
    return found


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "backslashreplace")
