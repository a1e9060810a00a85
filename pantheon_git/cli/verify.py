"""`pantheon-git verify`: every signature and every byte of the ledger, offline."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, say, style

if TYPE_CHECKING:
    from pantheon_git.morning.verified import Verification


@click.command()
@click.option("--night", metavar="NIGHT", help="Only this night.")
@click.option("--at", "anchor", metavar="OID", help="A head that the ledger once had: finds a rollback behind it.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what is wrong.")
@JSON
@click.pass_context
def verify(ctx: click.Context, night: str | None, anchor: str | None, quiet: bool, as_json: bool) -> int:
    """Check every signature and every byte of the ledger, offline.

    Works in any clone that fetched the refs, with the public keys in your list of trusted keys alone: envelopes, files,
    trees, the chain of each night, notes, commit signatures, branches, reviews. Everything that is wrong is named.
    What was verified good is remembered outside the repository, so that the next run finds a ledger that was rolled
    back; the first run of all cannot, and says so.

    Exit code: 0 good, 1 something is missing or malformed, 2 something is not what was signed.
    """
    from pantheon_git.morning.verified import verify_ledger

    progress = _progress if sys.stderr.isatty() and not quiet else None
    found = verify_ledger(here(ctx).git, night, anchor, progress)
    if as_json:
        print_json(_as_json(found))
        return found.summary.exit_code
    for verdict in found.wrong:
        say(f"{style('wrong:', fg='red')} {verdict}")
    found.summary.raise_first()
    if not quiet:
        _tell(found)
    return 0


def _progress(night: str, done: int) -> None:
    if done % 50 == 0:
        click.echo(f"\r\x1b[K{night}: {done} jobs\r", nl=False, err=True)


def _as_json(found: Verification) -> dict[str, object]:
    summary = found.summary
    return {
        "jobs": summary.jobs,
        "good": summary.good,
        "exit_code": summary.exit_code,
        "not_proven": list(summary.remarks),
        "wrong": [asdict(verdict) for verdict in found.wrong],
    }


def _tell(found: Verification) -> None:
    summary = found.summary
    if not summary.jobs:
        click.echo("good: the ledger holds no job yet")
        return
    click.echo(f"{style('good', fg='green')}: {summary.good} of {summary.jobs} jobs are what was signed")
    for remark in summary.remarks:
        click.echo(f"not proven: {remark}")
