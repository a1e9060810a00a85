"""One change that is first shown and then made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    what: str
    """An order in one line: `write .pantheon/policy.toml`."""
    make: Callable[[], object]
