"""What became of wishes, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pantheon_git.day.queue import NewTask
from pantheon_git.day.wish import Wish
from pantheon_git.ledger.read import TaskState
from pantheon_git.spec.task import Task

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
    chore: tuple[str, str] | None = None
    """Agent and file, of which one task is enough."""
    kept: bool = False
    """Whether it is in the queue and stays as it is there."""
    doubled: bool = False
    """Whether it is `done` because another line asks for the same chore."""


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

    def find(self, mark: str, name: str) -> str:
        """The id of the task with that mark at its end, or the new one's."""
        return next((id_ for id_ in (*self.queue, *self.ledger) if id_.endswith(f"-{mark}")), f"{name}-{mark}")


def drop_refused(taken: Sequence[Taken]) -> None:
    """What has no task left says why."""
    for one in taken:
        if one.made and len(one.of(REFUSED)) == len(one.made):
            one.why, one.made = one.made[0].why, []
