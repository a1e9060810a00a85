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
    from pantheon_git.ledger.anchor import marks_file, write_marks
    from pantheon_git.ledger.trust import TrustedKeys
    from pantheon_git.ledger.verify import Summary
    from pantheon_git.ledger.verify import verify as verify_ledger
    from pantheon_git.morning.collect import find_night
    from pantheon_git.repo import paths
    from pantheon_git.repo.objects import Objects
    from pantheon_git.repo.refs import read_refs

    git = here(ctx).git
    objects, keys = Objects(git), TrustedKeys.load(paths.trust_file())
    name = find_night(git, objects, night).night if night else None
    summary, rows = Summary(), []
    progress = _progress if sys.stderr.isatty() and not quiet else None
    refs, marks = read_refs(git), marks_file(git)
    for verdict in verify_ledger(
        git, keys, night=name, progress=progress, at=anchor, high_water=marks, objects=objects
    ):
        summary.add(verdict)
        if not verdict.ok:
            rows.append(asdict(verdict))
            say(f"{style('wrong:', fg='red')} {verdict}")
    if summary.first is None and name is None:
        write_marks(marks, refs)
    if as_json:
        counts = {"jobs": summary.jobs, "good": summary.good, "exit_code": summary.exit_code}
        print_json({**counts, "not_proven": list(summary.remarks), "wrong": rows})
        return summary.exit_code
    summary.raise_first()
    if not quiet:
        _tell(summary)
    return 0


def _progress(night: str, done: int) -> None:
    if done % 50 == 0:
        click.echo(f"\r\x1b[K{night}: {done} jobs\r", nl=False, err=True)


def _tell(summary: Any) -> None:
    if not summary.jobs:
        click.echo("good: the ledger holds no job yet")
        return
    click.echo(f"{style('good', fg='green')}: {summary.good} of {summary.jobs} jobs are what was signed")
    for remark in summary.remarks:
        click.echo(f"not proven: {remark}")
