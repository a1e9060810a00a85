"""`pantheon-git keys`: who signs here, and whom this machine trusts."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pantheon_git.cli.output import JSON, print_json, say, table


@click.group(invoke_without_command=True)
@click.pass_context
def keys(ctx: click.Context) -> None:
    """Show, export and trust the keys that sign.

    Alone it is `keys show`.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@keys.command()
@JSON
def show(as_json: bool = False) -> None:
    """Show your own keys and the keys that you trust.

    All of them lie outside every work tree: nothing that a job or a colleague commits can change whom you trust.
    """
    from pantheon_git.errors import PantheonError
    from pantheon_git.ledger.keys import load_private
    from pantheon_git.ledger.trust import TrustedKeys
    from pantheon_git.repo import paths

    night, person, signers = paths.night_key(), paths.person_key(), paths.trust_file()
    if not night.exists():
        raise PantheonError(f"there is no key yet: {night}", "pantheon-git init, in a repository")
    own = [(role, load_private(path).key_id, str(path)) for role, path in (("night", night), ("person", person))]
    trusted = [(", ".join(entry.principals), entry.key.key_id) for entry in TrustedKeys.load(signers).entries]
    if as_json:
        print_json(
            {
                "own": [{"role": role, "key_id": key_id, "path": path} for role, key_id, path in own],
                "trusted": [{"principals": principals, "key_id": key_id} for principals, key_id in trusted],
                "allowed_signers": str(signers),
            }
        )
        return
    click.echo(table(own, ("OWN KEY", "ID", "FILE")))
    click.echo()
    click.echo(table(trusted, ("TRUSTED AS", "ID")))
    if own[0][1] == own[1][1]:
        say("note: nights and reviews are signed with one key here: fine on one person's laptop")


@keys.command()
@click.option("--person", is_flag=True, help="The key of your reviews, in place of the night's.")
def export(person: bool) -> None:
    """Print a public key as one line of an allowed_signers file, for `keys trust` on another machine."""
    from pantheon_git.ledger.keys import load_private
    from pantheon_git.ledger.trust import NIGHT, PERSON
    from pantheon_git.repo import paths

    night, mine = load_private(paths.night_key()), load_private(paths.person_key())
    same = night.key_id == mine.key_id
    roles = f"{NIGHT},{PERSON}" if same else PERSON if person else NIGHT
    click.echo(f'{roles} namespaces="git" {(mine if person else night).public_line}')


@keys.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
def trust(file: str, yes: bool) -> None:
    """Trust the keys in FILE (`-`: standard input), lines as `keys export` prints them.

    Compare the ids that it shows with those that the other person reads to you. Whoever holds a trusted key can sign
    nights or reviews that you will take for genuine.
    """
    from pantheon_git.errors import PantheonError
    from pantheon_git.ledger import trust as trusting
    from pantheon_git.repo import paths

    text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    found = trusting.TrustedKeys.parse(text, file).entries
    for entry in found:
        roles = tuple(role for role in (trusting.NIGHT, trusting.PERSON) if role in entry.principals)
        if not roles:
            raise PantheonError(f"{file}: {entry.key.key_id} is for neither {trusting.NIGHT} nor {trusting.PERSON}")
        say(f"{entry.key.key_id} as {' and '.join(roles)}")
        if not yes and not click.confirm("trust it?", err=True):
            raise click.Abort
        added = trusting.trust(paths.trust_file(), entry.key, roles)
        click.echo(f"{'trusted' if added else 'trusted already'}: {entry.key.key_id}")
