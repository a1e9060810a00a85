"""Typed tools: what an agent can do. Standard library and file parsers only; the host inside the jail imports this."""

from __future__ import annotations

from pantheon_git.tools import files
from pantheon_git.tools.ava import tools as ava
from pantheon_git.tools.frontmatter import tools as frontmatter
from pantheon_git.tools.protocol import Tool
from pantheon_git.tools.rename import tools as rename

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*frontmatter.TOOLS, *rename.TOOLS, *ava.TOOLS, *files.TOOLS)}
"""Every tool by name. An explicit table: no discovery, so that no file in a repository can add one."""
