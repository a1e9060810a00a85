"""From wishes to task files: what is understood becomes tasks, the rest is told with the reason.

Nothing is written that `check` would refuse: the new files are checked in a copy of the work tree's snapshot before
one of them is made. A task's id ends in a digest of what asked for it, so that the same card, imported again, is the
same task: in the queue already, or done as the ledger knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from pydantic import ValidationError

from pantheon_git.day.check import check
from pantheon_git.day.intents import Meant, NotUnderstoodError, Roster, understand
from pantheon_git.day.moves import move
from pantheon_git.day.queue import NewTask, already_queued, for_path, queued, slug
from pantheon_git.day.snapshot import Snapshot
from pantheon_git.day.taken import CHANGED, DONE, NEW, REFUSED, THERE, Known, Made, Taken, drop_refused
from pantheon_git.day.wish import Wish
from pantheon_git.ledger.read import TaskState
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.dump import dump
from pantheon_git.spec.globs import escape
from pantheon_git.spec.task import Goal, Limits, Scope, Task

MOST = 200
"""Tasks of one line; `add` has no such bound."""


def take(wishes: Sequence[Wish], roster: Roster, snapshot: Snapshot, ledger: Mapping[str, TaskState]) -> list[Taken]:
    """What the wishes come to; nothing is written."""
    known = Known(queued(roster.root), ledger)
    taken = [_one(wish, roster, known) for wish in _once(wishes)]
    _finished(taken, known)
    _claim(taken)
    move(taken, roster, snapshot, known)
    dropped = True
    while dropped:  # what was dropped may have stood in another one's way, or another one may need it
        _claim(taken)
        dropped = _needs(taken, known)
        _compare(taken, known)
        dropped = dropped or _refused(taken, snapshot)
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
    if _as_one(wish, agent):
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
        other = have.get(path, id_)
        chore = (agent.name, path) if agent.goal else None
        made.append(
            Made(new, NEW, chore=chore) if other == id_ else Made(new, DONE, f"queued already as {other}", other)
        )
    return made


def _as_one(wish: Wish, agent: Agent) -> bool:
    """Whether it is one task over all files: the agent works on the task, and no parameter names a file."""
    return wish.whole or (agent.loop.over == "task" and not agent.queue.params)


def _goal(wish: Wish, meant: Meant) -> str:
    """The person's words where they name the file or the agent has none; the agent's name it."""
    whole = _as_one(wish, meant.agent)
    if meant.agent.goal and not whole and not (len(meant.paths) == 1 and meant.paths[0] in wish.text):
        return meant.agent.goal
    text = f"{wish.text}\n\n{wish.details}" if wish.details and not meant.agent.goal else wish.text
    return text if whole or len(meant.paths) == 1 else f"{text}: {{path}}"


def _mark(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _finished(taken: Sequence[Taken], known: Known) -> None:
    """What the ledger knows and the queue has no more."""
    for made in (made for one in taken for made in one.of(NEW)):
        id_ = made.new.id
        if id_ in known.ledger and id_ not in known.queue:
            state = known.ledger[id_]
            made.status, made.why = DONE, f"{state.state} in the night {state.night}"
            made.stands = id_ if state.state in ("pr", "running") else ""


def _claim(taken: Sequence[Taken]) -> None:
    """One chore on one file once, by the first line that asks for it."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for one in taken:
        for made in one.made:
            if made.doubled:
                made.status, made.doubled = NEW, False
            if made.chore is None or made.status not in (NEW, THERE, CHANGED):
                continue
            id_, place = first.setdefault(made.chore, (made.new.id, one.wish.place))
            if id_ != made.new.id:
                made.status, made.doubled, made.stands = DONE, True, id_
                made.why = f"asked for in {place} already, as {id_}"


def _compare(taken: Sequence[Taken], known: Known) -> None:
    """Which of the tasks are in the queue, and whether as they would be written."""
    for made in (made for one in taken for made in one.of(NEW, THERE, CHANGED)):
        if not made.kept and (found := known.queue.get(made.new.id)):
            made.status = THERE if found == made.new.task else CHANGED


def _needs(taken: Sequence[Taken], known: Known) -> bool:
    """Ids of the source become ids of tasks; what waits for what does not come is dropped. Whether any was."""
    by_id = {_plain(one.wish.id): one for one in taken if one.wish.id}
    open_ = [one for one in taken if not one.why and one.wish.exact is None]
    for one in open_:
        _need(one, by_id, known)
    return any(one.why for one in open_)


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
    drop_refused(taken)
    return out
