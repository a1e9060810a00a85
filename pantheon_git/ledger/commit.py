"""Commits as we make them: signed the way `git commit -S` with gpg.format=ssh signs, without a process."""

from __future__ import annotations

from collections.abc import Sequence

from pantheon_git.errors import TamperedError
from pantheon_git.ledger import sshsig
from pantheon_git.ledger.keys import Key, PublicKey
from pantheon_git.ledger.trust import Role, TrustedKeys
from pantheon_git.repo.objects import Commit, Objects
from pantheon_git.repo.writer import Writer, commit_bytes

NIGHT_IDENTITY = "pantheon-git <night@pantheon-git.invalid>"


def signed_commit(
    writer: Writer,
    key: Key,
    tree: str,
    parents: Sequence[str],
    message: str,
    when: float,
    identity: str = NIGHT_IDENTITY,
) -> str:
    """Add a signed commit to `writer` and return its oid. `when`: seconds since the epoch, kept to the second, UTC;
    `identity`: `Name <mail>`."""
    who = f"{identity} {int(when)} +0000"
    text = message.encode("utf-8", "replace").decode().replace("\0", "").rstrip("\n") + "\n"
    armor = sshsig.sign(key, commit_bytes(tree, parents, who, text))
    return writer.commit(tree, parents, who, text, gpgsig=armor)


def identity(who: str) -> str:
    """`Name <mail>` as a commit's header can hold it."""
    name, _, mail = who.replace("\n", " ").replace("\0", "").partition("<")
    return f"{name.strip().strip('<>') or 'unknown'} <{mail.strip().strip('<>') or 'unknown'}>"


def check_commit(objects: Objects, oid: str, keys: TrustedKeys, role: Role) -> Commit:
    """The commit, if a key that was trusted as `role` when it was made signed all of it; else TamperedError."""
    commit = objects.commit(oid)
    keys.require(signer_of(commit).key_id, role, committed_at(commit))
    return commit


def signer_of(commit: Commit) -> PublicKey:
    """The key that signed all of the commit, whoever it belongs to; TamperedError where none did."""
    if commit.gpgsig is None:
        raise TamperedError("the commit is not signed")
    key = sshsig.verify(commit.gpgsig + "\n", commit.unsigned)
    again = commit_bytes(
        commit.tree, commit.parents, commit.author, commit.message, committer=commit.committer, gpgsig=commit.gpgsig
    )
    if again != commit.raw:  # a second signature header, say, which no signature covers
        raise TamperedError("the commit holds more than what was signed")
    return key


def committed_at(commit: Commit) -> int:
    """Seconds since the epoch. TamperedError where there is no such time in the header."""
    try:
        return int(commit.committer.split()[-2])
    except (IndexError, ValueError) as error:
        raise TamperedError("the commit has no time that can be read") from error


def trailers(message: str) -> dict[str, str]:
    """The `Key: value` lines of the last paragraph."""
    last = message.rstrip("\n").rpartition("\n\n")[2]
    pairs = (line.partition(": ") for line in last.split("\n"))
    return {key: value for key, colon, value in pairs if colon and key.replace("-", "").isalnum()}
