"""`check.ava` and `check.pytest-stub`: a family's check inside the jail on the test that the job left: green, and red
without what it tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pantheon_git.night.room import Answer, JobState
from pantheon_git.spec.steps import Step


async def check_ava(job: JobState, step: Step) -> Answer:
    """A new AVA test (`_check`)."""
    return await _check(job, step, "ava.check")


async def check_pytest_stub(job: JobState, step: Step) -> Answer:
    """A new pytest file (`_check`)."""
    return await _check(job, step, "pytest.check")


async def _check(job: JobState, step: Step, tool: str) -> Answer:
    """The change is one new test file of the task's module; it runs green in two surroundings, and red without each
    export and, for at least one function, with a do-nothing in its place. Exports that no assertion tells are named."""
    edits = job.workspace.snapshot.edits
    if not edits:
        return Answer("pass", "nothing changed", {"output.json": _json({"problems": []})})
    paths = [edit.path.decode("utf-8", "surrogateescape") for edit in edits]
    problems: list[str] = [] if len(paths) == 1 else [f"{len(paths)} files changed, one test is asked for"]
    problems += [f"{path} was there already" for path, edit in zip(paths, edits, strict=True) if edit.old]
    module, found = job.planned.task.params.get("module"), dict[str, Any]()
    if not isinstance(module, str):
        problems.append("the task has no parameter `module`")
    elif not problems:
        answer = await job.workspace.jail.call(tool, {"module": module, "test": paths[0]}, step.spec.timeout)
        found = dict(answer.result)
        faults = [str(problem) for problem in found.get("problems", ())]
        problems += faults if answer.ok else [str(found.get("message", "no answer"))]
    files = {"output.json": _json({**found, "problems": problems})}
    if problems:
        return Answer("fail", "; ".join(problems[:5]), files)
    red, of = _counted(found, "idle")
    gone, exports = _counted(found, "removal")
    said = f"{found.get('tests')} tests green; red for {red} of {of} do-nothing stand-ins"
    return Answer("pass", f"{said}, for {gone} of {exports} exports removed", files)


def _counted(found: Mapping[str, Any], name: str) -> tuple[int, int]:
    rows = dict(found.get(name, {}))
    return sum(map(bool, rows.values())), len(rows)


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "backslashreplace")
