"""`pantheon-git replay`: a recorded job again, by day."""

from __future__ import annotations

import asyncio

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, printable, say, table


@click.command()
@click.argument("job", metavar="TASK[:NODE]")
@click.option("--jail", type=click.Choice(["auto", "bubblewrap", "namespaces"]), help="Kind of jail; never none.")
@JSON
@click.pass_context
def replay(ctx: click.Context, job: str, jail: str | None, as_json: bool) -> int:
    """Run a recorded job again from its recorded answers, and compare.

    The same base, flow and kind of jail; the model's answers are the recorded ones, so no model is needed. Nothing is
    written to the ledger and no ref moves. Exit code 1 when a node comes out otherwise.
    """
    from pantheon_git.night.replay import replay as replay_job

    at = here(ctx)
    found = asyncio.run(replay_job(at.git, job, jail or at.config.jail))
    if as_json:
        nodes = [
            {
                "name": n.name,
                "recorded": n.recorded,
                "replayed": n.replayed,
                "differs": list(n.differs),
                "redacted": list(n.redacted),
            }
            for n in found.nodes
        ]
        print_json({"job": found.job, "night": found.night, "ending": found.ending, "same": found.same, "nodes": nodes})
        return 0 if found.same else 1
    rows = [
        (n.name, n.recorded, n.replayed or "-", "same" if n.same else f"differs: {', '.join(n.differs) or 'verdict'}")
        for n in found.nodes
    ]
    click.echo(table(rows, ("NODE", "RECORDED", "REPLAYED", "")))
    for node in found.nodes:
        if node.redacted:
            say(f"{node.name}: recorded without the secrets in {', '.join(node.redacted)}: compared as redacted")
        if node.recorded != "pass" or not node.same:
            say(f"{node.name}: {printable(node.reason.splitlines()[0]) if node.reason else 'no reason given'}")
    verdict = "came out the same" if found.same else "came out otherwise"
    click.echo(f"{found.job} of night {found.night} {verdict}")
    return 0 if found.same else 1
