"""`pantheon-git hook NAME`: what the installed hooks call. Not for people, so not in the help."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import printable

HINTS = {
    "reference-transaction": "see pantheon-git verify; it and pr merge find what is done without this hook",
    "pre-receive": "pantheon-git verify in the clone that you push from, then pantheon-git sync",
    "pre-push": "pantheon-git verify; to push all the same: git push --no-verify",
}


@click.command(hidden=True)
@click.argument("name", type=click.Choice(sorted(HINTS)))
@click.pass_context
def hook(ctx: click.Context, name: str) -> int:
    """Judge moves of refs, for the installed hooks.

    Reads the lines that git gives the hook NAME on standard input. Exit code 1 refuses them.
    """
    from pantheon_git.day.pushguard import push_faults
    from pantheon_git.day.refguard import Watch, read_moves
    from pantheon_git.ledger.keyring import trusted
    from pantheon_git.repo import paths
    from pantheon_git.repo.git import Git
    from pantheon_git.repo.objects import Objects

    where = os.environ.get("GIT_DIR")
    git = Git.discover(Path(where).absolute()) if where else here(ctx).git
    objects = Objects(git)
    trusts = paths.trust_file().exists()
    lines = [line for line in sys.stdin.read().splitlines() if line]
    if name == "pre-push":
        found = list(push_faults(git, objects, trusted(git, objects).keys, lines))
    else:
        keys = trusted(git, objects).keys if trusts else None
        found = list(Watch(git, objects, keys, branches=name == "pre-receive").faults(read_moves(git, lines)))
    for ref, reason in found:
        click.echo(f"pantheon-git: {printable(ref)}: {printable(reason)}", err=True)
    if found:
        click.echo(f"hint: {HINTS[name]}", err=True)
    return 1 if found else 0
