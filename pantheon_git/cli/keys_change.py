"""`pantheon-git keys rotate|revoke|protect|agent`: changes to your own keys, offline, each signed by a trusted key."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import say
from pantheon_git.cli.passphrase import asker, new_passphrase
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.ledger.key_change import House
    from pantheon_git.ledger.keys import PublicKey
    from pantheon_git.repo.git import Git

PERSON = click.option("--person", is_flag=True, help="The key of your reviews, in place of the night's.")


def repository(ctx: click.Context) -> Git | None:
    """The repository we stand in, if in any: keys are a user's, not a repository's."""
    from pantheon_git.repo.git import Git

    try:
        return Git.discover(here(ctx).cwd)
    except PantheonError:
        return None


@click.command()
@PERSON
@click.option("-m", "--reason", default="", metavar="TEXT", help="Why; recorded and signed.")
@click.pass_context
def rotate(ctx: click.Context, person: bool, reason: str) -> None:
    """Make a new key in place of the old one, which signs for it.

    What the old key has signed stays good; what it signs from now on does not count. The record travels with the ledger
    (`sync`), so that whoever trusts the old key comes to trust the new one. Where one key serves nights and reviews,
    --person parts them. The old private key is kept in keys/retired/; after a theft, `keys revoke` it too.
    """
    from pantheon_git.ledger import key_change
    from pantheon_git.ledger.keys import is_locked
    from pantheon_git.ledger.signing import night_signer, person_signer
    from pantheon_git.repo import paths

    git = repository(ctx)
    with _alone(git):
        old = (person_signer if person else night_signer)(git, asker())
        path = paths.person_key() if person else paths.night_key()
        locked = not path.exists() or is_locked(path.read_bytes())
        words = new_passphrase("the new key") if locked else None
        new, record, done = key_change.rotate(_house(ctx, git), old, person, words, reason)
    click.echo(f"rotated: {record}")
    _tell(git, done)
    if locked:
        say(f"the new key is under your passphrase too; if an ssh-agent signs: ssh-add {paths.keys_dir()}/…")
    say(f"next: pantheon-git sync, or on each machine that trusts you: pantheon-git keys trust (id {new.key_id})")


@click.command()
@click.argument("key", metavar="KEY", default="night")
@click.option("--since", metavar="DATE", help="Its signatures from then on do not count; absent: from now on.")
@click.option("--at", "oid", metavar="OID", help="The last commit of the ledger that you believe, in place of a date.")
@click.option("--all", "ever", is_flag=True, help="Nothing that it ever signed counts.")
@click.option("-m", "--reason", default="", metavar="TEXT", help="Why; recorded and signed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def revoke(
    ctx: click.Context, key: str, since: str | None, oid: str | None, ever: bool, reason: str, yes: bool
) -> None:
    """Revoke a key: `night`, `person`, an id SHA256:… (its beginning is enough) or a .pub file.

    A person's key may revoke any key, every key itself. Run it in the repository: the record then names what its ledger
    holds, and an entry that turns up later with an early date does not count either. For a stolen key: first
    `keys rotate`, then revoke the old one.
    """
    from pantheon_git.ledger import key_change
    from pantheon_git.ledger.signing import person_signer
    from pantheon_git.repo.objects import Objects

    if sum((since is not None, oid is not None, ever)) > 1:
        raise click.UsageError("--since, --at and --all exclude one another")
    git = repository(ctx)
    public = _named(key)
    moment = 0 if ever else _moment(since) if since else int(time.time())
    heads = None
    if git is not None and not ever:
        heads, after = key_change.heads_at(git, Objects(git), oid)
        moment = after or moment
    elif oid:
        raise PantheonError("--at names a commit of a ledger, and this is no repository", "cd into it")
    if not yes:
        click.confirm(
            f"revoke {public.key_id} {'altogether' if ever else f'from {_iso(moment)} on'}?", True, abort=True
        )
    with _alone(git):
        house, signer = _house(ctx, git), person_signer(git, asker())
        record, done = key_change.revoke(house, signer, public, moment, reason, heads)
    click.echo(f"revoked: {record}")
    _tell(git, done)
    if public == signer.public:
        say("that was the key you sign with: pantheon-git keys rotate cannot be signed by it any more")
    say("next: pantheon-git sync, so that the others know; pantheon-git verify")


@click.command()
@PERSON
@click.option("--remove", is_flag=True, help="Take the passphrase off.")
def protect(person: bool, remove: bool) -> None:
    """Put the private key under a passphrase (OpenSSH's own format; ssh-keygen -p changes it too).

    It is asked for on a terminal when you review or merge. A night has nobody to type it: let an ssh-agent of the
    night's user hold the key, and name it with `keys agent`.
    """
    from pantheon_git.ledger import keys
    from pantheon_git.repo import paths

    path = paths.person_key() if person else paths.night_key()
    ask = asker()
    locked = path.exists() and keys.is_locked(path.read_bytes())
    if ask is None:
        raise PantheonError("a passphrase is typed on a terminal, and there is none here", "run this in a terminal")
    old = ask(f"Passphrase of {path}") if locked else None
    keys.protect(path, None if remove else new_passphrase(path), old)
    click.echo(f"{path} is {'no longer ' if remove else ''}under a passphrase")
    if not remove and path == paths.night_key():
        say(f"for nights: ssh-agent -a SOCKET; SSH_AUTH_SOCK=SOCKET ssh-add {path}; pantheon-git keys agent SOCKET")


@click.command()
@click.argument("socket", type=click.Path(path_type=Path), required=False)
@click.option("--none", "forget", is_flag=True, help="Use no agent any more.")
@click.pass_context
def agent(ctx: click.Context, socket: Path | None, forget: bool) -> None:
    """Let the ssh-agent at SOCKET sign for a key that is under a passphrase; without SOCKET say which one does.

    The agent must be your own user's and hold the key (ssh-add). SSH_AUTH_SOCK is not looked at: a night's environment
    holds nothing of yours. One clone alone: git config pantheon.agentSocket SOCKET
    """
    from pantheon_git.ledger.keys import load_public
    from pantheon_git.ledger.signing import agent_file, agent_socket, public_of
    from pantheon_git.ledger.ssh_agent import Agent
    from pantheon_git.ledger.trust import write_private
    from pantheon_git.repo import paths

    if forget:
        agent_file().unlink(missing_ok=True)
    elif socket is not None:
        key = Agent(socket.absolute()).key(load_public(public_of(paths.night_key())))
        write_private(agent_file(), f"{socket.absolute()}\n")
        click.echo(f"{key.key_id} is signed with by the ssh-agent at {socket.absolute()}")
        return
    found = agent_socket(repository(ctx))
    click.echo(f"the ssh-agent at {found}" if found else "no ssh-agent signs here")


def _house(ctx: click.Context, git: Git | None) -> House:
    from pantheon_git.ledger.key_change import House

    return House(git, here(ctx).identity() if git else "unknown <unknown>")


def _alone(git: Git | None) -> AbstractContextManager[Any]:
    """No night meanwhile: it would go on signing with the key that it has in hand."""
    if git is None:
        return nullcontext()
    from pantheon_git.night.lease import lease
    from pantheon_git.repo import paths

    return lease(paths.state_dir(git), "pantheon-git keys")


def _named(text: str) -> PublicKey:
    """The public key that a person means. PantheonError when there is none, or more than one."""
    from pantheon_git.ledger.keys import load_public
    from pantheon_git.ledger.signing import public_of
    from pantheon_git.ledger.trust import TrustedKeys
    from pantheon_git.repo import paths

    if text in ("night", "person"):
        return load_public(public_of(paths.night_key() if text == "night" else paths.person_key()))
    if text.endswith(".pub"):
        return load_public(Path(text))
    known = {entry.key.key_id: entry.key for entry in TrustedKeys.load(paths.trust_file()).entries}
    wanted = text if text.startswith("SHA256:") else f"SHA256:{text}"
    found = [key for key_id, key in known.items() if key_id.startswith(wanted)]
    if len(found) != 1:
        raise PantheonError(f"{'no' if not found else 'more than one'} key begins with {wanted}", "pantheon-git keys")
    return found[0]


def _moment(text: str) -> int:
    """Seconds since the epoch; without a zone local time."""
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError) as error:
        raise PantheonError(f"--since {text!r} is no date", "--since 2026-11-25, or 2026-11-25T23:00+01:00") from error


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment).astimezone().isoformat(sep=" ")


def _tell(git: Git | None, done: list[str]) -> None:
    for line in done:
        say(f"  {line}")
    if git is None:
        say("note: outside a repository: the record goes into a ledger with the next `run` or `sync` there")
