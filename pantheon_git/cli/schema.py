"""`pantheon-git schema`: JSON Schemas, so that editors complete and check what a person writes."""

from __future__ import annotations

import click

from pantheon_git.cli.output import print_json
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.base import Spec, json_schema
from pantheon_git.spec.config import Config
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.policy import Policy
from pantheon_git.spec.task import Task

SPECS: dict[str, type[Spec]] = {"task": Task, "flow": Flow, "agent": Agent, "policy": Policy, "config": Config}


@click.command()
@click.argument("name", type=click.Choice(list(SPECS)), metavar="|".join(SPECS))
def schema(name: str) -> None:
    """Print the JSON Schema of a file that you write, for your editor.

    \b
    pantheon-git schema task > .pantheon/task.schema.json
    and as the first line of a task:  #:schema ../task.schema.json
    (understood by Taplo and by Even Better TOML)
    """
    print_json(json_schema(SPECS[name], f"pantheon-git {name}"))
