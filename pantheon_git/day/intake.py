"""From wishes to task files: what is understood becomes tasks, the rest is told with the reason.

Nothing is written that `check` would refuse: the new files are checked in a copy of the work tree's snapshot before
one of them is made. A task's id ends in a digest of what asked for it, so that the same card, imported again, is the
same task: in the queue already, or done as the ledger knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pydantic import ValidationError

from pantheon_git.day.check import check
from pantheon_git.day.intents import Meant, NotUnderstoodError, Roster, understand
from pantheon_git.day.queue import NewTask, already_queued, for_path, queued, slug
from pantheon_git.day.snapshot import Snapshot
from pantheon_git.day.wish import Wish
from pantheon_git.ledger.read import TaskState
from pantheon_git.spec.dump import dump
from pantheon_git.spec.globs import escape
from pantheon_git.spec.task import Goal, Limits, Scope, Task

MOST = 200
"""Tasks of one line; `add` has no such bound."""
NEW, THERE, CHANGED, DONE, REFUSED = "new", "there", "changed", "done", "refused"


@dataclass
class Made:
    """One task that a wish comes to."""

    new: NewTask
    status: str
    """`new`; `there` in the queue as it is; `changed`: there, but otherwise; `done`, as the ledger knows; `refused`."""
    why: str = ""
    stands: str = ""
    """The task that others wait for in its place; empty: itself, or none where it is done."""


@dataclass
class Taken:
    """What became of one wish."""

    wish: Wish
    agent: str = ""
    made: list[Made] = field(default_factory=list)
    why: str = ""
    """Why it comes to no task at all."""
    notes: list[str] = field(default_factory=list)

    def of(self, *status: str) -> list[Made]:
        return [made for made in self.made if made.status in status]


@dataclass(frozen=True)
class Known:
    """The tasks that there are."""

    queue: Mapping[str, Task]
    ledger: Mapping[str, TaskState]
    claimed: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """Agent and file → id and place of what asks for it first, in this very source."""

    def find(self, mark: str, name: str) -> str:
        """The id of the task with that mark at its end, or the new one's."""
        return next((id_ for id_ in (*self.queue, *self.ledger) if id_.endswith(f"-{mark}")), f"{name}-{mark}")


def take(wishes: Sequence[Wish], roster: Roster, snapshot: Snapshot, ledger: Mapping[str, TaskState]) -> list[Taken]:
    """What the wishes come to; nothing is written."""
    known = Known(queued(roster.root), ledger)
    taken = [_one(wish, roster, known) for wish in _once(wishes)]
    _needs(taken, known)
    _settle(taken, known)
    while _refused(taken, snapshot):
        _needs(taken, known)
    return taken


def fresh(taken: Sequence[Taken], update: bool = False) -> list[NewTask]:
    """The task files to be written; with `update` also those that are there, but otherwise."""
    return [made.new for one in taken for made in one.of(NEW, *([CHANGED] if update else []))]


def _once(wishes: Sequence[Wish]) -> Iterator[Wish]:
    """A key that came before is the same card again."""
    seen: dict[str, str] = {}
    for wish in wishes:
        if not wish.skip and wish.key in seen:
            wish.skip = f"the same as {seen[wish.key]}"
        seen.setdefault(wish.key, wish.place)
        yield wish


def _one(wish: Wish, roster: Roster, known: Known) -> Taken:
    taken = Taken(wish, why=wish.skip)
    if wish.skip:
        return taken
    try:
        if wish.exact is not None:
            taken.agent, taken.made = wish.exact.agent or "", [_exact(wish, wish.exact)]
            return taken
        meant = understand(wish, roster)
        taken.agent, taken.notes = meant.agent.name, list(meant.notes)
        taken.made = _tasks(wish, meant, roster, known, taken.notes)
    except NotUnderstoodError as error:
        taken.why = str(error)
    except ValidationError as error:
        taken.why = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return taken


def _exact(wish: Wish, task: Task) -> Made:
    id_ = wish.id or f"{slug(wish.text)}-{_mark(wish.key)}"
    return Made(NewTask(id_, ", ".join(task.scope.paths), task), NEW)


