"""`pantheon-git sync`: exchange the ledger with another clone."""

from __future__ import annotations

from dataclasses import asdict

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, say, style
from pantheon_git.cli.settled import settled


@click.command()
@click.argument("remote", default="origin")
@click.option("--no-push", is_flag=True, help="Take only: write nothing at the remote.")
@JSON
@click.pass_context
def sync(ctx: click.Context, remote: str, no_push: bool, as_json: bool) -> int:
    """Exchange nights, notes and reviews with a remote, never by force.

    Plain `git push` and `git fetch` leave the ledger where it is; this pushes and fetches it. Notes of both sides are
    united. What went two ways (both ran the same task, both decided about one PR) is named and left as it is, and the
    exit code is 1. PR branches do not travel; those of open PRs are made from the ledger.
    """
    from pantheon_git.cli.passphrase import asker
    from pantheon_git.day.sync import sync as exchange
    from pantheon_git.ledger.signing import night_signer
    from pantheon_git.repo.objects import Objects

    settled(here(ctx))
    git = here(ctx).git
    done = exchange(git, Objects(git), night_signer(git, asker()), remote, push=not no_push)
    if as_json:
        print_json(asdict(done))
        return 1 if done.apart else 0
    for ref in done.apart:
        say(f"{style('apart:', fg='yellow')} {ref} went two ways here and at {remote}; nothing was done to it")
    united = ", the notes of both sides united" if done.united else ""
    click.echo(f"took {len(done.taken)} refs from {remote}, pushed {len(done.pushed)}{united}")
    for line in done.keys:
        say(f"keys: {line}")
    if done.branches:
        click.echo(f"branches made: {', '.join(done.branches)}")
    if done.taken:
        say("next: pantheon-git verify")
    return 1 if done.apart else 0
