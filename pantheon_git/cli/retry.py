"""`pantheon-git retry`: an unchanged task once more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import say
from pantheon_git.cli.settled import settled
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.ledger.read import TaskState

AGAIN = ("failed", "rejected", "unchanged", "superseded")


@click.command()
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...")
@click.option("-m", "--message", default="", metavar="TEXT", help="Why; recorded with the request.")
@click.pass_context
def retry(ctx: click.Context, tasks: tuple[str, ...], message: str) -> None:
    """Queue a task again that failed or was rejected.

    The unchanged task runs once more as the next attempt. An edited task file needs no retry: it is a new revision.
    """
    from pantheon_git.cli.passphrase import asker
    from pantheon_git.ledger import frozen, meta, read
    from pantheon_git.ledger.signing import person_signer
    from pantheon_git.night.plan import resolve_target
    from pantheon_git.repo.objects import Objects

    at = here(ctx)
    settled(at)
    objects = Objects(at.git)
    target = resolve_target(at.git, at.config.target)
    base = objects.resolve(target)
    if base is None:
        raise PantheonError("there is no commit yet, so no task has run", "pantheon-git add AGENT PATHS…")
    states = read.task_states(at.git, objects, objects.commit(base).tree)
    wrong = [line for task in tasks if (line := _why_not(task, states))]
    if wrong:
        raise PantheonError("\n".join(wrong), "pantheon-git log shows what became of each task")
    key, who = person_signer(at.git, asker()), at.identity()
    for task in tasks:
        entry = read.job(at.git, objects, states[task].job)
        meta.add_event(at.git, objects, key, entry, meta.Event("requeue", who, message, None, time.time()))
        click.echo(f"queued again: {task}, attempt {states[task].attempt + 1}")
    bound = any(one.queue.target == target and not one.dropped for one in frozen.all_frozen(at.git, objects))
    say("next: pantheon-git run" if not bound else "next: pantheon-git freeze, since another attempt is frozen anew")


def _why_not(task: str, states: Mapping[str, TaskState]) -> str:
    state = states[task].state if task in states else None
    if state is None:
        return f"{task}: no job of that task is recorded"
    if state == "pr":
        return f"{task}: its PR is open; first: pantheon-git pr reject {task}"
    return "" if state in AGAIN else f"{task}: it is {state}, so there is nothing to retry"
