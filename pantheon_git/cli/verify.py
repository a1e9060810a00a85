"""`pantheon-git verify`: every signature and every byte of the ledger, offline."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, say, style


@click.command()
@click.option("--night", metavar="NIGHT", help="Only this night.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what is wrong.")
@JSON
@click.pass_context
def verify(ctx: click.Context, night: str | None, quiet: bool, as_json: bool) -> int:
    """Check every signature and every byte of the ledger, offline.

    Works in any clone that fetched the refs, with the public keys in your list of trusted keys alone: envelopes, files,
    trees, the chain of each night, notes, commit signatures, branches, reviews. It names every thing that is wrong, the
    first one last.

    Exit code: 0 good, 1 something is missing or malformed, 2 something is not what was signed.
    """
    from pantheon_git.ledger.trust import TrustedKeys
    from pantheon_git.ledger.verify import Summary
    from pantheon_git.ledger.verify import verify as verify_ledger
    from pantheon_git.morning.collect import find_night
    from pantheon_git.repo import paths
    from pantheon_git.repo.objects import Objects

    git = here(ctx).git
    objects, keys = Objects(git), TrustedKeys.load(paths.trust_file())
    name = find_night(git, objects, night).night if night else None
    summary, rows = Summary(), []
    progress = _progress if sys.stderr.isatty() and not quiet else None
    for verdict in verify_ledger(git, keys, night=name, progress=progress, objects=objects):
        summary.add(verdict)
        if not verdict.ok:
            rows.append(asdict(verdict))
            say(f"{style(verdict.kind, fg='red')}: {verdict}")
    if as_json:
        counts = {"jobs": summary.jobs, "good": summary.good, "exit_code": summary.exit_code}
        print_json({**counts, "not_proven": list(summary.remarks), "wrong": rows})
        return summary.exit_code
    summary.raise_first()
    if not quiet:
        _tell(summary)
    return 0


def _progress(done: int, total: int) -> None:
    if done % 50 == 0:
        click.echo(f"\r{done} jobs", nl=False, err=True)


def _tell(summary: Any) -> None:
    if not summary.jobs:
        click.echo("good: the ledger holds no job yet")
        return
    click.echo(f"{style('good', fg='green')}: {summary.good} of {summary.jobs} jobs are what was signed")
    for remark in summary.remarks:
        click.echo(f"not proven: {remark}")
