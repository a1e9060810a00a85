"""What `bench reviewers` prints."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.output import print_json, table

if TYPE_CHECKING:
    from pantheon_git.day.rates import Accepted, Judge
    from pantheon_git.gate.intervals import Share
    from pantheon_git.gate.rates import Agreement


def run(folder: Path, good: Path | None, count: int, held_out: Any, as_json: bool, **options: Any) -> None:
    """Judge the cases and print the table, or JSON."""
    from pantheon_git.day import rates
    from pantheon_git.day.reviewers import judge_cases, load_documents, load_repositories, make_cases

    kind = options["kind"]
    changes = load_documents(folder, good) if kind == "frontmatter" else load_repositories(folder, kind)
    cases = make_cases(changes, count)
    live = sys.stderr.isatty()

    def progress(done: int) -> None:
        if live:
            click.echo(f"\r\x1b[K{done} of {2 * len(cases)} reviews\r", nl=False, err=True)

    judged = asyncio.run(judge_cases(cases, options["engine"], options["model_path"], progress))
    said = rates.held_out(cases, judged, held_out) if held_out else rates.as_bound(judged)
    judges, both = rates.judge(cases, said), rates.agree(cases, said)
    rule = rates.accepted(cases, said, options["budget"], held_out or "document")
    if as_json:
        print_json(_as_json(judges, both, rule))
    else:
        _show(judges, both, rule)


def _as_json(judges: list[Judge], both: Agreement, rule: Accepted) -> dict[str, Any]:
    return {
        "judges": [one.as_json() for one in judges],
        "agreement": {**vars(both), "kappa": both.kappa},
        "rule": {"required": list(rule.required), "says": rule.says, **rule.rates.record(),
                 "accepted_but_bad": vars(rule.bad)},
    }  # fmt: skip


def _show(judges: list[Judge], both: Agreement, rule: Accepted) -> None:
    from pantheon_git.day.rates import PRIOR

    rows = [(one.name, _shown(one.rates.false_approve), _shown(one.rates.false_reject), _shown(one.rates.balanced))
            for one in judges]  # fmt: skip
    click.echo(table(rows, ("JUDGE", "FALSE APPROVE", "FALSE REJECT", "BALANCED")))
    click.echo()
    named = [one for one in judges if one.name not in ("always passes", "a coin")]
    sorts = [(sort, f"{of.of}", *(_shown(one.caught[sort]) for one in named)) for sort, of in named[0].caught.items()]
    click.echo(table(sorts, ("FAULT", "PLANTED", *(f"CAUGHT BY {one.name.upper()}" for one in named))))
    click.echo()
    click.echo(f"agree on {both.both_pass + both.both_fail} of {both.of}, kappa {both.kappa:.2f}")
    click.echo(f"rule: {rule.says}")
    click.echo(f"held out, the rule approves {_shown(rule.rates.false_approve)} of the bad and rejects "
               f"{_shown(rule.rates.false_reject)} of the good")  # fmt: skip
    bad = rule.bad
    click.echo(f"accepted but bad, of 100 accepted: {100 * bad.point:.1f} [{100 * bad.low:.1f}, {100 * bad.high:.1f}], "
               f"where {100 * PRIOR:.0f} of 100 changes are bad")  # fmt: skip


def _shown(share: Share) -> str:
    return f"{share.point:.2f} [{share.low:.2f}, {share.high:.2f}]"
