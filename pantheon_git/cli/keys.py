"""`pantheon-git keys`: who signs here, and whom this machine trusts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli import keys_change
from pantheon_git.cli.output import JSON, print_json, say, table

if TYPE_CHECKING:
    from pantheon_git.ledger.trust import TrustedKey, TrustedKeys


@click.group(invoke_without_command=True)
@click.pass_context
def keys(ctx: click.Context) -> None:
    """Show, export and trust the keys that sign; rotate, revoke and protect your own.

    Alone it is `keys list`. There are two roles: the night's key signs what jobs made, a person's key signs reviews and
    merges. All of it lies outside every work tree: nothing that a job or a colleague commits can change whom you trust.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


keys.add_command(keys_change.rotate)
keys.add_command(keys_change.revoke)
keys.add_command(keys_change.protect)
keys.add_command(keys_change.agent)


@keys.command("list")
@JSON
@click.pass_context
def list_(ctx: click.Context, as_json: bool = False) -> None:
    """List your own keys and the keys that you trust, with their roles and the time for which they count."""
    from pantheon_git.errors import PantheonError
    from pantheon_git.ledger.signing import agent_socket
    from pantheon_git.repo import paths

    night = paths.night_key()
    if not night.exists() and not night.with_name("night.pub").exists():
        raise PantheonError(f"there is no key yet: {night}", "pantheon-git init, in a repository")
    git = keys_change.repository(ctx)
    own = [_own(role, path) for role, path in (("night", night), ("person", paths.person_key()))]
    trusted = _trusted(_ring(git))
    if as_json:
        socket = agent_socket(git)
        files = {"allowed_signers": str(paths.trust_file()), "agent": str(socket) if socket else None}
        print_json({"own": own, "trusted": trusted, **files})
        return
    click.echo(table([(k["role"], k["key_id"], k["held"], k["path"]) for k in own], ("OWN KEY", "ID", "HELD", "FILE")))
    click.echo()
    rows = [(k["principals"], k["key_id"], k["from"] or "", k["until"] or "", k["revoked"] or "") for k in trusted]
    click.echo(table(rows, ("TRUSTED AS", "ID", "FROM", "UNTIL", "REVOKED SINCE")))
    if own[0]["key_id"] == own[1]["key_id"]:
        say("note: nights and reviews are signed with one key here: fine on one person's laptop; to part them:")
        say("next: pantheon-git keys rotate --person")


keys.add_command(list_, "show")


def _own(role: str, path: Path) -> dict[str, Any]:
    from pantheon_git.ledger.keys import is_locked, load_private, load_public

    public = load_public(path.with_name(path.name + ".pub"))
    if not path.exists():
        held = "ssh-agent only"
    elif is_locked(path.read_bytes()):
        held = "under a passphrase"
    else:
        held = "file"
        public = load_private(path).public  # refuses a file that is open to others
    return {"role": role, "key_id": public.key_id, "held": held, "path": str(path)}


def _ring(git: Any) -> TrustedKeys:
    """With the records of this repository, where there is one; else with this user's copies."""
    from pantheon_git.ledger import keyring
    from pantheon_git.ledger.key_records import read_local
    from pantheon_git.ledger.trust import TrustedKeys
    from pantheon_git.repo import paths
    from pantheon_git.repo.objects import Objects

    if git is None:
        return keyring.apply(TrustedKeys.load(paths.trust_file()), read_local()).keys
    found = keyring.trusted(git, Objects(git))
    for fault in found.faults:
        say(f"note: {fault.ref}: {fault.problem}")
    return found.keys


def _trusted(ring: TrustedKeys) -> list[dict[str, Any]]:
    from pantheon_git.ledger.trust import clock

    def told(entry: TrustedKey) -> dict[str, Any]:
        revoked = ring.revoked.get(entry.key.key_id)
        return {
            "principals": ", ".join(entry.principals),
            "key_id": entry.key.key_id,
            "from": clock(entry.valid_after) if entry.valid_after else None,
            "until": clock(entry.valid_before) if entry.valid_before else None,
            "revoked": None if revoked is None else "ever" if revoked.since <= 1 else clock(revoked.since),
        }

    return [told(entry) for entry in ring.entries]


@keys.command()
@click.option("--person", is_flag=True, help="The key of your reviews, in place of the night's.")
def export(person: bool) -> None:
    """Print a public key as one line of an allowed_signers file, for `keys trust` on another machine."""
    from pantheon_git.ledger.keys import load_public
    from pantheon_git.ledger.signing import public_of
    from pantheon_git.ledger.trust import NIGHT, PERSON
    from pantheon_git.repo import paths

    night, mine = load_public(public_of(paths.night_key())), load_public(public_of(paths.person_key()))
    roles = f"{NIGHT},{PERSON}" if night == mine else PERSON if person else NIGHT
    click.echo(f'{roles} namespaces="git" {(mine if person else night).line()}')


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
