"""Task files of Backlog.md as wishes: YAML front matter, and sections of Markdown (https://backlog.md).

Section markers (`<!-- AC:BEGIN -->`) and numbers (`- [ ] #1 …`) are as its versions since 1.0 write them; older files
have neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pantheon_git.day.outline import Item, items
from pantheon_git.day.wish import Wish, criteria, stands, state_name
from pantheon_git.errors import PantheonError

_NUMBER = re.compile(r"^#\d+\s+")
_CRITERIA = ("acceptance criteria", "definition of done")
_NO_COUNTERPART = {
    "assignee": "the person who merges is its owner",
    "reporter": "the commit of the task file says who asked",
    "created_date": "tasks have no dates",
    "updated_date": "tasks have no dates",
    "milestone": "tasks have no milestones",
    "parent_task_id": "tasks have no parents; what must come first is a dependency",
    "subtasks": "tasks have no parents; what must come first is a dependency",
    "ordinal": "priority orders tasks",
    "type": "the agent says what kind of work it is",
}


def read_tasks(files: Sequence[Path], cwd: Path, statuses: Sequence[str] = ()) -> list[Wish]:
    """The tasks of these files, or of `*.md` in these folders; messages name them as seen from `cwd`."""
    found = []
    for path in files:
        inside = sorted(path.glob("*.md")) if path.is_dir() else [path]
        if not inside:
            raise PantheonError(
                f"{_called(path, cwd)}: no task file (*.md) in it", "pantheon-git import backlog backlog/tasks"
            )
        found += [read_task(file, _called(file, cwd), statuses) for file in inside]
    return found


def _called(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)


def read_task(path: Path, name: str, statuses: Sequence[str] = ()) -> Wish:
    """One task file. PantheonError names what cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PantheonError(f"{name}: {error}", "name a task file of Backlog.md, or their folder") from error
    front = _front(text, name)
    id_ = str(front.pop("id", "")) or re.sub(r" - .*$", "", path.stem)
    wish = Wish(f"{name}:1", id_.casefold(), str(front.pop("title", "")) or path.stem, id=id_)
    for key, value in front.items():
        _take(wish, key, value, statuses)
    _sections(wish, text)
    return wish


def _front(text: str, name: str) -> dict[str, Any]:
    head, _, rest = text.partition("\n")
    block, end, _ = rest.partition("\n---")
    if head.rstrip() != "---" or not end:
        raise PantheonError(f"{name}:1: no front matter, so no task of Backlog.md", "pantheon-git import kanban FILE")
    try:
        front = YAML(typ="safe").load(block)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise PantheonError(f"{name}:{line}: front matter: {getattr(error, 'problem', error)}", "mend it") from error
    if not isinstance(front, dict):
        raise PantheonError(f"{name}:2: front matter: not a table of keys", "id: task-1")
    return {str(key): value for key, value in front.items()}


def _take(wish: Wish, key: str, value: Any, statuses: Sequence[str]) -> None:
    if value in (None, "", [], {}):
        return
    if key == "status":
        stands(wish, str(value), statuses, "its status is")
    elif key == "priority":
        wish.rank(key, value)
    elif key == "labels":
        wish.labels = tuple(str(one) for one in _list(value))
    elif key == "dependencies":
        wish.needs = tuple(str(one) for one in _list(value))
    elif key in ("references", "modified_files"):
        wish.paths = tuple(str(one) for one in _list(value) if "://" not in str(one))
    else:
        wish.unmapped.append(f"{key}: {_NO_COUNTERPART.get(key, 'no counterpart')}")


def _sections(wish: Wish, text: str) -> None:
    section, details, found = "", [], dict[str, list[str]]()
    for item in items(text):
        if item.kind == "heading":
            section = state_name(item.text)
        elif section.startswith(_CRITERIA) and item.kind == "item":
            found.setdefault(section, []).append(_NUMBER.sub("", item.text))
        elif section == "description":
            details += _lines(item)
    wish.details = "\n".join(details)
    for section, texts in found.items():
        criteria(wish, texts, section)


def _lines(item: Item) -> list[str]:
    return [item.text, *item.notes, *(line for child in item.children for line in _lines(child))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
