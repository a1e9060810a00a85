"""`test.command`, `test.ava`, `test.pytest`: the repository's tests in the job's jail, against the base commit's.

The base's run has a jail of its own on the base's tree, once a night for each command. What is read is what the host
received; what the tests' own process writes about itself is believed no further than its exit code.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.jail.protocol import Jail
from pantheon_git.night.commands import last_lines
from pantheon_git.night.results import Compared, Format, Results, compare, read_results, suspicious
from pantheon_git.night.room import Answer, JobState
from pantheon_git.spec.steps import Step

REPORT = "/tmp/report.xml"  # noqa: S108 -- within the jail
_RUNS, _NAMED = 2, 8
_PARTS = ("introduced", "fixed", "flaky", "still", "gone")
_SIBLINGS = itertools.count(90)
"""Numbers of workspaces on the base's tree, beside jobs' own: checks of one job may run side by side."""
_AVA = ("node", "node_modules/ava/entrypoints/cli.mjs", "--tap")
_PYTEST = ("python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={REPORT}")


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    format: Format
    report: str = REPORT


@dataclass
class _Log:
    stdout: bytes = b""
    stderr: bytes = b""
    runs: list[dict[str, Any]] = field(default_factory=list)


async def test_ava(job: JobState, step: Step) -> Answer:
    """AVA, with `with.files` (all tests, where there are none)."""
    return await _judge(job, step, Command((*_AVA, *_words(step, "files")), "tap"))


async def test_pytest(job: JobState, step: Step) -> Answer:
    """pytest, with `with.args`."""
    return await _judge(job, step, Command((*_PYTEST, *_words(step, "args")), "junit"))


async def test_command(job: JobState, step: Step) -> Answer:
    """`with.run` (words or a shell line), its results by `with.format`: `exit` (the default), `tap` on its output, or
    `junit` in the file `with.report`."""
    run, kind = step.values.get("run"), step.values.get("format", "exit")
    if not run or not isinstance(run, str | list | tuple) or kind not in ("exit", "tap", "junit"):
        why = 'test.command needs with.run (words or a shell line); with.format is "exit", "tap" or "junit"'
        return Answer("error", why, retry=False)
    argv = ("/bin/sh", "-c", run) if isinstance(run, str) else tuple(map(str, run))
    return await _judge(job, step, Command(argv, kind, str(step.values.get("report", REPORT))))


async def _judge(job: JobState, step: Step, command: Command) -> Answer:
    log, end = _Log(), time.monotonic() + step.spec.timeout
    base = await _base(job, command, end)
    now = [await _run(job.workspace.jail, command, end, log)]
    while suspicious(base, now[0]) and len(now) < _RUNS:
        now.append(await _run(job.workspace.jail, command, end, log))
    found = compare(base, now)
    output = {"command": shlex.join(command.argv), "base": [_said(one) for one in base],
              "now": [_said(one) for one in now], **found.as_json()}  # fmt: skip
    files = {"stdout.log": log.stdout, "stderr.log": log.stderr,
             "output.json": (json.dumps(output, indent=1, sort_keys=True) + "\n").encode()}  # fmt: skip
    predicate = {"tests": {name: len(getattr(found, name)) for name in _PARTS}}
    faults = _faults(found, now, bool(step.values.get("fixes")))
    if command.format != "exit" and len(now[-1].tests) == 1 and now[-1].failed:
        said = last_lines(log.stderr, 1) or last_lines(log.stdout, 1)
        faults = [f"no test was run: {now[-1].why}" + (f"; it said: {said[0][:160]}" if said else "")]
    if faults:
        return Answer("fail", "; ".join(faults), files, predicate)
    return Answer("pass", _summary(found, now[-1]), files, predicate)


def _faults(found: Compared, now: Sequence[Results], fixes: bool) -> list[str]:
    faults = [f"{len(found.introduced)} introduced: {_listed(found.introduced)}"] if found.introduced else []
    whole = next((one.why for one in now if one.why), "")
    faults += [whole] if whole and found.introduced else []
    faults += [f"{len(found.gone)} gone: {_listed(found.gone)}"] if found.gone else []
    faults += ["nothing is fixed, and that is what this node asks for"] if fixes and not found.fixed else []
    return faults


def _summary(found: Compared, now: Results) -> str:
    parts = [f"{now.counts()['pass'] - 1} pass" if len(now.tests) > 1 else "passes"]
    for name, said in (("fixed", "fixed"), ("flaky", "flaky"), ("still", "fail as at the base")):
        if names := getattr(found, name):
            parts.append(f"{len(names)} {said}: {_listed(names)}")
    return "; ".join([*parts, "none introduced"])


def _listed(names: Sequence[str]) -> str:
    shown = ["".join(c if c.isprintable() else " " for c in name)[:80] for name in names[:_NAMED]]
    return ", ".join([*shown, *(["…"] if len(names) > _NAMED else [])])


def _said(one: Results) -> dict[str, Any]:
    return {
        "code": one.code,
        **one.counts(),
        **({"why": one.why} if one.why else {}),
        "failed": sorted(one.failed)[:50],
    }


def _words(step: Step, name: str) -> tuple[str, ...]:
    given = step.values.get(name, ())
    return tuple(shlex.split(given)) if isinstance(given, str) else tuple(map(str, given))


async def _base(job: JobState, command: Command, end: float) -> Sequence[Results]:
    """The base's runs of this command: two where something failed, so that a flaky test is known as such."""
    known = job.services.baselines
    key = (job.services.plan.base, command.argv, command.format)
    async with known.setdefault(("lock", *key), asyncio.Lock()):
        if key not in known:
            async with job.workspace.sibling(next(_SIBLINGS)) as base:
                runs = [await _run(base.jail, command, end, _Log())]
                if runs[0].failed:
                    runs.append(await _run(base.jail, command, end, _Log()))
            known[key] = tuple(runs)
        return tuple(known[key])


async def _run(jail: Jail, command: Command, end: float, log: _Log) -> Results:
    left = max(1.0, end - time.monotonic())
    if command.format == "junit":
        await jail.exec(["rm", "-f", command.report], left)  # one of an earlier run must not be read as this one's
    ended = await jail.exec(list(command.argv), left)
    code = 124 if ended.timed_out else ended.code
    report, cut = b"", ended.truncated
    if command.format == "junit":
        read = await jail.exec(["cat", command.report], max(1.0, end - time.monotonic()))
        report, cut = read.stdout, read.truncated
    log.stdout += f"$ {shlex.join(command.argv)}\n".encode() + ended.stdout
    log.stderr += ended.stderr
    return read_results(command.format, code, ended.stdout, report, cut)
