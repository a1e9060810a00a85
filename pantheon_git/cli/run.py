"""`pantheon-git run`: the night."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.output import DRY_RUN, JSON, counts, print_json, printable, say, style, table
from pantheon_git.cli.settled import settled

if TYPE_CHECKING:
    from pantheon_git.night.run import NightResult


@click.command()
@click.option("-j", "--jobs", type=click.IntRange(1, 4096), help="Jobs at once; default: git config pantheon.jobs, 8.")
@click.option("--only", multiple=True, metavar="ID", help="Run only this task. Repeatable.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Run at most N jobs.")
@click.option("--until", metavar="HH:MM", help="Start no job that would not end by then: 06:00.")
@click.option(
    "--engine", type=click.Choice(["auto", "openvino", "vllm", "control"]), help="Model engine for all agents."
)
@click.option("--model-path", type=click.Path(exists=True, path_type=Path), help="A model on disk, for all agents.")
@click.option("--jail", type=click.Choice(["auto", "bubblewrap", "namespaces"]), help="Kind of jail; never none.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@DRY_RUN
@JSON
@click.pass_context
def run(ctx: click.Context, /, dry_run: bool, as_json: bool, quiet: bool, **options: Any) -> int:
    """Run the night: every queued task of the committed queue, once.

    The queue is read from the target branch's last commit; an edit that is not committed never runs. Your checkout and
    index are not touched: what passes becomes a branch pantheon/pr/ID.N, what does not leaves a breadcrumb at
    refs/pantheon/failed/ID.N. Ctrl-C finishes what is being written and stops; the rest stays queued.

    Exit code: 0 when every job ended by itself, 1 when a file of the queue is broken or the machinery failed, 130 after
    Ctrl-C. A job that was refused or stopped is no failure of the night: pantheon-git report tells.
    """
    at = here(ctx)
    return _plan(at, as_json) if dry_run else _guarded(at, options, as_json, quiet)


def _guarded(at: Here, options: dict[str, Any], as_json: bool, quiet: bool) -> int:
    """The night, inside the guard: the first time through, this process becomes another one and does not come back."""
    from pantheon_git.night import guard
    from pantheon_git.night.schedule import attempt
    from pantheon_git.repo.git import require_supported, require_writable

    if not guard.begun():
        require_supported(at.git)
        require_writable(at.git)
        settled(at)
        _until(options["until"])  # what was typed wrong is said before anything is done
        named = options["model_path"] or at.git.config("pantheon.modelPath")
        words = ["-C", str(at.cwd), "run", *_words({**options, "json": as_json, "quiet": quiet})]
        with attempt(at.git.common_dir):  # a start that is refused is told in the morning, too
            guard.enter(at.git, words, [Path(named).expanduser()] if named else [])
    with attempt(at.git.common_dir) as told:
        result = _night(at, options, quiet)
        told |= {"night": result.night, "exit_code": result.exit_code}
    if as_json:
        print_json(_as_json(result))
    else:
        _tell(result)
    return result.exit_code


def _words(options: dict[str, Any]) -> list[str]:
    """The options as they would be typed, without a path that depends on where one stands."""
    words = []
    for name, value in options.items():
        given = value if isinstance(value, tuple) else (value,)
        for one in (one for one in given if one not in (None, False)):
            text = one.absolute() if isinstance(one, Path) else one
            words.append(f"--{name.replace('_', '-')}" + ("" if one is True else f"={text}"))
    return words


def _night(at: Here, options: dict[str, Any], quiet: bool) -> NightResult:
    from pantheon_git.cli.progress import Progress
    from pantheon_git.night.guard_facts import require
    from pantheon_git.night.run import NightOptions, run_night

    facts = require()
    config = at.config
    model = options["model_path"] or (Path(config.model_path).expanduser() if config.model_path else None)
    chosen = NightOptions(
        jobs=options["jobs"] or config.jobs,
        only=options["only"],
        limit=options["limit"],
        until=_until(options["until"]),
        engine=options["engine"] or config.engine,
        model_path=model,
        jail=options["jail"] or config.jail,
        target=config.target,
        guard=facts,
    )
    progress = Progress(quiet)
    try:
        return asyncio.run(run_night(at.git, chosen, progress))
    finally:
        progress.close()


def _until(text: str | None) -> float | None:
    from pantheon_git.night.deadline import parse_until

    return parse_until(text, datetime.datetime.now()).timestamp() if text else None


def _as_json(result: Any) -> dict[str, Any]:
    return {
        "night": result.night,
        "endings": result.endings,
        "jobs": [
            {"job": job.context.job, "ending": job.ending, "reason": job.reason, "seconds": round(job.seconds, 3)}
            for job in result.jobs
        ],
        "put_off": {entry.id: entry.why for entry in result.put_off},
        "broken": {broken.path: list(broken.faults) for broken in result.broken},
        "interrupted": result.interrupted,
        "trouble": result.trouble,
        "seconds": round(result.seconds, 3),
    }


def _tell(result: Any) -> None:
    for broken in result.broken:
        for fault in broken.faults:
            say(f"{style('broken:', fg='red')} {printable(fault)}")
    for entry in result.put_off:
        say(f"waits: {entry.id}: {printable(entry.why)}")
    if result.night is None:
        branch, but = result.plan.target.removeprefix("refs/heads/"), ", but see above" if result.broken else ""
        click.echo(f"nothing to run: no task is queued on {branch} at {result.plan.base[:12]}{but}")
        say("next: pantheon-git run --dry-run says why; pantheon-git add AGENT PATHS… queues work; commit it")
        return
    named = {"accepted": "pr", "unchanged": "unchanged", "stopped": "failed", "refused": "refused", "errors": "error"}
    told = counts({word: result.endings.get(ending, 0) for word, ending in named.items()})
    if result.trouble:
        say(f"{style('given up:', fg='red')} {result.trouble}; what is not done stays queued for the next run")
    start = "interrupted: " if result.interrupted else "given up: " if result.trouble else ""
    click.echo(f"{start}night {result.night}: {told}, in {result.seconds:.0f} s")
    say("next: pantheon-git report")


def _plan(at: Here, as_json: bool) -> int:
    from pantheon_git.night.plan import make_plan, resolve_target
    from pantheon_git.repo.git import require_supported
    from pantheon_git.repo.objects import Objects

    require_supported(at.git)
    plan = make_plan(at.git, Objects(at.git), resolve_target(at.git, at.config.target))
    if as_json:
        print_json(
            {
                "base": plan.base,
                "target": plan.target,
                "frozen": plan.tonight.frozen.name if plan.tonight.frozen else None,
                "tasks": [
                    {"id": t.id, "job": t.job, "flow": t.flow.name, "state": t.state, "runs": t.runs, "why": t.why}
                    for t in plan.tasks
                ],
                "broken": {broken.path: list(broken.faults) for broken in plan.broken},
            }
        )
        return 1 if plan.broken else 0
    rows = [(task.id, task.flow.name, task.why) for task in plan.tasks]
    if rows:
        click.echo(table(rows, ("TASK", "FLOW", "WOULD IT RUN NOW?")))
    for broken in plan.broken:
        for fault in broken.faults:
            click.echo(f"broken: {printable(fault)}")
    branch = plan.target.removeprefix("refs/heads/")
    if plan.tonight.said:
        click.echo(printable(plan.tonight.said))
    click.echo(f"{len(plan.runnable)} of {len(plan.tasks)} tasks would run, on {branch} at {plan.base[:12]}")
    return 1 if plan.broken else 0
