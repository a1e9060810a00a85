"""Where the signing key comes from: a file, a file under a passphrase that a person types, or an ssh-agent.

Never the environment: a passphrase or a socket's path there would travel to every child. The agent is named in this
clone's `git config pantheon.agentSocket`, else in the file `agent` beside the keys.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.keys import Key, LockedKeyError, load_private, load_public
from pantheon_git.ledger.ssh_agent import Agent
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git

Ask = Callable[[str], str]
"""From a question to what a person typed, unseen."""
_TRIES = 3


def open_key(path: Path, socket: Path | None = None, ask: Ask | None = None) -> Key:
    """The key in `path` (or only `path.pub`, the private half at the agent's). Without a passphrase the file is enough;
    with one the agent at `socket` signs, else `ask` asks. PantheonError in one line when neither can.
    """
    if not path.exists() and socket is not None:
        return Agent(socket).key(load_public(public_of(path)))
    try:
        return load_private(path)
    except LockedKeyError as locked:
        if socket is not None:
            return Agent(socket).key(load_public(public_of(path)))
        if ask is None:
            raise PantheonError(
                f"{path} is under a passphrase, nobody is here to type it, and no ssh-agent is named",
                "ssh-agent -a SOCKET; SSH_AUTH_SOCK=SOCKET ssh-add KEY; pantheon-git keys agent SOCKET",
            ) from locked
        return _asked(path, ask)


def _asked(path: Path, ask: Ask) -> Key:
    for left in reversed(range(_TRIES)):
        try:
            return load_private(path, ask(f"Passphrase of {path}"))
        except LockedKeyError:
            if not left:
                raise
    raise AssertionError  # the loop returns or raises


def night_signer(git: Git | None, ask: Ask | None = None) -> Key:
    """The key that signs nights and notes."""
    return open_key(paths.night_key(), agent_socket(git), ask)


def person_signer(git: Git | None, ask: Ask | None = None) -> Key:
    """The key that signs reviews and merges."""
    return open_key(paths.person_key(), agent_socket(git), ask)


def agent_socket(git: Git | None) -> Path | None:
    """The socket of the ssh-agent that was named, if one was. PantheonError when the name cannot be read."""
    if git is not None:
        said = git.run("config", "--path", "pantheon.agentSocket", check=False).out.decode().strip()
        if said:
            return Path(said)
    file = agent_file()
    try:
        return Path(file.read_text("utf-8").strip()) if file.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise PantheonError(f"{file} cannot be read: {error}", "pantheon-git keys agent SOCKET") from error


def agent_file() -> Path:
    return paths.keys_dir() / "agent"


def public_of(path: Path) -> Path:
    return path.with_name(path.name + ".pub")
