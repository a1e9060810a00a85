"""`pantheon-git verify`: every signature and every byte of the ledger, offline."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, json_text, printable, say, style

if TYPE_CHECKING:
    from pantheon_git.ledger.verdict import Summary
    from pantheon_git.morning.verified import Verification


@click.command()
@click.option("--night", metavar="NIGHT", help="Only this night.")
@click.option("--at", "anchor", metavar="OID", help="A head that the ledger once had: finds a rollback behind it.")
@click.option("--gate", is_flag=True, help="Judge every job anew as well: slower, one merge a job.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what is wrong.")
@JSON
@click.pass_context
def verify(ctx: click.Context, night: str | None, anchor: str | None, gate: bool, quiet: bool, as_json: bool) -> int:
    """Check every signature and every byte of the ledger, offline.

    Works in any clone that fetched the refs, with the public keys in your list of trusted keys alone: envelopes, files,
    trees, the chain of each night, notes, commit signatures, branches, reviews. Everything that is wrong is named.
    What was verified good is remembered outside the repository, so that the next run finds a ledger that was rolled
    back; the first run of all cannot, and says so.

    Notes do not follow a rebase, squash, amend or cherry-pick: where a job's change stands in another commit now, it is
    found by trailer or by patch and said to be rewritten, which is no tampering.

    Signatures say who judged, not that the judgement was right: with `--gate` the gate's rules are applied once more to
    what the ledger and the commits that it names hold, and each verdict is compared with the one that was signed.

    `--json` prints one line for each verdict as it falls (on a job, a night, the ledger), and {"summary": …} last.

    Exit code: 0 good, 1 something is missing or malformed, 2 something is not what was signed.
    """
    from pantheon_git.morning.verified import verify_ledger

    progress = _progress if sys.stderr.isatty() and not quiet else None
    git = here(ctx).git
    if as_json:
        found = verify_ledger(git, night, anchor, progress, lambda verdict: _line(asdict(verdict)), gate)
        _line({"summary": _as_json(found.summary)})
        return found.summary.exit_code
    found = verify_ledger(git, night, anchor, progress, gate=gate)
    for verdict in found.wrong:
        say(f"{style('wrong:', fg='red')} {printable(str(verdict))}")
    said = found.summary.first.hint if found.summary.first else ""
    for hint in sorted({verdict.hint for verdict in found.wrong} - {"", said}):
        say(printable(hint))
    found.summary.raise_first()
    if not quiet:
        _tell(found)
    return 0


def _progress(night: str, done: int) -> None:
    if done % 50 == 0:
        click.echo(f"\r\x1b[K{night}: {done} jobs\r", nl=False, err=True)


def _line(data: dict[str, object]) -> None:
    click.echo(json_text(data))


def _as_json(summary: Summary) -> dict[str, object]:
    return {
        "jobs": summary.jobs,
        "good": summary.good,
        "exit_code": summary.exit_code,
        "first": asdict(summary.first) if summary.first else None,
        "rewritten": list(summary.rewritten),
        "not_proven": list(summary.remarks),
    }


def _tell(found: Verification) -> None:
    summary = found.summary
    if not summary.jobs:
        click.echo("good: the ledger holds no job yet")
        return
    click.echo(f"{style('good', fg='green')}: {summary.good} of {summary.jobs} jobs are what was signed")
    for told in summary.rewritten:
        click.echo(f"rewritten: {printable(told)}")
    for remark in summary.remarks:
        click.echo(f"not proven: {remark}")
