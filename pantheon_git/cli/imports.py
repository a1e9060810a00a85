"""`pantheon-git import`: boards, backlogs and records of other tools become task files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.intake import CHECK
from pantheon_git.cli.output import DRY_RUN, JSON
from pantheon_git.cli.settled import settled, told
from pantheon_git.errors import PantheonError


@click.group("import")
def import_() -> None:
    """Make task files from a board, a backlog, JSON lines or a Harbor task.

    \b
    pantheon-git import kanban TODO.md
    pantheon-git import backlog backlog/tasks
    git add .pantheon/queue && git commit -m 'Queue tasks'

    A line becomes tasks where it asks for a specialist, by label or words, and names files of this repository.
    Everything else is told with the reason. Imported again, nothing is doubled.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What all sources share."""
    for option in (
        JSON,
        DRY_RUN,
        click.option("--update", is_flag=True, help="Also write anew what is in the queue, but otherwise."),
        click.option("--agent", metavar="NAME", default="", help="The specialist of what names none."),
        CHECK,
        click.option("--label", "labels", multiple=True, metavar="LABEL=AGENT",
                     help="Whom a label stands for; by default the end of the agent's name. Repeatable."),
    ):  # fmt: skip
        command = option(command)
    return click.pass_context(command)


_LANE = click.option(
    "--lane", "lanes", multiple=True, metavar="NAME",
    help="Take this lane or state alone; by default all but what is done or in hand. Repeatable.",
)  # fmt: skip
_FILE = click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())


@import_.command()
@_FILE
@_LANE
@_options
def kanban(ctx: click.Context, /, files: tuple[str, ...], lanes: tuple[str, ...], **options: Any) -> None:
    """Import the cards of boards in Markdown.

    Obsidian Kanban, lists of GitHub tasks below headings, TODO files. Tags are labels; priorities, ids and what a card
    waits for are read as Obsidian Tasks, Dataview and todo.txt write them; checkboxes below a card are what must hold.
    """
    from pantheon_git.day.board import read_board

    at = here(ctx)
    _import(at, [wish for name in files for wish in read_board(_text(at, name), name, lanes)], options)


@import_.command()
@_FILE
@_LANE
@_options
def backlog(ctx: click.Context, /, files: tuple[str, ...], lanes: tuple[str, ...], **options: Any) -> None:
    """Import task files of Backlog.md, or a folder of them.

    Title, labels, priority, dependencies and acceptance criteria are taken over; its words and references name the
    files.
    """
    from pantheon_git.day.backlog import read_tasks

    at = here(ctx)
    found = [at.cwd / name for name in files]
    _import(at, read_tasks(found, at.cwd, lanes), options)


@import_.command()
@_FILE
@_LANE
@_options
def jsonl(ctx: click.Context, /, files: tuple[str, ...], lanes: tuple[str, ...], **options: Any) -> None:
    """Import JSON lines: what `pantheon-git export` wrote, or another tracker (`-` reads standard input).

    \b
    {"title": "Front matter for the guides", "labels": ["frontmatter"], "paths": ["docs/guides"], "priority": "high"}
    """
    from pantheon_git.day.records import read_lines

    at = here(ctx)
    _import(at, [wish for name in files for wish in read_lines(_text(at, name), name, lanes)], options)


@import_.command()
@_FILE
@click.option("--path", "paths", multiple=True, metavar="PATH", help="What it is about, if its text does not say.")
@_options
def harbor(ctx: click.Context, /, files: tuple[str, ...], paths: tuple[str, ...], **options: Any) -> None:
    """Import tasks of the Harbor project: FILE is a task.toml, with its instruction.md beside it.

    Each becomes one task over all its files. `add --from-harbor` makes one task, with all of `add`'s options.
    """
    from pantheon_git.cli.add import policy_of
    from pantheon_git.day.harbor import as_wish, read_harbor

    at = here(ctx)
    policy = policy_of(at)
    _import(at, [as_wish(read_harbor(at.cwd / name, policy), name, paths) for name in files], options)


def _import(at: Here, wishes: Sequence[Any], options: dict[str, Any]) -> None:
    from pantheon_git.cli.intake import finish, opened
    from pantheon_git.day.wish import demand

    demand(wishes, options["checks"])
    (told if options["dry_run"] else settled)(at)
    opening = opened(at, dict(_label(text) for text in options["labels"]), options["agent"])
    finish(at, wishes, opening, verb="imported", dry_run=options["dry_run"], update=options["update"],
           as_json=options["as_json"])  # fmt: skip


def _label(text: str) -> tuple[str, str]:
    label, equals, agent = text.partition("=")
    if not equals or not label or not agent:
        raise PantheonError(f"--label {text!r} is not LABEL=AGENT", "--label docs=doc.frontmatter")
    return label.lstrip("#"), agent


def _text(at: Here, name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else (at.cwd / Path(name)).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PantheonError(f"{name}: {error}", "name a file that can be read as UTF-8") from error
