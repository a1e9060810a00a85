"""JSON lines as wishes: what `pantheon-git export` writes, and what other trackers do.

A line that has `scope` and `goal` as tables is a task of ours and is taken as it stands, its id too. Any other line is
read by the names that are usual elsewhere; what has no counterpart is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pantheon_git.day.wish import Wish, accept, stands
from pantheon_git.errors import SpecError
from pantheon_git.spec.base import TASK_ID
from pantheon_git.spec.task import Acceptance, Task

OUTCOME = ("id", "file", "state", "outcome")
"""What an exported line has besides the task's own keys."""
STATE = "its state is"
NAMES: Mapping[str, str] = {
    **dict.fromkeys(("title", "summary", "goal", "name", "content", "text"), "text"),
    **dict.fromkeys(("id", "key"), "id"),
    **dict.fromkeys(("description", "details", "body", "notes"), "details"),
    **dict.fromkeys(("labels", "tags"), "labels"),
    **dict.fromkeys(("agent", "specialist"), "agent"),
    **dict.fromkeys(("paths", "path", "files", "file", "scope"), "paths"),
    **dict.fromkeys(("acceptance", "acceptance_criteria", "acceptanceCriteria", "criteria"), "acceptance"),
    **dict.fromkeys(("priority",), "priority"),
    **dict.fromkeys(("needs", "dependencies", "depends_on", "dependsOn", "blocked_by", "blockedBy"), "needs"),
    **dict.fromkeys(("status", "state"), "status"),
    **dict.fromkeys(("params",), "params"),
    **dict.fromkeys(("flow",), "flow"),
}
"""A key of a line → what it is to us."""


def read_lines(text: str, file: str, statuses: Sequence[str] = ()) -> list[Wish]:
    """The wishes of a JSONL file. SpecError lists every line that cannot be read."""
    wishes, faults = [], []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip():
            continue
        try:
            wishes.append(_wish(json.loads(line), f"{file}:{number}", statuses))
        except json.JSONDecodeError as error:
            faults.append(f"{file}:{number}:{error.colno}: not JSON: {error.msg}")
        except ValueError as error:
            faults += [f"{file}:{number}:1: {fault}" for fault in _said(error)]
    if faults:
        raise SpecError(faults, "one object on each line; pantheon-git schema task has our own keys")
    return wishes


def _said(error: ValueError) -> Iterator[str]:
    if isinstance(error, ValidationError):
        yield from (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    else:
        yield str(error)


def _wish(raw: Any, place: str, statuses: Sequence[str]) -> Wish:
    if not isinstance(raw, dict):
        raise ValueError(f"{type(raw).__name__}, not an object")
    if isinstance(raw.get("scope"), dict) and isinstance(raw.get("goal"), dict):
        return _ours(raw, place)
    wish = Wish(place, "", "")
    for key, value in raw.items():
        if value not in (None, "", [], {}):
            _take(wish, key, value, statuses)
    if not wish.text:
        raise ValueError("no title (also: summary, goal, name, content, text)")
    wish.key = wish.id.casefold() or wish.text.casefold()
    return wish


def _ours(raw: Mapping[str, Any], place: str) -> Wish:
    task = Task.model_validate({key: value for key, value in raw.items() if key not in OUTCOME})
    id_ = str(raw.get("id", ""))
    if id_ and TASK_ID.fullmatch(id_) is None:
        raise ValueError(f"id: {id_!r} is no id (small letters, digits, '-', at most 64)")
    wish = Wish(place, id_ or task.goal.summary.casefold(), task.goal.summary.split("\n")[0], id=id_, exact=task)
    stands(wish, str(raw.get("state", "queued")), (), STATE)
    return wish


def _take(wish: Wish, key: str, value: Any, statuses: Sequence[str]) -> None:
    what = NAMES.get(key)
    if what is None:
        wish.unmapped.append(f"{key}: no counterpart")
    elif what == "status":
        stands(wish, str(value), statuses, STATE)
    elif what == "priority":
        wish.rank(key, value)
    elif what == "acceptance":
        wish.acceptance = tuple(_criterion(one) for one in _list(value))
        wish.mapped.append(f"{key} → goal.acceptance ({len(wish.acceptance)})")
    elif what == "params":
        if not isinstance(value, dict):
            raise ValueError(f"{key}: {value!r} is no object")
        wish.params = value
    elif what in ("labels", "paths", "needs"):
        setattr(wish, what, tuple(str(one) for one in _list(value)))
    else:
        setattr(wish, what, " ".join(str(value).split()) if what == "text" else str(value))


def _criterion(value: Any) -> Acceptance:
    return Acceptance.model_validate(value) if isinstance(value, dict) else accept(str(value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
