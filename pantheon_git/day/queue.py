"""Turning paths into task files."""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pantheon_git.errors import PantheonError, SpecError
from pantheon_git.night.router import KINDS
from pantheon_git.repo.git import Git
from pantheon_git.spec.dump import dump
from pantheon_git.spec.globs import Globs, escape
from pantheon_git.spec.load import load
from pantheon_git.spec.task import Task

QUEUE = ".pantheon/queue"


@dataclass(frozen=True)
class Selected:
    """What the arguments of `add` stand for. Paths are relative to the root, in git's order."""

    paths: list[str]
    faults: list[str]
    """Arguments that select nothing, one sentence each."""


@dataclass(frozen=True)
class NewTask:
    id: str
    path: str
    """The file that the task is about; several with commas between."""
    task: Task

    @property
    def file(self) -> str:
        return f"{QUEUE}/{self.id}.toml"


def select(git: Git, cwd: Path, arguments: Sequence[str], kind: str) -> Selected:
    """Tracked files by git's own pathspecs. A folder or pattern gives files of one kind, a name gives itself."""
    suffixes = KINDS.get(kind)
    paths: dict[str, None] = {}
    faults = []
    for argument in arguments:
        listed = git.run("-C", str(cwd), "ls-files", "-z", "--full-name", "--", argument, check=False)
        found = [os.fsdecode(path) for path in listed.out.split(b"\0") if path]
        named = (cwd / argument).is_file()
        fit = [path for path in found if named or suffixes is None or PurePosixPath(path).suffix.lower() in suffixes]
        fit = [path for path in fit if named or not path.startswith((".pantheon/", "agents/"))]
        if not fit:
            faults.append(_why_nothing(git, cwd, argument, listed.err.decode("utf-8", "replace"), len(found), kind))
        paths.update(dict.fromkeys(fit))
    faults += [f"{path!r}: {why}" for path in paths if (why := _unnameable(path))]
    return Selected(list(paths), faults)


def _why_nothing(git: Git, cwd: Path, argument: str, error: str, found: int, kind: str) -> str:
    if error:
        return f"{argument}: {error.strip().removeprefix('fatal: ')}"
    if found:
        return f"{argument}: {found} tracked files, none of them a {kind} file that can be queued"
    if elsewhere := _behind(git, cwd / argument):
        return f"{argument}: {elsewhere}"
    if (cwd / argument).exists():
        return f"{argument}: not tracked by git; git add it and commit it first"
    return f"{argument}: matches no tracked file"


def _behind(git: Git, path: Path) -> str:
    """What stands between this repository and a path that git does not list: a link, or another repository."""
    root = git.work_tree
    for above in (above for above in path.parents if root is not None and root in above.parents):
        name = above.relative_to(root or above)
        if above.is_symlink():
            return f"{name} is a symlink; name the file where it really lies"
        if (above / ".git").exists():
            return f"{name} is a repository of its own (a submodule?); run pantheon-git in there"
    return ""


def make_tasks(paths: Iterable[str], taken: Callable[[str], bool], template: Task) -> list[NewTask]:
    """One task for each path, from a template whose scope is filled in; `{path}` in its summary is the path."""
    made: dict[str, NewTask] = {}
    for path in paths:
        id_ = fresh_id(PurePosixPath(path).stem, lambda name: name in made or taken(name))
        goal = template.goal.model_copy(update={"summary": template.goal.summary.replace("{path}", path)})
        scope = template.scope.model_copy(update={"paths": (escape(path),)})
        made[id_] = NewTask(id_, path, template.model_copy(update={"goal": goal, "scope": scope}))
    return list(made.values())


def one_task(name: str, paths: Sequence[str], taken: Callable[[str], bool], template: Task) -> NewTask:
    """One task over all the paths, its goal as it stands in the template; its id begins with `name`."""
    scope = template.scope.model_copy(update={"paths": tuple(escape(path) for path in paths)})
    return NewTask(fresh_id(name, taken), ", ".join(paths), template.model_copy(update={"scope": scope}))


def queued(root: Path) -> dict[str, Task]:
    """The tasks in the work tree's queue; a file that cannot be read is `check`'s business."""
    found = {}
    for file in sorted((root / QUEUE).glob("*.toml")):
        try:
            found[file.stem] = load(Task, file.read_bytes(), file.name)
        except SpecError:
            continue
    return found


def already_queued(root: Path, paths: Iterable[str], agent: str) -> dict[str, str]:
    """Path → id of the task of the same agent whose scope has it."""
    tasks = [(id_, Globs(task.scope.paths)) for id_, task in queued(root).items() if task.agent == agent]
    literal = {path: id_ for id_, globs in tasks for path in globs.literals}
    wild = [(id_, globs) for id_, globs in tasks if globs.has_wild]
    found = {}
    for path in paths:
        if id_ := literal.get(path) or next((id_ for id_, globs in wild if path in globs), None):
            found[path] = id_
    return found


def write(root: Path, tasks: Iterable[NewTask]) -> None:
    """Write the task files; an existing file is never overwritten."""
    for new in tasks:
        file = root / new.file
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as out:
            out.write(dump(new.task))


def fresh_id(name: str, taken: Callable[[str], bool]) -> str:
    """`NAME-RANDOM`: readable, and two branches that queue the same file do not collide."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-")[:48].strip("-") or "task"
    for _ in range(100):
        if not taken(name := f"{slug}-{secrets.token_hex(3)}"):
            return name
    raise PantheonError(f"no free id for {name}", "pantheon-git check")


def _unnameable(path: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in path):
        return "the name is not UTF-8, so no task file can name it"
    if any(char < " " or char == "\x7f" for char in path):
        return "the name has a control character, and no job works on such a file"
    return ""
