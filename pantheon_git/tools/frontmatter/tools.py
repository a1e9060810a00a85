"""The typed tools of the family: `frontmatter.inspect`, `.judge`, `.write` and `.check`."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pantheon_git.tools.files import read_bytes, write_bytes
from pantheon_git.tools.protocol import Tool, ToolError, Workspace

_PATH = {"type": "string", "minLength": 1, "description": "path of the document, relative to the repository"}


def inspect(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the document has, needs and offers; ToolError("refused") where it must not be touched."""
    from pantheon_git.tools.frontmatter.draft import make

    draft = make(workspace, arguments["path"], read_bytes(workspace, arguments["path"]))
    return draft.view()


def judge(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Whether `write` would take a description, and whether the words are new. Nothing is written."""
    from pantheon_git.tools.frontmatter.draft import make
    from pantheon_git.tools.frontmatter.judge import judged

    draft = make(workspace, arguments["path"], read_bytes(workspace, arguments["path"]))
    return judged(draft, arguments.get("description", ""))


def write(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Fills what is missing: given words that pass the gate, else the computed candidate. What is there is kept."""
    from pantheon_git.tools.frontmatter.draft import make
    from pantheon_git.tools.frontmatter.edit import apply

    path = arguments["path"]
    draft = make(workspace, path, read_bytes(workspace, path))
    decision = draft.decide({k: v for k, v in arguments.items() if k != "path"})
    raw = apply(draft.doc, decision.changes, to_yaml=draft.to_yaml, schema=draft.schema)
    if raw != draft.doc.raw:
        write_bytes(workspace, path, raw)
    return {"path": path, "changed": raw != draft.doc.raw, "repairs": list(draft.doc.repairs), **decision.view()}


def check(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Deterministic: is the document's front matter well-formed, and is all else as it was before?"""
    from pantheon_git.tools.frontmatter.check import problems

    before = None
    if arguments.get("before") is not None:
        try:
            before = base64.b64decode(arguments["before"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise ToolError("bad-argument", "`before` is not base64") from error
    found = problems(workspace, arguments["path"], read_bytes(workspace, arguments["path"]), before)
    return {"ok": not found, "problems": found}


TOOLS = (
    Tool(
        "frontmatter.inspect",
        "What front matter a document has, what is missing, and computed candidates for it.",
        {"type": "object", "properties": {"path": _PATH}, "required": ["path"], "additionalProperties": False},
        inspect,
        example={"path": "docs/install.md"},
    ),
    Tool(
        "frontmatter.judge",
        "Say whether a description would be accepted, without writing it.",
        {
            "type": "object",
            "properties": {
                "path": _PATH,
                "description": {"type": "string", "description": "one sentence of 40 to 160 characters"},
            },
            "required": ["path"],
            "additionalProperties": False,
        },
        judge,
        example={"path": "docs/install.md", "description": "Install the command on Linux and check that it works."},
    ),
    Tool(
        "frontmatter.write",
        "Write the missing title, description and tags; what fails the gate is replaced by the computed candidate.",
        {
            "type": "object",
            "properties": {
                "path": _PATH,
                "title": {"type": "string"},
                "description": {"type": "string", "description": "one sentence of 40 to 160 characters"},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 12},
            },
            "required": ["path"],
            "additionalProperties": False,
        },
        write,
        writes=True,
        example={"path": "docs/install.md", "description": "Install the command on Linux and check that it works."},
    ),
    Tool(
        "frontmatter.check",
        "Check a document's front matter, and that nothing else changed since `before` (base64).",
        {
            "type": "object",
            "properties": {"path": _PATH, "before": {"type": "string", "contentEncoding": "base64"}},
            "required": ["path"],
            "additionalProperties": False,
        },
        check,
        example={"path": "docs/install.md"},
    ),
)
