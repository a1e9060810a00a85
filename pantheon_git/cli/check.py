"""`pantheon-git check`: all faults of queue, flows, agents and policy, one line each."""

from __future__ import annotations

import os

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json
from pantheon_git.errors import SpecError


@click.command()
@click.option("--staged", is_flag=True, help="Check what is staged, not the work tree (the pre-commit hook does).")
@JSON
@click.pass_context
def check(ctx: click.Context, staged: bool, as_json: bool) -> int:
    """Validate queue, flows, agents and policy; what the pre-commit hook runs.

    Every fault is one line, FILE:LINE:COL: PATH: MESSAGE, and the exit code is 1. Nothing is changed.
    """
    from pantheon_git.day import snapshot
    from pantheon_git.day.check import check as check_all

    at = here(ctx)
    index = {"GIT_INDEX_FILE": os.environ["GIT_INDEX_FILE"]} if "GIT_INDEX_FILE" in os.environ else None
    taken = snapshot.of_index(at.git, at.root, index) if staged else snapshot.of_work_tree(at.git, at.root)
    found = check_all(taken)
    if as_json:
        print_json({"ok": not found.faults, "faults": found.faults, "tasks": sorted(found.tasks)})
        return 1 if found.faults else 0
    if found.faults:
        count = len(found.faults)
        raise SpecError(found.faults, f"{count} fault{'s' * (count != 1)}; the keys are in: pantheon-git schema task")
    flows = sum(not flow.stock for flow in found.flows.values())
    agents = sum(agent.source != "stock" for agent in found.agents.values())
    click.echo(f"ok: {len(found.tasks)} tasks, {flows} flows and {agents} agents of this repository, and the policy")
    return 0
