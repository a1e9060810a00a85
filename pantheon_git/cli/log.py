"""`pantheon-git log`: recorded jobs, newest night first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.output import JSON, print_json, say, table


@click.command()
@click.argument("task", required=False)
@click.option("-n", "count", type=click.IntRange(1), default=30, show_default=True, help="At most so many jobs.")
@click.option("--night", metavar="NIGHT", help="Only this night.")
@click.option("--failed", is_flag=True, help="Only jobs that stopped, were refused or broke.")
@JSON
@click.pass_context
def log(ctx: click.Context, task: str | None, count: int, night: str | None, failed: bool, as_json: bool) -> None:
    """List recorded jobs, newest night first, failures included.

    TASK shows the attempts of one task only. The same is in git itself: git log --notes=pantheon
    Notes do not follow a rebase, squash, amend or cherry-pick; where a job's commit was rewritten, this says as what.
    """
    rows = list(itertools.islice(_rows(here(ctx), task, night, failed), count))
    _rewritten(here(ctx), rows)
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("no such job is recorded" if task or night or failed else "no night is recorded here")
        say("next: pantheon-git run")
        return
    cells = [(r["night"], r["job"], r["ending"], r["state"], r["title"]) for r in rows]
    click.echo(table(cells, ("NIGHT", "JOB", "ENDING", "STATE", "TITLE")))
    for row in rows:
        if row["rewritten"]:
            say(row["rewritten"])
    if len(rows) == count:
        say(f"the {count} newest; more: pantheon-git log -n {count * 10}")


def _rewritten(at: Here, rows: list[dict[str, Any]]) -> None:
    """Say of each row, under `rewritten`, as what its commit lives on; None where it is what was recorded."""
    from pantheon_git.ledger import whereabouts
    from pantheon_git.repo.objects import Objects

    commits = {row["job"]: row["commit"] for row in rows if row["commit"]}
    found = whereabouts.rewritten(at.git, Objects(at.git), commits)
    for row in rows:
        row["rewritten"] = str(found[row["job"]]) if row["job"] in found else None


def _rows(at: Here, task: str | None, night: str | None, failed: bool) -> Iterator[dict[str, Any]]:
    from pantheon_git.ledger import meta, read
    from pantheon_git.morning.collect import find_night
    from pantheon_git.repo.objects import Objects

    objects = Objects(at.git)
    states = meta.all_meta(at.git, objects)
    nights = [find_night(at.git, objects, night)] if night else read.nights(at.git, objects)
    for info in sorted(nights, key=lambda one: (-one.opened, one.night)):
        for entry in read.jobs(at.git, objects, info.night):
            if (task and task not in (entry.task, entry.job)) or (failed and entry.ending in ("pr", "unchanged")):
                continue
            fresh = "open" if entry.ending == "pr" else ""
            state = states[entry.job].state if entry.job in states else fresh
            yield {
                "night": entry.night,
                "job": entry.job,
                "ending": entry.ending,
                "state": state,
                "stopped_at": entry.stopped_at,
                "reason": entry.reason,
                "title": entry.title,
                "commit": entry.commit,
            }
