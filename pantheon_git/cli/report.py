"""`pantheon-git report`: the morning."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.output import JSON, color_wanted, counts, print_json, printable, say, style, table
from pantheon_git.cli.settled import told

if TYPE_CHECKING:
    from pantheon_git.morning.metrics import Report


@click.command()
@click.argument("night", required=False)
@click.option("--list", "list_", is_flag=True, help="List the nights that are recorded.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write Markdown into this file.")
@click.option("--no-verify", is_flag=True, help="Skip the verification; the report says so.")
@JSON
@click.pass_context
def report(
    ctx: click.Context,
    night: str | None,
    list_: bool,
    markdown: bool,
    output: Path | None,
    no_verify: bool,
    as_json: bool,
) -> int:
    """Read what the night did, from its signed records alone.

    NIGHT is a name or its beginning; without it, the newest. The night is verified first: exit code 2 when something
    does not match what was signed. A night that went badly or was cut off says so in its first line.
    """
    at = here(ctx)
    told(at)
    if list_:
        return _list(at, as_json)
    missed = _missed(at)
    found = _collect(at, night, verify=not no_verify)
    if as_json:
        from pantheon_git.morning.metrics import as_json as whole

        print_json({**whole(found), "missed": missed})
    elif markdown or output:
        _markdown(found, output)
    else:
        _terminal(found)
        if found.status == "open":
            _whether_it_runs(at)
    return 2 if found.good is False else 0


def _missed(at: Here) -> float | None:
    """When an installed night should have started and did not, said before anything else."""
    from pantheon_git.cli.night import not_started
    from pantheon_git.night import schedule

    record = schedule.installed()
    if record is None or not record.concerns(at.git):
        return None
    due = schedule.missed(record, schedule.read_attempt(Path(record.clone)))
    if due is not None:
        say(f"{style('MISSED:', fg='red')} {not_started(due)}; pantheon-git night status")
    return due


def _whether_it_runs(at: Here) -> None:
    """Of a night that is not closed: the ledger cannot say which it is."""
    from pantheon_git.night.lease import at_work
    from pantheon_git.repo import paths

    who = at_work(paths.state_dir(at.git))
    if who is not None:
        say(f"{style('running:', fg='yellow')} {printable(str(who))}")
    else:
        say(f"{style('cut off:', fg='red')} no runner is at work here; pantheon-git run closes it and does the rest")


def _collect(at: Here, night: str | None, *, verify: bool) -> Report:
    from pantheon_git.morning.collect import collect, find_night
    from pantheon_git.morning.verified import verified
    from pantheon_git.repo.objects import Objects

    objects = Objects(at.git)
    found = collect(at.git, objects, find_night(at.git, objects, night))
    return verified(at.git, objects, found) if verify else found


def _markdown(found: Report, output: Path | None) -> None:
    from pantheon_git.morning.markdown import render

    if output is None:
        click.echo(render(found), nl=False)
    else:
        output.write_text(render(found), encoding="utf-8")
        say(f"wrote {output}")


def _terminal(found: Report) -> None:
    from rich.console import Console

    from pantheon_git.morning.terminal import render

    render(found, Console(no_color=not color_wanted(), highlight=False))


def _list(at: Here, as_json: bool) -> int:
    from pantheon_git.ledger import read
    from pantheon_git.repo.objects import Objects

    nights = read.nights(at.git, Objects(at.git))
    told = [
        {"night": i.night, "state": i.state, "opened": i.opened, "endings": {k: len(v) for k, v in i.endings.items()}}
        for i in sorted(nights, key=lambda info: -info.opened)
    ]
    if as_json:
        print_json(told)
        return 0
    rows = [
        (i.night, i.state, time.strftime("%Y-%m-%d %H:%M", time.localtime(i.opened)),
         counts({k: len(v) for k, v in i.endings.items()}))
        for i in sorted(nights, key=lambda info: -info.opened)
    ]  # fmt: skip
    click.echo(table(rows, ("NIGHT", "STATE", "STARTED", "JOBS")) if rows else "no night is recorded here")
    return 0
