"""Is a task well-posed? The rules behind `plan.validate`: pure, all faults at once, each a sentence for the author."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from pantheon_git.night.order import Planned
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.globs import Globs
from pantheon_git.spec.policy import Policy
from pantheon_git.spec.steps import expand, rivals

MAX_FILES = 200
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Facts:
    """What the rules look at. `with` of the node may set `max-files`, `max-bytes`, `new-files` and `checks`."""

    planned: Planned
    agents: Mapping[str, Agent]
    builtin: frozenset[str]
    """Names of the built-in checks."""
    policy: Policy
    sizes: Mapping[str, int]
    """Bytes of each file of the base tree that the task's scope matches."""
    settings: Mapping[str, Any]


def settings_of(flow: Flow) -> dict[str, Any]:
    """What the flow's own `plan.validate` nodes are told by `with`: for who asks before the night does."""
    return {
        key: value for node in flow.nodes.values() if node.uses == "plan.validate" for key, value in node.with_.items()
    }


def task_faults(facts: Facts) -> list[str]:
    """Every reason why the task should not be run as it stands; empty when it is well-posed."""
    return [fault for rule in RULES for fault in rule(facts)]


def _scope_exists(facts: Facts) -> Iterator[str]:
    if facts.settings.get("new-files"):
        return
    for pattern in facts.planned.task.scope.paths:
        glob = Globs([pattern])
        if not any(path in glob for path in facts.sizes):
            yield f"scope.paths: nothing in the base commit matches {pattern!r}"


def _scope_is_small(facts: Facts) -> Iterator[str]:
    most = int(facts.settings.get("max-files", MAX_FILES))
    if len(facts.sizes) > most:
        yield f"scope.paths: {len(facts.sizes)} files, at most {most} in one task; split it"
    most = int(facts.settings.get("max-bytes", MAX_BYTES))
    if sum(facts.sizes.values()) > most:
        yield f"scope.paths: {sum(facts.sizes.values())} bytes, at most {most} in one task; split it"


def _acceptance(facts: Facts) -> Iterator[str]:
    checks = [a.check for a in facts.planned.task.goal.acceptance if a.check is not None]
    for check in checks:
        try:
            words = shlex.split(check)
        except ValueError as error:
            yield f"goal.acceptance.check: {check!r}: {error}"
            continue
        if not words:
            yield "goal.acceptance.check: an empty command"
    flow = facts.planned.flow
    if not checks and facts.settings.get("checks"):
        yield f"goal.acceptance.check: the flow {flow.name} works against a command; give one: add … --check 'npm test'"
    if checks and "check.acceptance" not in {node.uses for node in flow.flow.nodes.values()}:
        yield f"goal.acceptance.check: the flow {flow.name} has no node that uses check.acceptance to run it"


def _limits(facts: Facts) -> Iterator[str]:
    ceilings = facts.policy.ceilings.model_dump()
    for name, asked in facts.planned.task.limits.model_dump().items():
        if asked is not None and asked > ceilings[name]:
            yield f"limits.{name}: {asked} asked, the policy allows {ceilings[name]}"


def _uses(facts: Facts) -> Iterator[str]:
    flow = facts.planned.flow
    for name, node in flow.flow.nodes.items():
        if node.uses not in facts.agents and node.uses not in facts.builtin:
            yield f"flow {flow.name}: nodes.{name}.uses: there is no agent or check {node.uses!r}"
    agent = facts.planned.task.agent
    if agent is not None and agent not in {node.uses for node in flow.flow.nodes.values()}:
        yield f"agent: the flow {flow.name} does not use {agent!r}"


def _best_of(facts: Facts) -> Iterator[str]:
    flow = facts.planned.flow
    specialists = {name for name, agent in facts.agents.items() if agent.kind == "specialist"}
    steps = expand(flow.flow)
    for step in steps:
        where = f"flow {flow.name}: nodes.{step.name}.best-of"
        if step.spec.best_of > 1 and step.spec.uses in facts.agents and step.spec.uses not in specialists:
            yield f"{where}: {step.spec.uses} is a reviewer; only a specialist has candidates"
        elif step.spec.best_of > 1 and (others := rivals(step, steps, specialists)):
            yield f"{where}: candidates start from the base commit, and {', '.join(others)} may write before them"


def _params(facts: Facts) -> Iterator[str]:
    """Every parameter is known to a specialist of the flow, and each gets what its contract asks for."""
    nodes = facts.planned.flow.flow.nodes.values()
    given = facts.planned.task.params
    schemas = []
    for node in nodes:
        agent = facts.agents.get(node.uses)
        if agent is not None and agent.kind == "specialist":
            schemas.append((agent.name, agent.contract.input, {**given, **node.with_}))
    for name, schema, params in schemas:
        known = schema.get("properties", {})
        alone = len(schemas) == 1
        mine = {key: value for key, value in params.items() if alone or key in known}
        for error in Draft202012Validator(schema).iter_errors(mine):
            where = ".".join(["params", *(str(part) for part in error.absolute_path)])
            yield f"{where}: {error.message} (contract of {name})"
    if len(schemas) != 1:
        everywhere = {key for _, schema, _ in schemas for key in schema.get("properties", {})}
        yield from (f"params.{key}: no agent of the flow knows it" for key in sorted(given.keys() - everywhere))


RULES: tuple[Callable[[Facts], Iterator[str]], ...] = (
    _uses,
    _best_of,
    _scope_exists,
    _scope_is_small,
    _acceptance,
    _limits,
    _params,
)