def _tasks(wish: Wish, meant: Meant, roster: Roster, known: Known, notes: list[str]) -> list[Made]:
    agent, paths = meant.agent, meant.paths
    params = {**meant.params, **wish.params}
    template = Task(
        flow=wish.flow or None, agent=agent.name, params=params, scope=Scope(paths=("-",)), priority=wish.priority,
        tier=wish.tier, limits=Limits.model_validate(wish.limits),
        goal=Goal(summary=_goal(wish, meant), acceptance=wish.acceptance),
    )  # fmt: skip
    if wish.whole or agent.loop.over == "task":
        scope = Scope(paths=tuple(escape(path) for path in paths))
        id_ = known.find(_mark(wish.key), slug(wish.text))
        return [Made(NewTask(id_, ", ".join(paths), template.model_copy(update={"scope": scope})), NEW)]
    if len(paths) > MOST:
        notes.append(f"the first {MOST} of {len(paths)} files; all of them: pantheon-git add {agent.name} FOLDER")
    have = already_queued(roster.root, paths, agent.name, agent.loop.over) if agent.goal else {}
    made = []
    for path in paths[:MOST]:
        id_ = known.find(_mark(wish.key, path), slug(PurePosixPath(path).stem))
        new = NewTask(id_, path, for_path(path, template, agent.queue))
        other, where = have.get(path, id_), "queued already"
        if other == id_ and agent.goal:
            other, where = known.claimed.setdefault((agent.name, path), (id_, f"asked for in {wish.place} already"))
        made.append(Made(new, NEW) if other == id_ else Made(new, DONE, f"{where} as {other}", other))
    return made


def _goal(wish: Wish, meant: Meant) -> str:
    """The person's words where they name the file or the agent has none; the agent's name it."""
    whole = meant.agent.loop.over == "task" or wish.whole
    if meant.agent.goal and not whole and not (len(meant.paths) == 1 and meant.paths[0] in wish.text):
        return meant.agent.goal
    text = f"{wish.text}\n\n{wish.details}" if wish.details and not meant.agent.goal else wish.text
    return text if whole or len(meant.paths) == 1 else f"{text}: {{path}}"


def _mark(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _settle(taken: Sequence[Taken], known: Known) -> None:
    """Which of the tasks are there already."""
    for made in (made for one in taken for made in one.of(NEW)):
        id_ = made.new.id
        if id_ in known.queue:
            made.status = THERE if known.queue[id_] == made.new.task else CHANGED
        elif id_ in known.ledger:
            state = known.ledger[id_]
            made.status, made.why = DONE, f"{state.state} in the night {state.night}"
            made.stands = id_ if state.state in ("pr", "running") else ""


def _needs(taken: Sequence[Taken], known: Known) -> None:
    """Ids of the source become ids of tasks; what waits for something that does not come is refused."""
    by_id = {_plain(one.wish.id): one for one in taken if one.wish.id}
    before = None
    while before != (before := sum(bool(one.why) for one in taken)):
        for one in (one for one in taken if not one.why and one.wish.exact is None):
            _need(one, by_id, known)


def _need(one: Taken, by_id: Mapping[str, Taken], known: Known) -> None:
    found: dict[str, None] = {}
    for need in one.wish.needs:
        other = by_id.get(_plain(need))
        if other is None and need in (*known.queue, *known.ledger):
            found[need] = None
        elif other is None:
            one.why = f"needs {need!r}, and nothing is called so, neither here nor in the queue"
        elif other.why and not other.wish.done:
            one.why = f"needs {need!r} ({other.wish.place}), which makes no task: {other.why}"
        else:
            found |= dict.fromkeys(made.new.id for made in other.of(NEW, THERE, CHANGED))
            found |= dict.fromkeys(made.stands for made in other.of(DONE) if made.stands)
    for made in one.made:
        task = made.new.task.model_copy(update={"needs": tuple(found)})
        made.new = NewTask(made.new.id, made.new.path, task)
    if one.why:
        one.made = []


def _plain(id_: str) -> str:
    return id_.strip().lstrip("#^").casefold()


def _refused(taken: Sequence[Taken], snapshot: Snapshot) -> bool:
    """Check the queue as it would be; whether anything had to be taken out."""
    new = {made.new.file: made for one in taken for made in one.of(NEW, CHANGED)}
    files = {file: dump(made.new.task) for file, made in new.items()}
    sizes = {file: len(data) for file, data in files.items()}
    faults = check(Snapshot({**snapshot.files, **files}, {**snapshot.sizes, **sizes})).faults
    out = False
    for fault in faults:
        path, _, said = fault.partition(":")
        circle = [made for made in new.values() if "in a cycle" in fault and made.new.id in fault]
        for made in [new[path]] if path in new else circle:
            made.status, made.why, out = REFUSED, said.split(": ", 1)[-1], True
    for one in taken:
        if one.made and len(one.of(REFUSED)) == len(one.made):
            one.why, one.made = one.made[0].why, []
    return out
