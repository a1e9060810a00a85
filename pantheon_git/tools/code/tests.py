"""`code.test`: the task's own acceptance commands, in the jail."""

from __future__ import annotations

from typing import Any

from pantheon_git.tools.protocol import ToolError, Workspace

SAID = 1500
"""Characters of a failed run's end that the model sees."""


def test(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run the shell lines `commands` from the root of the tree, up to the first that fails: `passed`, and of the one
    that failed `command` and `said`, the end of its output."""
    if workspace.run is None:
        raise ToolError("refused", "programs run only inside a jail")
    if not arguments["commands"]:
        raise ToolError("refused", "the task has no acceptance command to work against")
    for command in arguments["commands"]:
        ran = workspace.run(["/bin/sh", "-c", command], {}, float(arguments.get("seconds", 60)))
        if ran.code or ran.timed_out:
            text = (ran.stdout + b"\n" + ran.stderr).decode("utf-8", "replace").strip()
            late = "it ran out of time\n" if ran.timed_out else ""
            return {"passed": False, "command": command, "said": late + text[-SAID:]}
    return {"passed": True, "said": ""}
