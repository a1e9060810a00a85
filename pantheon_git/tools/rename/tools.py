"""The typed tools of the family: `rename.inspect`, `.apply` and `.check`."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pantheon_git.tools.protocol import Tool, ToolError, Workspace
from pantheon_git.tools.rename.job import read_any


def inspect(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """What is to be renamed, the names that it might have, and what refers to it. Nothing is written."""
    from pantheon_git.tools.rename.work import inspected

    return inspected(workspace)


def apply(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Move the files and rewrite every reference; done already, it says so and writes nothing."""
    from pantheon_git.tools.rename.work import applied

    return applied(workspace, arguments.get("name"))


def check(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Deterministic: is the tree as it was `before` but for the renames, and does every link mean what it meant?"""
    from pantheon_git.tools.rename.check import problems

    try:
        before = {path: _bytes(workspace, data) for path, data in arguments["before"].items()}
    except (binascii.Error, ValueError) as error:
        raise ToolError("bad-argument", "`before` is not base64") from error
    return problems(workspace, before)


def _bytes(workspace: Workspace, said: str | None) -> bytes | None:
    """Of one path in the base: none, base64, or `=PATH`: what that file has now."""
    if said is None:
        return None
    return read_any(workspace, said[1:]) if said.startswith("=") else base64.b64decode(said, validate=True)


TOOLS = (
    Tool(
        "rename.inspect",
        "What is to be renamed, computed names for it, and what refers to it.",
        {"type": "object", "properties": {}, "additionalProperties": False},
        inspect,
        example={},
    ),
    Tool(
        "rename.apply",
        "Give the file its new name and rewrite every reference to it.",
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "the new file name, in kebab-case: two to four words"}
            },
            "additionalProperties": False,
        },
        apply,
        writes=True,
        example={"name": "install-on-linux.md"},
    ),
    Tool(
        "rename.check",
        "Check that nothing but names and references changed since `before` (path to base64, `=PATH`, or null).",
        {
            "type": "object",
            "properties": {"before": {"type": "object", "additionalProperties": {"type": ["string", "null"]}}},
            "required": ["before"],
            "additionalProperties": False,
        },
        check,
        example={"before": {}},
    ),
)
