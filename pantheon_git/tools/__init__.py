"""Typed tools: what an agent can do. Standard library and file parsers only; the host inside the jail imports this."""

from __future__ import annotations

from pantheon_git.tools import files
from pantheon_git.tools.ava import tools as ava
from pantheon_git.tools.code import tools as code
from pantheon_git.tools.frontmatter import tools as frontmatter
from pantheon_git.tools.header import tools as header
from pantheon_git.tools.protocol import Tool
from pantheon_git.tools.pystub import tools as pystub
from pantheon_git.tools.rename import tools as rename

FAMILIES = (frontmatter.TOOLS, rename.TOOLS, ava.TOOLS, pystub.TOOLS, code.TOOLS, header.TOOLS, files.TOOLS)
TOOLS: dict[str, Tool] = {tool.name: tool for family in FAMILIES for tool in family}
"""Every tool by name. An explicit table: no discovery, so that no file in a repository can add one."""
