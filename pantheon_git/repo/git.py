"""Stock git, called in one way: `GIT_*` scrubbed, no prompts, no optional locks, C locale."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pantheon_git.errors import GitError, PantheonError

MINIMUM = (2, 38)
"""`git merge-tree --write-tree` came with 2.38."""


@dataclass(frozen=True)
class Result:
    """What one call of git answered."""

    code: int
    out: bytes
    err: bytes


def scrubbed_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without `GIT_*`: hooks export GIT_DIR and GIT_INDEX_FILE, which would lead us astray.

    GIT_CONFIG_GLOBAL, GIT_CONFIG_NOSYSTEM and GIT_CONFIG_SYSTEM stay: they say where configuration lies, nothing else.
    Replace refs are off: what was signed is what is read. A pre-receive hook must see what is pushed, which git keeps
    in quarantine (githooks(5)): then the variables that say where stay too.
    """
    keep = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH"}
    if "GIT_QUARANTINE_PATH" in os.environ:
        keep |= {"GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in keep}
    return {
        **env,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        **(extra or {}),
    }


class Git:
    """One repository. `path`: its work tree, its git directory, or any folder in them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def discover(cls, path: Path) -> Git:
        """The repository that `path` lies in. PantheonError with a hint where there is none that we can use."""
        if not path.is_dir():
            raise PantheonError(f"{path}: no such folder", "name a folder inside a git repository with -C PATH")
        git = cls(path.absolute())
        git._facts  # noqa: B018 - asks git now, so that the error comes from here
        return git

    def run(
        self,
        *args: str | bytes,
        input: bytes | None = None,  # noqa: A002 - the name subprocess uses
        check: bool = True,
        env: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
    ) -> Result:
        """Run `git ARGS`. With `check`, a code other than 0 raises GitError; `env` comes on top of the scrubbed one;
        `keep`: descriptors that git inherits, so that a lock on them lasts as long as it lives."""
        command = ("git", *args)
        try:
            done = subprocess.run(
                command,
                cwd=self.path,
                input=input,
                capture_output=True,
                env=scrubbed_env(env),
                check=False,
                pass_fds=keep,
            )
        except FileNotFoundError as error:
            raise PantheonError("git is not installed, or the folder is gone", "apt install git") from error
        if check and done.returncode:
            raise git_error(tuple(_shown(word) for word in command), done.returncode, done.stdout, done.stderr)
        return Result(done.returncode, done.stdout, done.stderr)

    def text(self, *args: str | bytes) -> str:
        """The output of `git ARGS`, stripped; undecodable bytes as surrogates."""
        return self.run(*args).out.decode("utf-8", "surrogateescape").strip()

    def config(self, key: str) -> str | None:
        """The value of a configuration key, or None."""
        found = self.run("config", "--get", key, check=False)
        return found.out.decode("utf-8", "surrogateescape").rstrip("\n") if found.code == 0 else None

    @property
    def git_dir(self) -> Path:
        """This work tree's own git directory."""
        return Path(self._facts["git-dir"])

    @property
    def common_dir(self) -> Path:
        """The git directory that all linked work trees share."""
        return Path(self._facts["git-common-dir"])

    @cached_property
    def work_tree(self) -> Path | None:
        """The root of the work tree; None in a bare repository (and inside a git directory)."""
        if self._facts["is-inside-work-tree"] != "true":
            return None
        return Path(os.fsdecode(self.run("rev-parse", "--show-toplevel").out.removesuffix(b"\n")))

    @property
    def is_bare(self) -> bool:
        return self._facts["is-bare-repository"] == "true"

    @property
    def is_shallow(self) -> bool:
        return (self.common_dir / "shallow").exists()

    @property
    def object_format(self) -> str:
        """`sha1` or `sha256`."""
        return self._facts["show-object-format"]

    @property
    def objects_dir(self) -> Path:
        return self.common_dir / "objects"

    @cached_property
    def _facts(self) -> dict[str, str]:
        asked = ("is-bare-repository", "is-inside-work-tree", "show-object-format", "git-dir", "git-common-dir")
        answer = self.run("rev-parse", "--path-format=absolute", *(f"--{name}" for name in asked), check=False)
        if answer.code:
            raise _no_repository(self.path, answer)
        lines = os.fsdecode(answer.out).removesuffix("\n").split("\n")
        if len(lines) != len(asked):
            raise PantheonError(f"{self.path!r}: a path with a line break in it", "move the repository")
        return dict(zip(asked, lines, strict=True))


def require_sha1(git: Git) -> None:
    """Refuse, in one line, a repository with SHA-256 object names."""
    if git.object_format != "sha1":
        raise PantheonError(
            f"{git.path}: object format {git.object_format}; pantheon-git works in sha1 repositories only",
            "git clone cannot convert it: use a repository made with `git init --object-format=sha1`",
        )


def require_writable(git: Git) -> None:
    """Refuse, in one line and before anything is tried, a repository in which nothing can be written."""
    for folder in (git.common_dir, git.objects_dir):
        if not os.access(folder, os.W_OK):
            raise PantheonError(
                f"{folder} cannot be written: a read-only file system, or another user's folder",
                "work in a clone of your own: git clone REPOSITORY",
            )


def require_supported(git: Git) -> None:
    """Refuse, in one line, what we cannot work in: SHA-256 object names, and a git that is too old."""
    require_sha1(git)
    if (found := version(git)) < MINIMUM:
        wanted, have = (".".join(map(str, numbers)) for numbers in (MINIMUM, found))
        raise PantheonError(f"git {have} is too old: {wanted} or later is needed", "apt install git")


def version(git: Git) -> tuple[int, ...]:
    """`(2, 39, 5)` of `git version 2.39.5 (vendor words)`."""
    word = git.text("--version").split()[2]
    return tuple(int(part) for part in word.split(".")[:3] if part.isdigit())


def git_error(command: tuple[str, ...], code: int, out: bytes, err: bytes) -> GitError:
    lines = err.decode("utf-8", "backslashreplace").strip().splitlines() or ["no message"]
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1])
    return GitError(
        f"`{' '.join(command)}` exited with {code}: {said}", command=command, code=code, stdout=out, stderr=err
    )


def _shown(word: str | bytes) -> str:
    return word if isinstance(word, str) else word.decode("utf-8", "backslashreplace")


def _no_repository(path: Path, answer: Result) -> PantheonError:
    said = answer.err.decode("utf-8", "backslashreplace").strip()
    if "dubious ownership" in said:
        return PantheonError(
            f"{path}: git refuses a repository that another user owns",
            f"run as its owner, or: git config --global --add safe.directory {path}",
        )
    if "not a git repository" in said:
        return PantheonError(f"{path}: not a git repository", "git init, or name one with -C PATH")
    return PantheonError(f"{path}: git cannot read this repository: {said.splitlines()[0] if said else 'no message'}")
