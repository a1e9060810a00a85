"""What must hold before the first job, and what all jobs share: local agents only, engines opened once, conventions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pantheon_git.engines import open_engine
from pantheon_git.engines.protocol import Engine
from pantheon_git.jail.protocol import Share
from pantheon_git.jail.shares import check_content, check_source
from pantheon_git.night.order import Planned
from pantheon_git.night.plan import Plan
from pantheon_git.night.router import ROUTER
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.policy import Policy

MODELLESS = ("replay", "control", "echo")
"""Engines that load no model: one serves all agents."""


@dataclass
class Engines:
    """The night's engines: one for each model, whoever asks."""

    wrap: Callable[[Engine], Engine] = lambda engine: engine
    _open: dict[tuple[str, str], Engine] = field(default_factory=dict)
    _of: dict[str, tuple[str, str]] = field(default_factory=dict)

    def engine(self, agent: str) -> Engine:
        return self._open[self._of[agent]]

    def digests(self) -> dict[str, dict[str, Any]]:
        """Engine and model that serve each agent, for the night's record."""
        return {
            name: {"engine": engine.name, "model": engine.model.name, "digest": engine.model.digest}
            for name in sorted(self._of)
            for engine in (self.engine(name),)
        }

    async def add(
        self,
        agent: Agent,
        name: str,
        model_path: Path | None,
        replay: Mapping[str, str] | None = None,
        digest: str = "",
    ) -> None:
        """Open the engine that `agent` needs, unless it is open. `name` and `model_path` overrule the manifest.
        `digest`: of the model whose recorded answers are replayed, which is who a reviewer's rates are known of."""
        chosen = agent.runtime.engine if name == "auto" else name
        model = str(model_path or agent.runtime.model)
        key = (chosen, model if chosen not in MODELLESS else digest)
        if key not in self._open:
            engine = await asyncio.to_thread(open_engine, chosen, model=model, replay=replay)
            if digest:
                engine.model = replace(engine.model, digest=digest)
            self._open[key] = self.wrap(engine)
        self._of[agent.name] = key

    async def close(self) -> None:
        for engine in self._open.values():
            await engine.close()


def agents_of(plan: Plan, tasks: Sequence[Planned]) -> list[Agent]:
    """The agents that the tasks' flows use, by name."""
    uses = {node.uses for task in tasks for flow in task.flows for node in flow.flow.nodes.values()}
    if any(task.candidates for task in tasks):
        uses.add(ROUTER)
    return [plan.agents[name].agent for name in sorted(uses & plan.agents.keys())]


def shares(plan: Plan, work_tree: Path | None) -> list[Share]:
    """The untracked folders that the policy shares read-only, where they exist."""
    return shares_of(plan.policy, work_tree)


def shares_of(policy: Policy, work_tree: Path | None) -> list[Share]:
    if work_tree is None:
        return []
    found = [Share(work_tree / name, name) for name in policy.share if os.path.lexists(work_tree / name)]
    for share in found:
        check_source(share)
        check_content(share.source)
    return found
