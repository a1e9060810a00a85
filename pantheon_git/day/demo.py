"""The demo: a scratch repository made out of the shipped documents, and the commands that a person would type."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pantheon_git
from pantheon_git.day.queue import make_tasks, select, write
from pantheon_git.day.scaffold import Choices, plan_init
from pantheon_git.errors import PantheonError
from pantheon_git.ledger.anchor import marks_file
from pantheon_git.repo.git import Git
from pantheon_git.spec.agent import Queue
from pantheon_git.spec.task import Goal, Scope, Task


@dataclass(frozen=True)
class Command:
    """One line that is shown and run from the scratch repository."""

    words: tuple[str, ...]
    why: str


STEPS = (
    Command(("git", "init", "--quiet", "--initial-branch=main"), "a scratch repository"),
    Command(("git", "add", "."), ""),
    Command(("git", "commit", "--quiet", "--message=Documents of varied subjects and states"), ""),
    Command(("pantheon-git", "init"), "set it up"),
    Command(("pantheon-git", "add", "doc.frontmatter", "."), "queue one task for each document"),
    Command(("git", "add", ".pantheon"), ""),
    Command(("git", "commit", "--quiet", "--message=Queue front matter"), "only what is committed runs"),
    Command(("pantheon-git", "run"), "the night"),
    Command(("pantheon-git", "report"), "the morning"),
    Command(("pantheon-git", "verify"), "every signature and byte, offline"),
)


def documents() -> Path:
    """The shipped documents: in a wheel below `_stock`, in a checkout at the top."""
    package = Path(pantheon_git.__file__).parent
    stock = package / "_stock" / "examples" / "docs"
    return stock if stock.is_dir() else package.parent / "examples" / "docs"


def fresh_folder(wanted: Path) -> Path:
    """`wanted`, or the first of `wanted-2`, `wanted-3` … that does not exist or is empty. Nothing is ever deleted."""
    for number in range(1, 1000):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return folder
    raise PantheonError(f"{wanted} and 998 more exist already", "pantheon-git demo ANOTHER-FOLDER")


def lay_out(folder: Path, copies: int = 1) -> int:
    """Copy the documents, byte for byte, and return how many; further copies go into folders of their own."""
    source = documents()
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    for number in range(copies):
        for path in paths:
            target = folder / (f"copy-{number}" if number else "") / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return len(paths) * copies


def scratch(folder: Path, copies: int = 1) -> Git:
    """A repository of the documents with a committed task for each, for benchmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    lay_out(folder, copies)
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    give_identity(folder)
    for step in plan_init(git, Choices(hook=False)):
        step.make()
    git.run("add", "--all")
    documents_ = select(git, folder, ["."], "doc.frontmatter", Queue()).paths
    template = Task(agent="doc.frontmatter", scope=Scope(paths=("-",)), goal=Goal(summary="Front matter for {path}"))
    write(folder, make_tasks(documents_, lambda _: False, template))
    git.run("add", "--all")
    git.run("commit", "--quiet", "--message=Documents and tasks")
    return Git.discover(folder)


def begin(folder: Path) -> None:
    """What the scratch repository needs that has just been made: a name for commits, and no marks of one that was at
    this path before, whose ledger would be missed in it."""
    give_identity(folder)
    marks_file(Git.discover(folder)).unlink(missing_ok=True)


def give_identity(folder: Path) -> bool:
    """Where git knows no name for its commits, set one in the scratch repository alone. True when it was set."""
    git = Git(folder)
    if git.run("var", "GIT_COMMITTER_IDENT", check=False).code == 0 and git.config("user.email"):
        return False
    git.run("config", "user.name", "Demo Person")
    git.run("config", "user.email", "demo@localhost")
    return True
