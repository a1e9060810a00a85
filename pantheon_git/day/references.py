"""Tasks that move files: what refers to those files is looked up by day, and becomes the task's scope.

The night looks it up again and may change no more than that. What no job may change (`gate.judges`, the policy) is left
out of the scope, named in the task (`params.leave`) and told to the person.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pantheon_git.day.queue import NewTask
from pantheon_git.errors import PantheonError
from pantheon_git.gate.judges import is_forbidden
from pantheon_git.repo.git import Git
from pantheon_git.spec.globs import Globs, escape
from pantheon_git.tools.links.find import Edit, Finder
from pantheon_git.tools.protocol import ToolError
from pantheon_git.tools.rename import names
from pantheon_git.tools.rename.document import said, siblings
from pantheon_git.tools.rename.job import asked, destination, expanded, faults

OFFERED = 4
"""Computed names of which the night may choose one; the scope holds them all."""
_TOGETHER = 150
"""References that one task may hold when tasks on the same files are put together."""


@dataclass
class _Wanted:
    """One task: what it moves, and the names that the night may choose from."""

    new: NewTask
    pairs: list[tuple[str, str]]
    also: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    leave: set[str] = field(default_factory=set)
    references: int = 0


@dataclass(frozen=True)
class Scoped:
    tasks: list[NewTask]
    notes: list[str]
    """What the person should know, a line each."""


def is_folder(cwd: Path, arguments: Sequence[str], params: Mapping[str, Any]) -> bool:
    """Whether a folder is to be moved as a whole: one is named, and where to."""
    return len(arguments) == 1 and "to" in params and (cwd / arguments[0]).is_dir()


def badly_named(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if not names.is_fine(posixpath.basename(path))]


def scoped(
    git: Git, root: Path, tasks: Sequence[NewTask], forbidden: Sequence[str] = (), *, keep: bool = False
) -> Scoped:
    """The tasks with their scopes. PantheonError names every rename that cannot be made, and what needs none (unless
    `keep`: then the night says so). `forbidden`: the policy's."""
    listed = git.run("-C", str(root), "ls-files", "-z").out.split(b"\0")
    files = [
        name for path in listed if path and not (root / (name := path.decode("utf-8", "surrogateescape"))).is_symlink()
    ]
    files = [path for path in files if not path.startswith(".pantheon/") and (root / path).is_file()]
    wanted = [_wanted(root, files, new, keep) for new in tasks]
    things = any(new.task.params.get("names") for new in tasks)
    moves: dict[str, str] = {}
    for one in wanted:
        moves |= expanded(one.pairs, files)
    found = Finder(files, lambda path: (root / path).read_bytes(), moves, things).find()
    own = Globs(forbidden)
    notes = [f"{left.path}:{left.line}: {left.text}: {left.why}" for left in found.left]
    for path, edits in found.edits.items():
        closed = is_forbidden(path) or path in own
        if closed:
            notes += [
                f"{path}:{edit.line}: {edit.old}: no job may change this file; by hand: {edit.new}" for edit in edits
            ]
        for one in wanted:
            _add(one, path, edits, files, closed)
    return Scoped([_task(one) for one in _together(wanted)], notes)


def _wanted(root: Path, files: list[str], new: NewTask, keep: bool) -> _Wanted:
    try:
        pairs = asked(new.task.params)
        also: list[str] = []
        named: list[tuple[str, str]] = []
        for old, to in pairs:
            offers = [] if to else _offers(root, old, files)
            if offers[:1] == [old] and not keep:
                others = f"; it might be {', '.join(map(posixpath.basename, offers[1:]))}" if offers[1:] else ""
                raise ToolError("refused", f"{old}: its name says what the document is{others}")
            named.append((old, to or offers[0]))
            also += offers
        wrong = faults(named, files)
    except ToolError as error:
        raise PantheonError(error.message, "pantheon-git add doc.rename PATH --param to=new-name") from error
    if wrong:
        raise PantheonError("\n".join(wrong), "pantheon-git add doc.rename PATH --param to=another-name")
    return _Wanted(new, named, also)


def _offers(root: Path, old: str, files: list[str]) -> list[str]:
    about_it = said(old, (root / old).read_bytes()) if old in files else None
    found = names.candidates(old, about_it.titles, siblings(old, files))[:OFFERED] if about_it else []
    if not found:
        raise ToolError("refused", f"{old}: no better name can be computed")
    return [destination(old, name) or name for name in found]


def _add(one: _Wanted, path: str, edits: Sequence[Edit], files: list[str], closed: bool) -> None:
    """Take a file into the scope where it refers to what the task moves, or is moved itself."""
    mine = expanded(one.pairs, files)
    count = len(edits) if path in mine else sum(edit.target in mine for edit in edits)
    if count:
        (one.leave if closed else one.files).add(path)
        one.references += count


def _together(wanted: list[_Wanted]) -> list[_Wanted]:
    """Tasks that would change one file become one task: a night would otherwise make one PR of them and stop."""
    groups: list[_Wanted] = []
    for one in wanted:
        touching = [group for group in groups if group.files & (one.files | {old for old, _ in one.pairs})]
        for group in touching:
            if one.references + group.references <= _TOGETHER:
                groups.remove(group)
                one = _Wanted(group.new, [*group.pairs, *one.pairs], [], group.files | one.files,
                              group.leave | one.leave, group.references + one.references)  # fmt: skip
        groups.append(one)
    return groups


def _task(one: _Wanted) -> NewTask:
    task, params = one.new.task, dict(one.new.task.params)
    path = one.new.path
    if len(one.pairs) > 1 and "renames" not in params:
        params = {key: value for key, value in params.items() if key not in ("path", "to")}
        params["renames"] = [{"old": old, "new": new} for old, new in one.pairs]
        path = ", ".join(old for old, _ in one.pairs)
        goal = f"Rename {len(one.pairs)} files and fix every reference to them"
        task = task.model_copy(update={"goal": task.goal.model_copy(update={"summary": goal})})
    if one.leave:
        params["leave"] = sorted(one.leave)
    ends = [place for old, new in one.pairs for place in (old, new)]
    paths = dict.fromkeys([*ends, *one.also, *sorted(one.files)])
    scope = task.scope.model_copy(update={"paths": tuple(escape(each) for each in paths)})
    return replace(one.new, path=path, task=task.model_copy(update={"scope": scope, "params": params}))
