"""The repository that a command works in, and this clone's `git config pantheon.*`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pantheon_git.errors import PantheonError
from pantheon_git.repo.git import Git, require_sha1

if TYPE_CHECKING:
    from pantheon_git.spec.config import Config


class Here:
    """Opened late: a command that needs no objects pays for none."""

    def __init__(self, path: str) -> None:
        self.cwd = Path(path).resolve()

    @cached_property
    def git(self) -> Git:
        git = Git.discover(self.cwd)
        require_sha1(git)
        return git

    @property
    def root(self) -> Path:
        """The top of the work tree. PantheonError in a bare repository, and inside a git directory."""
        if self.git.work_tree is not None:
            return self.git.work_tree
        if self.git.is_bare:
            raise PantheonError(f"{self.cwd} is a bare repository: there is no work tree", "run this in a clone of it")
        raise PantheonError(f"{self.cwd} lies in a git directory, not in its work tree", "run this in the work tree")

    @cached_property
    def config(self) -> Config:
        return read_config(self.git)

    def identity(self) -> str:
        """`Name <mail>` of the person, as git would write it into a commit."""
        said = self.git.run("var", "GIT_AUTHOR_IDENT", check=False)
        if said.code:
            raise PantheonError("git does not know who you are", "git config user.name NAME")
        return said.out.decode("utf-8", "replace").rpartition(">")[0] + ">"


def here(ctx: click.Context) -> Here:
    return Here(str(ctx.find_root().obj or "."))


def read_config(git: Git) -> Config:
    """`pantheon.*` as git resolves it. PantheonError names the key and its value."""
    from pydantic import ValidationError

    from pantheon_git.spec.config import Config

    out = git.run("config", "--null", "--get-regexp", r"^pantheon\.", check=False).out.decode("utf-8", "replace")
    known = {(field.alias or name).lower(): field.alias or name for name, field in Config.model_fields.items()}
    pairs = (item.partition("\n") for item in out.split("\0") if item)
    given = {key.lower().removeprefix("pantheon."): value for key, _, value in pairs}
    values = {known[key]: value for key, value in given.items() if key in known}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = f"pantheon.{'.'.join(str(part) for part in first['loc'])}"
        message = f"git config {key} = {first['input']}: {first['msg']}"
        raise PantheonError(message, f"git config --unset {key}") from error
