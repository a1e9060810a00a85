"""The tools of agents that change code, and their schemas."""

from __future__ import annotations

from pantheon_git.tools.code.edit import edit
from pantheon_git.tools.code.look import context, search
from pantheon_git.tools.code.tests import test
from pantheon_git.tools.protocol import Tool

_FILES = {"type": "array", "items": {"type": "string"}, "description": "files to look in"}
TOOLS = (
    Tool(
        "code.context",
        "Show the part of the files that the goal is about.",
        {
            "type": "object",
            "properties": {
                "goal": {"type": "string"},
                "files": _FILES,
                "said": {"type": "string", "description": "what failing tests said"},
            },
            "required": ["goal", "files"],
            "additionalProperties": False,
        },
        context,
    ),
    Tool(
        "code.search",
        "Find lines that contain a text.",
        {
            "type": "object",
            "properties": {
                "text": {"type": "string", "minLength": 2, "description": "as it is written"},
                "files": _FILES,
            },
            "required": ["text", "files"],
            "additionalProperties": False,
        },
        search,
        example={"text": "def total"},
    ),
    Tool(
        "code.edit",
        "Replace one piece of a file by another.",
        {
            "type": "object",
            "properties": {
                "path": {"type": "string", "minLength": 1, "description": "the file"},
                "old": {"type": "string", "minLength": 1, "description": "the lines to replace, copied as they are"},
                "new": {"type": "string", "description": "the lines that take their place"},
            },
            "required": ["path", "old", "new"],
            "additionalProperties": False,
        },
        edit,
        writes=True,
        example={"path": "src/total.py", "old": "    return a", "new": "    return a + b"},
    ),
    Tool(
        "code.test",
        "Run the task's tests.",
        {
            "type": "object",
            "properties": {
                "commands": {"type": "array", "items": {"type": "string", "minLength": 1}},
                "seconds": {"type": "number", "minimum": 1},
            },
            "required": ["commands"],
            "additionalProperties": False,
        },
        test,
    ),
)
