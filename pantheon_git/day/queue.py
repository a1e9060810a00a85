"""Turning paths into task files."""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pantheon_git.errors import PantheonError, SpecError
from pantheon_git.night.router import KINDS
from pantheon_git.night.work import subjects
from pantheon_git.repo.git import Git
from pantheon_git.spec.agent import Queue
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


def select(git: Git, cwd: Path, arguments: Sequence[str], agent: str, wants: Queue) -> Selected:
    """Tracked files by git's own pathspecs. A folder or pattern gives what the agent is for, a name gives itself."""
    paths: dict[str, None] = {}
    faults = []
    for argument in arguments:
        listed = git.run("-C", str(cwd), "ls-files", "-z", "--full-name", "--", argument, check=False)
        found = [os.fsdecode(path) for path in listed.out.split(b"\0") if path]
        named = (cwd / argument).is_file()
        fit = found if named else meant_for(found, agent, wants)
        if not fit:
            faults.append(_why_nothing(git, cwd, argument, listed.err.decode("utf-8", "replace"), len(found), agent))
        paths.update(dict.fromkeys(fit))
    faults += [f"{path!r}: {why}" for path in paths if (why := unnameable(path))]
    return Selected(list(paths), faults)


def meant_for(paths: Iterable[str], agent: str, wants: Queue) -> list[str]:
    """Those of the files that the agent is meant for."""
    suffixes = frozenset(wants.suffixes) or KINDS.get(agent.partition(".")[0])
    others = Globs([*wants.exclude, ".pantheon/", "agents/"])
    fit = (path for path in paths if suffixes is None or PurePosixPath(path).suffix.lower() in suffixes)
    return [path for path in fit if path not in others]


def _why_nothing(git: Git, cwd: Path, argument: str, error: str, found: int, agent: str) -> str:
    if error:
        return f"{argument}: {error.strip().removeprefix('fatal: ')}"
    if found:
        return f"{argument}: {found} tracked files, none of them for {agent}"
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


def make_tasks(
    paths: Iterable[str], taken: Callable[[str], bool], template: Task, wants: Queue | None = None
) -> list[NewTask]:
    """One task for each path, from a template: its scope, and what parameters it lacks, are filled in as the agent
    `wants` (by default the path itself); `{path}` in its summary is the path."""
    wants, made = wants or Queue(), dict[str, NewTask]()
    for path in paths:
        id_ = fresh_id(PurePosixPath(path).stem, lambda name: name in made or taken(name))
        made[id_] = NewTask(id_, path, for_path(path, template, wants))
    return list(made.values())


def for_path(path: str, template: Task, wants: Queue) -> Task:
    """The task of a template for one path."""
    goal = template.goal.model_copy(update={"summary": template.goal.summary.replace("{path}", path)})
    scope = template.scope.model_copy(update={"paths": tuple(filled(text, path, escape) for text in wants.scope)})
    params = {**{name: filled(text, path) for name, text in wants.params.items()}, **template.params}
    return template.model_copy(update={"goal": goal, "scope": scope, "params": params})


def filled(text: str, path: str, write: Callable[[str], str] = str) -> str:
    """`text` with the placeholders of `spec.agent.Queue` filled in from `path`, each written by `write`."""
    pure = PurePosixPath(path)
    folder = "" if str(pure.parent) == "." else f"{pure.parent}/"
    known = {"path": path, "dir": folder, "name": pure.name, "stem": pure.stem, "suffix": pure.suffix}
    return re.sub(r"\{(path|dir|name|stem|suffix)\}", lambda found: write(known[found[1]]), text)


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


def already_queued(root: Path, paths: Iterable[str], agent: str, over: str = "scope") -> dict[str, str]:
    """Path → id of the task of the same agent that is about it: its scope has the path, or where the agent's loop goes
    `over` a parameter or the task as a whole, its parameters name it."""
    tasks = {id_: task for id_, task in queued(root).items() if (task.agent or task.flow) == agent}
    if over.startswith("params."):
        about = {path: id_ for id_, task in tasks.items() for path in subjects(over, (), task.params)}
        return {path: about[path] for path in paths if path in about}
    if over == "task":
        about = {path: id_ for id_, task in tasks.items() for path in _about(task.params)}
        folders = tuple(path for path in about if path.endswith("/"))
        held = {path: next((folder for folder in folders if path.startswith(folder)), path) for path in paths}
        return {path: about[named] for path, named in held.items() if named in about}
    globs = [(id_, Globs(task.scope.paths)) for id_, task in tasks.items()]
    literal = {path: id_ for id_, each in globs for path in each.literals}
    wild = [(id_, each) for id_, each in globs if each.has_wild]
    found = {}
    for path in paths:
        if id_ := literal.get(path) or next((id_ for id_, each in wild if path in each), None):
            found[path] = id_
    return found


def _about(params: Mapping[str, Any]) -> Iterator[str]:
    """The paths that the parameters of a task as a whole name as its own: `path`, or `renames` from `old` ones."""
    yield str(params.get("path", ""))
    for one in params.get("renames", ()):
        yield str(one.get("old", ""))


def write(root: Path, tasks: Iterable[NewTask], update: bool = False) -> None:
    """Write the task files; an existing file is overwritten only to `update` it."""
    for new in tasks:
        file = root / new.file
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb" if update else "xb") as out:
            out.write(dump(new.task))


def fresh_id(name: str, taken: Callable[[str], bool]) -> str:
    """`NAME-RANDOM`: readable, and two branches that queue the same file do not collide."""
    for _ in range(100):
        if not taken(id_ := f"{slug(name)}-{secrets.token_hex(3)}"):
            return id_
    raise PantheonError(f"no free id for {name}", "pantheon-git check")


def slug(name: str) -> str:
    """What of a name may stand in an id, at most 48 characters."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-")[:48].strip("-") or "task"


def unnameable(path: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in path):
        return "the name is not UTF-8, so no task file can name it"
    if any(char < " " or char == "\x7f" for char in path):
        return "the name has a control character, and no job works on such a file"
    return ""
