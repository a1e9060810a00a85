"""What `import`, `plan` and `suggest` share: from wishes to a list that a person reads, and to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import Here
from pantheon_git.cli.output import print_json, printable, say, style

if TYPE_CHECKING:
    from pantheon_git.day.intents import Roster
    from pantheon_git.day.snapshot import Snapshot
    from pantheon_git.day.taken import Made, Taken
    from pantheon_git.day.wish import Wish
    from pantheon_git.ledger.read import TaskState


CHECK = click.option(
    "--check",
    "checks",
    multiple=True,
    metavar="COMMAND",
    help="A command that must succeed after each task; it runs in the job's jail. Repeatable.",
)
_WIDE = 120
"""Characters of a line that are shown."""


def opened(at: Here, labels: Mapping[str, str] | None = None, fallback: str = "") -> tuple[Snapshot, Roster]:
    """The work tree, and who works on what in it."""
    from pantheon_git.day.roster import roster
    from pantheon_git.day.snapshot import of_work_tree

    snapshot = of_work_tree(at.git, at.root)
    return snapshot, roster(at.git, snapshot, labels, fallback)


def known_tasks(at: Here) -> Mapping[str, TaskState]:
    """What the ledger knows of tasks; nothing before the first commit."""
    from pantheon_git.ledger.read import task_states
    from pantheon_git.repo.objects import Objects

    objects = Objects(at.git)
    head = objects.resolve("HEAD^{tree}")
    return task_states(at.git, objects, head) if head else {}


def finish(at: Here, wishes: Sequence[Wish], opening: tuple[Snapshot, Roster], *, verb: str, dry_run: bool,
           update: bool, as_json: bool, more: Mapping[str, Any] | None = None) -> None:  # fmt: skip
    """Make tasks of the wishes, write them, and say what became of each. `more`: told in JSON besides."""
    from pantheon_git.day import intake, queue
    from pantheon_git.day.staging import to_commit

    snapshot, roster = opening
    taken = intake.take(wishes, roster, snapshot, known_tasks(at))
    fresh = intake.fresh(taken, update)
    if not dry_run:
        queue.write(at.root, fresh, update=update)
    if as_json:
        told = [_json(one) for one in taken]
        print_json(told if more is None else {**more, "lines": told})
        return
    for one in taken:
        if not one.wish.skip:
            _show(one, update)
    _summary(taken, verb, len(fresh), dry_run)
    if fresh and not dry_run:
        say(f"next: read them, then: {to_commit(at.git, '.pantheon/queue', 'Queue tasks')}")


def _show(one: Taken, update: bool) -> None:
    from pantheon_git.day.taken import CHANGED, DONE, NEW, REFUSED, THERE

    who = f"  → {one.agent}" if one.agent else ""
    text = one.wish.text if len(one.wish.text) <= _WIDE else one.wish.text[:_WIDE] + "…"
    click.echo(f"{printable(one.wish.place)}  {style(text, bold=True)}{who}")
    if one.why:
        click.echo(f"    {style('not taken', fg='yellow')}: {printable(one.why)}")
    for made in one.of(NEW, *([CHANGED] if update else [])):
        click.echo(f"    {made.new.file}  {printable(made.new.path)}")
    for made in one.of(REFUSED):
        click.echo(f"    {style('not taken', fg='yellow')}: {printable(made.new.path)}: {printable(made.why)}")
    for made in [] if update else one.of(CHANGED):
        click.echo(f"    {made.new.file}  is there, but otherwise (--update writes it anew)")
    told = Counter(made.why for made in one.of(DONE))
    for why, number in told.items():
        click.echo(f"    {number} × {why}" if number > 1 else f"    {why}")
    if there := len(one.of(THERE)):
        click.echo(f"    {there} there already")
    if one.made:
        for line in [*one.notes, *one.wish.mapped, *(f"not mapped: {line}" for line in one.wish.unmapped)]:
            click.echo(f"    {style(line, dim=True)}")


def _summary(taken: Sequence[Taken], verb: str, fresh: int, dry_run: bool) -> None:
    from pantheon_git.day.taken import THERE

    there = sum(len(one.of(THERE)) for one in taken)
    left = Counter(one.wish.skip for one in taken if one.wish.skip)
    not_taken = sum(bool(one.why) and not one.wish.skip for one in taken)
    said = f"{'would be ' if dry_run else ''}{verb}: {fresh} task{'s' * (fresh != 1)}"
    more = [f"{there} there already" if there else "", f"{not_taken} not taken" if not_taken else ""]
    say(", ".join([said, *filter(None, more)]))
    for why, number in left.items():
        say(f"left out: {number} {printable(why)}")


def _json(one: Taken) -> dict[str, Any]:
    wish = one.wish
    return {
        "place": wish.place, "text": wish.text, "agent": one.agent, "why_not": one.why,
        "tasks": [_made(made) for made in one.made], "mapped": wish.mapped, "unmapped": wish.unmapped,
        "notes": one.notes,
    }  # fmt: skip


def _made(made: Made) -> dict[str, Any]:
    return {"id": made.new.id, "file": made.new.file, "path": made.new.path, "status": made.status, "why": made.why}
