"""The state of one run: where the machine is, what it has seen, and what it may still use."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pantheon_git.agent.actions import Action, Legal, Sources
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.outcome import Stop, StopReason
from pantheon_git.agent.record import Record
from pantheon_git.agent.view import TaskView
from pantheon_git.engines.protocol import Engine
from pantheon_git.jail.protocol import Jail
from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import Tool

TEMPERATURE = 0.7
"""Of sampled candidates, where the manifest has none."""


class Stopped(Exception):  # noqa: N818  # not an error: how the machine is left early
    """Carries why; caught in `loop.run` and nowhere else."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.sentence)
        self.stop = stop


class Run:
    """Mutable, and changed by the loop alone."""

    def __init__(
        self, loaded: LoadedAgent, view: TaskView, jail: Jail, engine: Engine, tools: Mapping[str, Tool] = TOOLS
    ) -> None:
        self.tools = tools
        self.loaded, self.agent, self.loop = loaded, loaded.agent, loaded.agent.loop
        self.view, self.jail, self.engine = view, jail, engine
        self.record = Record()
        self.started = time.monotonic()
        limits = view.limits
        self.deadline = _least(self.loop.deadline_seconds, limits.wall_seconds)
        self.max_steps = int(_least(self.loop.max_steps * len(view.paths), limits.steps))
        self.max_tool_calls = int(_least(self.loop.max_tool_calls * len(view.paths), limits.tool_calls))
        self.max_failures = int(_least(self.loop.max_failures, limits.failures))
        self.max_tokens = limits.tokens
        self.outputs: dict[str, Mapping[str, Any]] = {}
        self.written: dict[str, list[tuple[Action, Mapping[str, Any]]]] = {}
        self.seen: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        self.said: dict[str, dict[str, int]] = {}
        self.path = ""

    def begin(self, path: str) -> None:
        """Start the machine on one document; budgets run on over all of them."""
        self.path, self.state = path, self.agent.start
        self.problems: list[str] = []
        self.results: list[tuple[str, Mapping[str, Any]]] = []
        self.seen[path] = self.results
        self.written[path] = []
        self.said[path] = {}

    @property
    def sources(self) -> Sources:
        return self._sources(self.results)

    @property
    def sources_in_view(self) -> Sources:
        """What the model may see: the last `keep_results` results and no others."""
        return self._sources(self.results[-self.loop.keep_results :])

    def _sources(self, results: list[tuple[str, Mapping[str, Any]]]) -> Sources:
        view = self.view
        return Sources(self.path, view.params, dict(results), "\n".join(view.goals), view.files, view.checks)

    @property
    def steps(self) -> int:
        return int(self.record.numbers["steps"])

    def within_budget(self, legal: list[Legal]) -> list[Legal]:
        """Count one step, and give what it may still do; raise Stopped where a budget is used up. After the last step
        the end is left, where it needs no word of the model."""
        if self.steps >= self.max_steps:
            if legal[-1].final and legal[-1].forced:
                return legal[-1:]
            raise Stopped(Stop(StopReason.MAX_STEPS, f"{self.max_steps} steps are over"))
        if not legal[-1].final:
            self.check_calls()
        if self.seconds_left() <= 0:
            raise Stopped(Stop(StopReason.DEADLINE, f"{self.deadline:g} s are over"))
        self.record.count(steps=1)
        return legal

    def check_calls(self) -> None:
        if self.record.numbers["tool_calls"] >= self.max_tool_calls:
            raise Stopped(Stop(StopReason.MAX_TOOL_CALLS, f"{self.max_tool_calls} tool calls are over"))

    def tokens_for_one_turn(self) -> int:
        if self.max_tokens is None:
            return self.loop.max_tokens
        left = self.max_tokens - int(self.record.numbers["tokens_out"])
        if left <= 0:
            raise Stopped(Stop(StopReason.TOKENS, f"{self.max_tokens} tokens are written"))
        return min(self.loop.max_tokens, left)

    @property
    def sampling(self) -> tuple[float, int]:
        """Temperature and seed: greedy for the first candidate, the manifest's `settings.temperature` for others."""
        number = self.view.candidate
        return (0.0, 0) if number == 1 else (float(self.agent.settings.get("temperature", TEMPERATURE)), number)

    def seconds_left(self) -> float:
        return self.deadline - (time.monotonic() - self.started)

    def took(self, action: Action, result: Mapping[str, Any]) -> None:
        """A call went well: remember its result, and go on to the state that the manifest names."""
        self.results.append((action.name, result))
        self.written[self.path].append((action, result))
        self.problems.clear()
        self.state = self.agent.states[self.state].tools[action.name]

    def heard(self, action: Action) -> None:
        """The model's own words, and how many results there were when it said them."""
        for name in action.asked:
            if isinstance(words := action.args.get(name), str):
                self.said[self.path].setdefault(words, len(self.results))

    def fail(self, why: str, hopeless: bool = False) -> None:
        """Something was not accepted: the model is told, and it counts. A forced action would only fail again."""
        self.record.rejected(f"{self.view.job}/{self.view.node}/{self.steps}", why)
        self.record.count(failures=1)
        self.problems.append(why)
        if hopeless or self.record.numbers["failures"] > self.max_failures:
            raise Stopped(Stop(StopReason.MAX_FAILURES, why))

    def finish(self, action: Action) -> None:
        self.outputs[self.path] = action.args


def _least(own: float, given: float | None) -> float:
    return own if given is None else min(own, given)
