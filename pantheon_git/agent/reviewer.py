"""Reviewers: read-only judges of a change, by a checklist and by how likely the model finds the words."""

from __future__ import annotations

from collections.abc import Sequence

from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.outcome import Outcome
from pantheon_git.agent.view import ChangeView
from pantheon_git.engines.protocol import Engine


async def review(loaded: LoadedAgent, change: ChangeView | Sequence[ChangeView], engine: Engine) -> Outcome:
    """Judge the change; the verdict is `pass` or `fail`."""
    raise NotImplementedError  # the loop comes first; the reviewers follow
