"""`pantheon-git gate`: why the gate judged as it did."""

from __future__ import annotations

from typing import Any

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, style, table


@click.group()
def gate() -> None:
    """Say why the gate judged a job as it did."""


@gate.command()
@click.argument("task")
@JSON
@click.pass_context
def explain(ctx: click.Context, task: str, as_json: bool) -> int:
    """Judge a job again from the ledger alone, and show each rule with what it found.

    TASK is a task's id (its latest attempt) or a job ID.N. Shown are the target commit, whose pass was asked for, and
    the rates from which that follows. Exit code 1 when anything comes out otherwise than it was signed.
    """
    from pantheon_git.morning.explain import explain as judge
    from pantheon_git.repo.objects import Objects

    git = here(ctx).git
    found = judge(git, Objects(git), task).as_json()
    if as_json:
        print_json(found)
    else:
        _show(found)
    return 1 if found["differs"] else 0


def _show(found: dict[str, Any]) -> None:
    verdict = style("passes", fg="green") if found["passed"] else style("does not pass", fg="red")
    onto = f" onto {found['target'][:12]}" if found["target"] else ""
    click.echo(f"{found['job']} {verdict}{onto}")
    rows = [("ok" if rule["holds"] else "NO", rule["name"], rule["facts"] or rule["says"]) for rule in found["rules"]]
    click.echo(table(rows, ("", "RULE", "FACTS")))
    for rule in found["rules"]:
        for finding in rule["findings"]:
            click.echo(style(f"  {finding}", fg="red"))
    _acceptance(found["acceptance"], found["reviews"])
    for line in found["differs"]:
        click.echo(style(f"DIFFERS: {line}", fg="red", bold=True))
    if not found["differs"]:
        click.echo("comes out as it was signed")


def _acceptance(rule: dict[str, Any], reviews: list[dict[str, Any]]) -> None:
    click.echo()
    rows = []
    for one in reviews:
        shares = rule["rates"].get(one["reviewer"], {})
        asked = "must pass" if one["required"] else "no vote" if not one["has_vote"] else "may disagree"
        rows.append((one["node"], one["reviewer"], one["verdict"], asked,
                     *(shown(shares.get(name)) for name in ("false_approve", "false_reject", "balanced"))))  # fmt: skip
    click.echo(table(rows, ("NODE", "REVIEWER", "SAYS", "RULE", "FALSE APPROVE", "FALSE REJECT", "BALANCED")))
    click.echo(f"{rule['kind'] or 'change'}: {rule['says']}")
    if rule["escaped"] is not None:
        budget = f", budget {rule['budget']:.1%}" if rule["budget"] is not None else ""
        click.echo(f"at most {rule['escaped']:.1%} of what is accepted so may be bad{budget}")


def shown(share: list[float] | None) -> str:
    """`0.12 [0.05, 0.24] of 40`, from [of, point, low, high]."""
    if not share or not share[0]:
        return "not known"
    of, point, low, high = share
    return f"{point:.2f} [{low:.2f}, {high:.2f}] of {of:.0f}"
