"""`pantheon-git freeze`: the committed queue, sealed and signed by a person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.output import DRY_RUN, JSON, print_json, printable, say, style, table
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.day.freeze import Draft
    from pantheon_git.ledger.frozen import Frozen
    from pantheon_git.pulls.desk import Desk


@click.command()
@click.option("--only", multiple=True, metavar="ID", help="Freeze only this task. Repeatable.")
@click.option("-m", "--message", default="", metavar="TEXT", help="Why; signed with it.")
@click.option("--drop", "dropped", is_flag=True, help="Withdraw the latest frozen queue of this branch instead.")
@click.option("--list", "list_", is_flag=True, help="List the frozen queues.")
@DRY_RUN
@JSON
@click.pass_context
def freeze(
    ctx: click.Context, only: tuple[str, ...], message: str, dropped: bool, list_: bool, dry_run: bool, as_json: bool
) -> int:
    """Seal and sign the committed queue: the night runs this and nothing else.

    Each queued task of the target's last commit is frozen as it stands there, with its flow, its agents and the policy,
    and signed with your key at refs/pantheon/frozen/NAME. From then on `run` does these jobs only, until all of them
    have ended, a later freeze takes its place, or --drop withdraws it; a task that is edited, added or retried later
    waits for the next freeze. A job of it runs once, in one night or in several.

    Without any freeze `run` takes the queue as committed, and says so. In .pantheon/policy.toml, [night] frozen =
    "required" never lets it; "off" takes no notice.

    The exit code is 1 where the commit holds files with faults; what has none is frozen all the same.
    """
    from pantheon_git.cli.passphrase import asker
    from pantheon_git.pulls.desk import Desk

    at = here(ctx)
    desk = Desk(at.git, asker())
    if list_:
        return _list(desk, as_json)
    if dropped:
        return _drop(at, desk, message, dry_run, as_json)
    return _freeze(at, desk, only, message, dry_run, as_json)


def _freeze(at: Here, desk: Desk, only: tuple[str, ...], message: str, dry_run: bool, as_json: bool) -> int:
    from pantheon_git.day.freeze import draft
    from pantheon_git.ledger import frozen
    from pantheon_git.night.plan import resolve_target

    now = time.time()
    name = frozen.new_name(at.git, now)
    found = draft(at.git, desk.objects, resolve_target(at.git, at.config.target), name, only)
    if not as_json:
        _tell(found)
    made = None
    if found.queue.jobs and not dry_run:
        made = frozen.freeze(at.git, desk.objects, desk.key, found.queue, desk.who, message, now)
    if as_json:
        print_json(_as_json(found, made))
    elif made is not None:
        click.echo(f"frozen: {_where(found)}, as {made.name}, signed by {printable(made.who)} ({made.key_id})")
        say("next: pantheon-git run --dry-run; to withdraw it: pantheon-git freeze --drop")
    elif found.queue.jobs:
        click.echo(f"would freeze {_where(found)}")
    if not found.queue.jobs:
        raise PantheonError(
            f"nothing to freeze: no task without faults is queued at {found.queue.commit[:12]}",
            "pantheon-git add AGENT PATHS…, and commit; pantheon-git run --dry-run says where each task stands",
        )
    return 1 if found.faults else 0


def _where(found: Draft) -> str:
    queue = found.queue
    jobs = f"{len(queue.jobs)} job{'s' * (len(queue.jobs) != 1)}"
    return f"{jobs} of {queue.target.removeprefix('refs/heads/')} at {queue.commit[:12]}"


def _tell(found: Draft) -> None:
    rows = [(job, " or ".join(flow.name for flow in task.flows), task.why) for job, task in found.planned.items()]
    if rows:
        click.echo(table(rows, ("JOB", "FLOW", "WOULD IT RUN NOW?")))
    for task, why in found.left.items():
        say(f"not frozen: {task}: {printable(why)}")
    for fault in found.faults:
        if not any(fault == why for why in found.left.values()):
            say(f"{style('broken:', fg='red')} {printable(fault)}")
    for line in found.uncommitted:
        say(f"not frozen: {printable(line)}")


def _as_json(found: Draft, made: Frozen | None) -> dict[str, Any]:
    return {
        "frozen": made.name if made else None,
        "head": made.head if made else None,
        "target": found.queue.target,
        "commit": found.queue.commit,
        "jobs": [
            {"job": job, "flows": [flow.name for flow in task.flows], "revision": task.revision, "why": task.why}
            for job, task in found.planned.items()
        ],
        "not_frozen": found.left,
        "faults": found.faults,
        "uncommitted": found.uncommitted,
    }


def _drop(at: Here, desk: Desk, message: str, dry_run: bool, as_json: bool) -> int:
    from pantheon_git.ledger import frozen
    from pantheon_git.night.plan import resolve_target

    target = resolve_target(at.git, at.config.target)
    found = next((one for one in frozen.all_frozen(at.git, desk.objects) if one.queue.target == target), None)
    if found is None or found.dropped:
        branch = target.removeprefix("refs/heads/")
        raise PantheonError(f"no frozen queue of {branch} stands, so there is none to withdraw", "pantheon-git freeze")
    if not dry_run:
        frozen.drop(at.git, desk.objects, desk.key, found, desk.who, message, time.time())
    if as_json:
        print_json({"dropped": found.name, "done": not dry_run})
    else:
        click.echo(f"{'would withdraw' if dry_run else 'withdrawn:'} {found.name}, {len(found.queue.jobs)} jobs")
    return 0


def _list(desk: Desk, as_json: bool) -> int:
    from pantheon_git.ledger import frozen

    rows = list(frozen.all_frozen(desk.git, desk.objects))
    if as_json:
        print_json([{**one.info(), "target": one.queue.target, "jobs": [job.job for job in one.queue.jobs],
                     "dropped": one.dropped} for one in rows])  # fmt: skip
        return 0
    cells = [
        (one.name, one.queue.target.removeprefix("refs/heads/"), one.queue.commit[:12], str(len(one.queue.jobs)),
         printable(one.who), f"withdrawn by {printable(one.dropped)}" if one.dropped else "")
        for one in rows
    ]  # fmt: skip
    click.echo(table(cells, ("NAME", "BRANCH", "COMMIT", "JOBS", "BY", "")) if cells else "no queue was frozen here")
    return 0
