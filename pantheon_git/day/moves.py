"""Tasks that move files, among all that a board or spec asks for."""

from __future__ import annotations

from collections.abc import Sequence

from pantheon_git.day.check import POLICY
from pantheon_git.day.intents import Roster
from pantheon_git.day.references import scoped
from pantheon_git.day.snapshot import Snapshot
from pantheon_git.day.taken import DONE, NEW, REFUSED, THERE, Known, Taken, drop_refused
from pantheon_git.errors import PantheonError
from pantheon_git.spec.load import load
from pantheon_git.spec.policy import Policy


def move(taken: Sequence[Taken], roster: Roster, snapshot: Snapshot, known: Known) -> None:
    """Tasks that move files get the scope that their references need; those on the same files become one."""
    moving = {name for name, agent in roster.agents.items() if agent.queue.references}
    made = [each for one in taken if one.agent in moving and not one.wish.exact for each in one.of(NEW)]
    for each in made:
        if each.new.id in known.queue:  # as it was scoped then, perhaps together with others
            each.status, each.kept = THERE, True
    made = [each for each in made if each.status == NEW]
    if not made:
        return
    data = snapshot.files.get(POLICY)
    forbidden = (load(Policy, data, POLICY) if data is not None else Policy()).gate.forbidden_paths
    try:
        found = scoped(roster.git, roster.root, [each.new for each in made], forbidden)
    except PantheonError:  # which of them? One by one takes a look at every document for each
        for each in made:
            try:
                scoped(roster.git, roster.root, [each.new], forbidden)
            except PantheonError as error:
                each.status, each.why = REFUSED, error.message
        made = [each for each in made if each.status == NEW]
        found = scoped(roster.git, roster.root, [each.new for each in made], forbidden)
    tasks = {new.id: new for new in found.tasks}
    for each in made:
        if each.new.id in tasks:
            each.new = tasks[each.new.id]
            continue
        each.stands = next(id_ for id_, new in tasks.items() if each.new.path in new.path.split(", "))
        each.status, each.why = DONE, f"in one task with others on the same files: {each.stands}"
    for one in taken:
        if one.of(NEW) and one.agent in moving:
            one.notes += found.notes
            break
    drop_refused(taken)
