"""Which flow a task runs through when it names none: rules in a fixed order; the reason is recorded.

Where they leave several, `routing` lets a model choose among these, if the policy has it so.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pantheon_git.spec.agent import Agent
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.task import Task

ROUTER = "route"
"""The agent that chooses among several flows."""
KINDS = {
    "doc": frozenset({".md", ".mdx", ".markdown", ".mdown", ".rst", ".adoc", ".txt"}),
    "code": frozenset({".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx", ".tsx", ".c", ".h", ".rs", ".go", ".java"}),
}
"""First part of a specialist's name → suffixes of the files it works on."""


@dataclass(frozen=True)
class Route:
    flow: str | None
    """None: no rule decides; `reason` says what the person can do."""
    reason: str
    candidates: tuple[str, ...] = ()
    """Where no rule decides: the flows that the rules leave."""


def route(task: Task, files: Iterable[str], flows: Mapping[str, Flow], agents: Mapping[str, Agent]) -> Route:
    """The flow for `task`, whose scope matches `files`: as named, else by agent, else by the
    kind of the files and, of several such flows, the one whose agent the goal asks for in the manifest's own words."""
    if task.flow is not None:
        if task.flow in flows:
            return Route(task.flow, "named by the task")
        return Route(None, f"there is no flow {task.flow!r}{_nearest(task.flow, flows)}")
    if task.agent is not None:
        using = [name for name, flow in flows.items() if task.agent in {node.uses for node in flow.nodes.values()}]
        if task.agent in using:
            return Route(task.agent, f"the flow that bears the agent's name, {task.agent}")
        return _one(using, f"uses the agent {task.agent}")
    kinds = {kind for kind, suffixes in KINDS.items() for file in files if _suffix(file) in suffixes}
    if len(kinds) != 1:
        return Route(None, "the task names neither flow nor agent, and its files are of no single kind; name a flow")
    kind = kinds.pop()
    fit = [name for name, flow in flows.items() if kind in _kinds(flow, agents)]
    said, asked = _asked(task.goal.summary, {name: flows[name] for name in fit}, agents) if len(fit) > 1 else ("", [])
    if len(asked) == 1:
        return Route(asked[0], f"of {len(fit)} flows that work on files of the kind {kind}, the one asked for ({said})")
    return _one(fit, f"works on files of the kind {kind}")


def _asked(goal: str, flows: Mapping[str, Flow], agents: Mapping[str, Agent]) -> tuple[str, list[str]]:
    """The longest words by which the goal asks for a flow's agent (`queue.asked`), and the flows whose they are."""
    hits: dict[str, str] = {}
    for name, flow in flows.items():
        used = [agents[node.uses] for node in flow.nodes.values() if node.uses in agents]
        found = (re.search(one, goal, re.IGNORECASE) for agent in used for one in agent.queue.asked)
        hits[name] = max((hit[0] for hit in found if hit), key=len, default="")
    longest = max(hits.values(), key=len, default="")
    return longest, [name for name, hit in hits.items() if hit and len(hit) == len(longest)]


def _one(names: list[str], what: str) -> Route:
    if len(names) == 1:
        return Route(names[0], f"the only flow that {what}")
    found = f"{len(names)} flows {what.replace('works', 'work').replace('uses', 'use')} ({', '.join(sorted(names))})"
    several = tuple(sorted(names)) if len(names) > 1 else ()
    return Route(None, f"{found if names else f'no flow {what}'}; name a flow in the task", several)


def _kinds(flow: Flow, agents: Mapping[str, Agent]) -> set[str]:
    uses = {node.uses for node in flow.nodes.values()}
    return {name.split(".")[0] for name in uses if name in agents and agents[name].kind == "specialist"}


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known)) or 'none'}"
