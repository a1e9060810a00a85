"""A person's desk: the repository, whom they trust, and the key with which they sign."""

from __future__ import annotations

import os
import time
from functools import cached_property

from pantheon_git.errors import GitError, PantheonError, TamperedError
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.read import job
from pantheon_git.ledger.signing import Ask, person_signer
from pantheon_git.ledger.trust import PERSON, TrustedKeys
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git, require_supported
from pantheon_git.repo.objects import Objects


class Desk:
    """What every function of this room starts from. Keys are read when first needed: looking needs none."""

    def __init__(self, git: Git, ask: Ask | None = None) -> None:
        """`ask`: what asks the person for a passphrase, where one sits."""
        require_supported(git)
        self._ask = ask
        self.git = git
        self.objects = Objects(git)

    @cached_property
    def keys(self) -> TrustedKeys:
        return trusted(self.git, self.objects).keys

    @cached_property
    def key(self) -> Key:
        """The person's signing key. PantheonError when it is absent, or when nobody would believe its signature."""
        key = person_signer(self.git, self._ask)
        try:
            self.keys.require(key.key_id, PERSON, time.time())
        except TamperedError as error:
            raise PantheonError(
                f"your key {paths.person_key()} does not count: {error.message}", "pantheon-git keys"
            ) from error
        return key

    @cached_property
    def who(self) -> str:
        """`Name <mail>`, as git would write it into a commit; the environment's GIT_COMMITTER_* count."""
        names = ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL")
        env = {name: os.environ[name] for name in names if name in os.environ}
        try:
            ident = self.git.run("var", "GIT_COMMITTER_IDENT", env=env).out.decode("utf-8", "surrogateescape")
        except GitError as error:
            raise PantheonError(
                "git does not know who you are", 'git config user.name "Your Name", and user.email'
            ) from error
        return ident.rpartition(">")[0] + ">"

    def entry(self, name: str) -> JobEntry:
        """The ledger's entry of `ID.N`, or of the latest attempt of `ID`. PantheonError when it is no PR."""
        entry = job(self.git, self.objects, name.removeprefix("refs/heads/").removeprefix("pantheon/pr/"))
        if entry.ending != "pr":
            where = f" at {entry.stopped_at}" if entry.stopped_at else ""
            raise PantheonError(
                f"{entry.job} is no PR: it ended as {entry.ending}{where}", f"pantheon-git trace {entry.job}"
            )
        return entry
