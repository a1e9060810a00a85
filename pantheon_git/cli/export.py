"""`pantheon-git export`: tasks and what became of them, for other tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import DRY_RUN, JSON, json_text, print_json, say
from pantheon_git.errors import PantheonError

_STATES = ("queued", "running", "pr", "merged", "rejected", "failed", "superseded", "unchanged")


@click.command()
@click.argument("ids", nargs=-1, metavar="[TASK]...")
@click.option("--format", "form", type=click.Choice(["jsonl", "atif"]), default="jsonl", show_default=True,
              help="Lines that `import jsonl` reads again, or the trajectory of each job (ATIF v1.7).")  # fmt: skip
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Tasks in this state. Repeatable.")
@click.option("--out", metavar="PATH", type=click.Path(), help="A file; for trajectories a folder, JOB.json each.")
@DRY_RUN
@JSON
@click.pass_context
def export(ctx: click.Context, /, ids: tuple[str, ...], form: str, out: str | None, **options: Any) -> None:
    """Export tasks and what became of them, for other tools.

    A line for each task of HEAD's queue and of the ledger: the task itself, its state, and each attempt with ending,
    verdicts, changed lines and tokens. --format atif writes what every node of each job saw and did.

    \b
    pantheon-git export --state merged > merged.jsonl
    pantheon-git export --format atif --out trajectories
    """
    from pantheon_git.morning.export import tasks, trajectories
    from pantheon_git.repo.objects import Objects

    at = here(ctx)
    if form == "atif" and options["states"]:
        raise PantheonError(
            "--state is for tasks, and trajectories are of jobs", "name the tasks: pantheon-git export ID"
        )
    objects = Objects(at.git)
    made = trajectories(at.git, objects, ids) if form == "atif" else tasks(at.git, objects, ids, options["states"])
    if options["as_json"]:
        print_json(list(made))
    elif options["dry_run"]:
        say(f"would export {sum(1 for _ in made)} {_what(form)} to {out or 'standard output'}")
    elif out is None:
        for one in made:
            click.echo(json_text(one))
    else:
        count = _folder(Path(at.cwd / out), made) if form == "atif" else _file(Path(at.cwd / out), made)
        say(f"{out}: {count} {_what(form)}; pantheon-git verify says whether the ledger is what was signed")


def _what(form: str) -> str:
    return "trajectories" if form == "atif" else "tasks"


def _file(path: Path, made: Iterator[dict[str, Any]]) -> int:
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in made]
    path.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def _folder(path: Path, made: Iterator[dict[str, Any]]) -> int:
    path.mkdir(parents=True, exist_ok=True)
    names = []
    for one in made:
        names.append(f"{one['trajectory_id']}.json")
        (path / names[-1]).write_text(json.dumps(one, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(names)
