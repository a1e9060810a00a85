"""What one line of a board, a backlog, a spec or a model's answer asks for, in our own words, whatever its source.

Readers (`board`, `backlog`, `records`, `outline` of a plan) make wishes; `intake` makes tasks of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.spec.task import Acceptance, Task

PRIORITIES: Mapping[str, int] = {
    **dict.fromkeys(("p0", "critical", "urgent", "highest", "blocker", "a"), 20),
    **dict.fromkeys(("p1", "high", "major", "important", "b"), 10),
    **dict.fromkeys(("p2", "medium", "normal", "moderate", "none", "c"), 0),
    **dict.fromkeys(("p3", "low", "minor", "d"), -10),
    **dict.fromkeys(("p4", "lowest", "trivial", "someday", "e"), -20),
}
"""A priority in words → that of a task: higher runs earlier, 0 is the default. Single letters as in todo.txt."""
DONE = frozenset(
    {
        *("done", "complete", "completed", "archive", "archived", "closed", "shipped", "released", "finished"),
        *("merged", "cancelled", "canceled", "rejected", "superseded", "unchanged", "won't do", "wontfix"),
    }
)
BUSY = frozenset(
    {
        *("doing", "in progress", "wip", "in review", "review", "reviewing", "testing", "in testing", "blocked"),
        *("on hold", "waiting", "in development", "running", "pr"),
    }
)
"""Lanes and states whose work somebody has already."""
_COMMAND = re.compile(r"`([^`]+)`\s+(?:succeeds|passes|pass|runs green|is green|exits (?:with )?0)\.?", re.IGNORECASE)


@dataclass
class Wish:
    place: str
    """`FILE:LINE` of what asks for it."""
    key: str
    """What names it in its source for good: an id, or its words. Imported again, the same key is the same task."""
    text: str
    """What is asked for, in one line."""
    id: str = ""
    """By which others in the source name it in `needs`; empty where nobody can."""
    details: str = ""
    labels: tuple[str, ...] = ()
    agent: str = ""
    """As named by the source; empty: found from labels and words."""
    flow: str = ""
    paths: tuple[str, ...] = ()
    """Files, folders or globs that the source names as such; empty: found in the text."""
    params: dict[str, Any] = field(default_factory=dict)
    acceptance: tuple[Acceptance, ...] = ()
    priority: int = 0
    tier: int = 1
    limits: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Ids of the source, or of tasks."""
    skip: str = ""
    """Why it is no work for a night: done, or somebody is at it."""
    done: bool = False
    """Whether others need not wait for it."""
    whole: bool = False
    """Whether text and paths stand for one task, whatever the agent's own way of dividing work."""
    exact: Task | None = None
    """A task of ours, to be taken as it stands."""
    mapped: list[str] = field(default_factory=list)
    """`FIELD → FIELD = VALUE`."""
    unmapped: list[str] = field(default_factory=list)
    """`FIELD: why`."""

    def rank(self, field_: str, value: Any) -> None:
        """Take over a priority, a number or a word, or say why not."""
        if isinstance(value, int) and not isinstance(value, bool):
            self.priority = value
        elif (word := str(value).strip().casefold()) in PRIORITIES:
            self.priority = PRIORITIES[word]
        else:
            self.unmapped.append(f"{field_}: {value!r} is no priority that is known (critical, high, medium, low …)")
            return
        self.mapped.append(f"{field_} {value} → priority = {self.priority}")


def state_name(text: str) -> str:
    """A lane's heading or a state in words alone: no emoji, number, dash or colon."""
    return re.sub(r"[^\w' ]+", " ", re.sub(r"[-_]", " ", text)).strip().casefold()


def stands(wish: Wish, state: str, wanted: Collection[str], where: str) -> None:
    """Mark what stands in a lane or state that is no work for a night. `wanted`: states that are taken whatever they
    are called, and then no others."""
    names = {state_name(part) for part in (state, *re.split("[/|&,]", state))}  # `WIP / Doing` is both
    wish.done = bool(names & DONE)
    if wanted:
        wish.skip = "" if names & {state_name(one) for one in wanted} else f"{where} {state!r}"
    elif wish.done:
        wish.skip = f"{where} {state!r}"
    elif names & BUSY or state_name(state).startswith(("blocked ", "waiting ")):
        wish.skip = f"{where} {state!r}: somebody is at it (--lane {state!r} takes it)"


def accept(text: str) -> Acceptance:
    """A criterion. One that says of a command that it succeeds is checked by that command, in the job's jail."""
    command = _COMMAND.fullmatch(text.strip())
    return Acceptance(text=text.strip(), check=command[1] if command else None)


def demand(wishes: Sequence[Wish], commands: Sequence[str]) -> None:
    """Commands that must succeed after each of the tasks, as `add --check` has them; a task of ours stays as it is."""
    more = tuple(Acceptance(text=f"`{command}` succeeds", check=command) for command in commands)
    for wish in wishes:
        wish.acceptance += more


def criteria(wish: Wish, texts: Sequence[str], where: str) -> None:
    """Take over acceptance criteria."""
    found = tuple(accept(text) for text in texts if text.strip())
    if found:
        wish.acceptance += found
        checks = sum(one.check is not None for one in found)
        told = f", {checks} as commands" if checks else ""
        wish.mapped.append(f"{where} → goal.acceptance ({len(found)}{told})")
