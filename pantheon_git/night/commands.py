"""The checks that run a command inside the job's jail: a flow's own, and those of the task's acceptance criteria."""

from __future__ import annotations

import json
import shlex
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.jail.protocol import ExecAnswer
from pantheon_git.night.room import Answer, JobState
from pantheon_git.spec.steps import Step

_SAID = 160
"""Characters of a failed command's last line that its reason quotes; the artifact has all of it."""


@dataclass
class _Ran:
    """The commands of one node so far."""

    stdout: bytes = b""
    stderr: bytes = b""
    commands: list[dict[str, Any]] = field(default_factory=list)

    def add(self, shown: str, answer: ExecAnswer) -> str:
        """Keep one command's output; what it failed of, empty when it exited with 0."""
        cut = b"\n[cut: more than the limit on output]\n" if answer.truncated else b""
        self.stdout += f"$ {shown}\n".encode("utf-8", "backslashreplace") + answer.stdout + cut
        self.stderr += answer.stderr
        self.commands.append({"command": shown, "code": answer.code, "timed_out": answer.timed_out,
                              "truncated": answer.truncated, "seconds": round(answer.seconds, 3)})  # fmt: skip
        if not (failed := _failure(answer)):
            return ""
        said = last_lines(answer.stderr, 1) or last_lines(answer.stdout, 1)
        return f"`{shown}` {failed}" + (f"; it said: {said[0][:_SAID]}" if said else "")

    def files(self) -> dict[str, bytes]:
        output = json.dumps({"commands": self.commands}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        return {"stdout.log": self.stdout, "stderr.log": self.stderr,
                "output.json": output.encode("utf-8", "backslashreplace")}  # fmt: skip


async def check_acceptance(job: JobState, step: Step) -> Answer:
    """The commands of the task's acceptance criteria, one after another, within the node's time; the first that fails
    stops. Without any command the node is skipped, and those that need it go on."""
    criteria = [(a.text, a.check) for a in job.planned.task.goal.acceptance if a.check is not None]
    if not criteria:
        return Answer("skip", "no criterion has a command", idle=True)
    ran, end = _Ran(), time.monotonic() + step.spec.timeout
    for text, command in criteria:
        left = max(0.1, end - time.monotonic())
        if failed := ran.add(command, await job.workspace.jail.exec(["/bin/sh", "-c", command], left)):
            return Answer("fail", f"{text}: {failed}", ran.files())
    return Answer("pass", f"{len(criteria)} command{'s' * (len(criteria) != 1)} passed", ran.files())


async def check_command(job: JobState, step: Step) -> Answer:
    """`with.run`, a list of words or a shell line, from the root of the job's tree."""
    run = step.values.get("run")
    if not run or not isinstance(run, str | list | tuple):
        return Answer("error", "check.command needs with.run: a list of words or a shell line", retry=False)
    argv = ["/bin/sh", "-c", run] if isinstance(run, str) else [str(word) for word in run]
    shown, ran = run if isinstance(run, str) else shlex.join(argv), _Ran()
    failed = ran.add(shown, await job.workspace.jail.exec(argv, step.spec.timeout))
    return Answer("fail" if failed else "pass", failed or f"`{shown}` passed", ran.files())


def last_lines(output: bytes, most: int) -> list[str]:
    """The last lines of a command's output that are not blank, oldest first, as printable text."""
    text = output.decode("utf-8", "replace")
    lines = ["".join(c if c.isprintable() else " " for c in line).strip() for line in text.splitlines()]
    return [line for line in lines if line][-most:]


def _failure(answer: ExecAnswer) -> str:
    if answer.timed_out:
        return f"ran out of time after {answer.seconds:.0f} s"
    if answer.code in (-signal.SIGKILL, 128 + signal.SIGKILL):  # of itself, or as its shell hands it on
        return f"was killed (exit code {answer.code}), as happens to what needs more memory than its jail has"
    return f"exited with {answer.code}" if answer.code else ""
