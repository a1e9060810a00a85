"""`pantheon-git reviewers`: how good the reviewers are, and whose pass the gate asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.gate import shown
from pantheon_git.cli.output import JSON, print_json, style, table

if TYPE_CHECKING:
    from pantheon_git.gate.intervals import Share
    from pantheon_git.morning.reviewers import Reviewers


@click.command()
@JSON
@click.pass_context
def reviewers(ctx: click.Context, as_json: bool) -> None:
    """Say how often each reviewer errs, and whose pass counts.

    From signed records alone: the known-bad and known-good changes that nights showed to their reviewers, and what you
    merged and rejected. Shares come with 95 % intervals (Wilson). Drift compares the earlier nights with the later.
    """
    from pantheon_git.morning.reviewers import as_json as whole
    from pantheon_git.morning.reviewers import collect
    from pantheon_git.night.plan import read_policy, resolve_target
    from pantheon_git.repo.objects import Objects
    from pantheon_git.spec.policy import Policy

    at = here(ctx)
    objects = Objects(at.git)
    base = objects.resolve(resolve_target(at.git, at.config.target))
    policy = read_policy(objects, objects.commit(base).tree)[0] if base else Policy()
    found = collect(at.git, objects, policy.gate)
    if as_json:
        print_json(whole(found))
    else:
        _show(found)


def _show(found: Reviewers) -> None:
    if not found.plants:
        click.echo("nothing is known yet: no night has shown its reviewers a change whose worth is known")
        return
    rows = [
        (one.kind, one.reviewer, "yes" if one.has_vote else "NO", _share(one.rates.false_approve),
         _share(one.rates.false_reject), _share(one.rates.balanced))
        for one in found.standings
    ]  # fmt: skip
    click.echo(table(rows, ("KIND", "REVIEWER", "VOTE", "FALSE APPROVE", "FALSE REJECT", "BALANCED")))
    for one in found.standings:
        told = ", ".join(f"{sort} {count} of {of}" for sort, (count, of) in one.caught.items())
        click.echo(f"{one.reviewer} caught of {one.kind}: {told or 'nothing was planted'}")
    for pair in found.pairs:
        drift = f", {pair.before.kappa:.2f} before and {pair.since.kappa:.2f} since" if pair.before.of else ""
        click.echo(f"{pair.first} and {pair.second} agree on {pair.all.both_pass + pair.all.both_fail} of {pair.all.of}"
                   f" (kappa {pair.all.kappa:.2f}{drift})")  # fmt: skip
    for rule in found.rules:
        bad = "" if rule.within_budget or rule.cold else style(" BUDGET NOT KEPT", fg="red")
        click.echo(f"rule for {rule.kind}: {rule.says}{bad}")
    click.echo(f"{found.plants} plants in {found.nights} nights cost {found.seconds:.1f} s of reviewers' time")


def _share(share: Share) -> str:
    return shown([share.of, share.point, share.low, share.high])
