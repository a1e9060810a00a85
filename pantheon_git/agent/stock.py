"""Where the agents that ship with the program lie."""

from __future__ import annotations

from pathlib import Path

import pantheon_git


def stock_dir() -> Path:
    """`_stock/agents` in an installed package, `agents/` at the top of a checkout."""
    package = Path(pantheon_git.__file__).parent
    shipped = package / "_stock" / "agents"
    return shipped if shipped.is_dir() else package.parent / "agents"


def stock_flows() -> Path:
    """The folder of the flows that ship with the program: `_stock/flows`, `.pantheon/flows` of a checkout."""
    package = Path(pantheon_git.__file__).parent
    shipped = package / "_stock" / "flows"
    return shipped if shipped.is_dir() else package.parent / ".pantheon" / "flows"
