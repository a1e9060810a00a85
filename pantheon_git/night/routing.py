"""The flow of each task that names none, decided before a night opens: by the rules, else by the model's likelihoods.

What was decided, and why, is a node of its own in the job: `00-route`, signed before the flow's first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pantheon_git.agent.choice import choose
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.record import INPUT, OUTPUT, json_bytes
from pantheon_git.clock import Moment
from pantheon_git.engines.protocol import Engine
from pantheon_git.errors import EngineError
from pantheon_git.ledger.records import NodeResult
from pantheon_git.night.dispatch import PutOff
from pantheon_git.night.order import LoadedFlow, Planned
from pantheon_git.night.router import ROUTER

NODE = ROUTER


async def route_tasks(
    tasks: Sequence[Planned], agents: Mapping[str, LoadedAgent], engine: Callable[[str], Engine]
) -> tuple[list[Planned], list[PutOff]]:
    """The tasks with their flow and, where they named neither flow nor agent, with the node that says why; and those
    that nobody could decide, each with what the person can do. `engine`: by agent, opened where a task is undecided."""
    decided, put_off = [], []
    for task in tasks:
        started = Moment.here()
        if not task.candidates:
            decided.append(replace(task, routing=_by_rules(task, started)) if _asks(task) else task)
            continue
        descriptions = {flow.name: _describe(flow, agents) for flow in task.candidates}
        files, goal = sorted(task.files), task.task.goal.summary
        try:
            found = await choose(agents[ROUTER], goal, files, descriptions, engine(ROUTER), f"{task.job}/{NODE}")
        except EngineError as error:
            put_off.append(PutOff(task.id, f"the router's engine: {error.message}"))
            continue
        if found.option is None:
            put_off.append(PutOff(task.id, f"{task.route}, and the router cannot tell: {found.reason}; name a flow"))
        else:
            flow = next(flow for flow in task.candidates if flow.name == found.option)
            routing = _node(found.reason, found.files, {"router": "model", **found.signed}, started)
            decided.append(replace(task, flow=flow, candidates=(), route=found.reason, routing=routing))
    return decided, put_off


def _asks(task: Planned) -> bool:
    """Whether the router had a say at all."""
    return task.task.flow is None and task.task.agent is None


def _by_rules(task: Planned, started: Moment) -> NodeResult:
    asked = {"goal": task.task.goal.summary, "paths": sorted(task.files)}
    told = {"chosen": task.flow.name, "by": "rules", "reason": task.route}
    return _node(task.route, {INPUT: json_bytes(asked), OUTPUT: json_bytes(told)}, {"router": "rules"}, started)


def _node(reason: str, files: Mapping[str, bytes], predicate: Mapping[str, object], started: Moment) -> NodeResult:
    """Index 0: before the flow's own."""
    return NodeResult(0, NODE, NODE, "check", "pass", reason, started.epoch, started.seconds, 1, files, predicate)


def _describe(flow: LoadedFlow, agents: Mapping[str, LoadedAgent]) -> str:
    """The flow's own description, else those of the specialists that it uses."""
    used = [agents[node.uses].agent for node in flow.flow.nodes.values() if node.uses in agents]
    return flow.flow.description or " ".join(agent.description for agent in used if agent.kind == "specialist")
