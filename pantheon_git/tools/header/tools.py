"""The tools of `code.header`, and their schemas."""

from __future__ import annotations

import base64
from typing import Any

from pantheon_git.tools.files import read_bytes
from pantheon_git.tools.header.header import inspect, problems, write
from pantheon_git.tools.protocol import Tool, ToolError, Workspace

_PATH = {"type": "string", "minLength": 1, "description": "relative to the repository"}
_HEADER = {"type": "string", "description": "the words of the header, without comment marks"}


def check(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """`ok` and `problems`: whether the change of `path` is a licence header and nothing else."""
    before = base64.b64decode(arguments["before"]) if "before" in arguments else None
    try:
        found = problems(workspace, arguments["path"], read_bytes(workspace, arguments["path"]), before)
    except UnicodeDecodeError as error:
        raise ToolError("refused", f"{arguments['path']} is not UTF-8 text") from error
    return {"ok": not found, "problems": found}


TOOLS = (
    Tool(
        "header.inspect",
        "See whether a file lacks a licence header, and which one the repository has.",
        {"type": "object", "properties": {"path": _PATH, "header": _HEADER}, "required": ["path"],
         "additionalProperties": False},
        inspect,
        example={"path": "src/app.py"},
    ),
    Tool(
        "header.write",
        "Put a licence header into a file that has none.",
        {"type": "object", "properties": {"path": _PATH, "header": _HEADER}, "required": ["path", "header"],
         "additionalProperties": False},
        write,
        writes=True,
        example={"path": "src/app.py", "header": "Copyright 2026 The Authors"},
    ),
    Tool(
        "header.check",
        "Say what a change did besides putting a licence header in.",
        {"type": "object", "properties": {"path": _PATH, "before": {"type": "string"}}, "required": ["path"],
         "additionalProperties": False},
        check,
        example={"path": "src/app.py"},
    ),
)  # fmt: skip
