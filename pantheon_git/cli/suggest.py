"""`pantheon-git suggest`: repetitive work that specialists could do, ranked, and queued on the person's word."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.output import DRY_RUN, JSON, print_json, printable, say, style
from pantheon_git.cli.settled import settled, told
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.day.success import Record
    from pantheon_git.day.suggest import Suggestion

_SHOWN = 3
"""Paths of one suggestion."""


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--agent", "only", metavar="NAME", default="", help="Work of this specialist alone.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1), help="The best N suggestions.")
@click.option("-w", "--write", is_flag=True, help="Queue what is suggested: one task file for each path.")
@DRY_RUN
@JSON
@click.pass_context
def suggest(ctx: click.Context, /, paths: tuple[str, ...], write: bool, **options: Any) -> None:
    """Find repetitive work that specialists could do here, and queue it on your word.

    What each specialist looks for stands in its manifest: documents without front matter, names that are no good,
    modules without tests. Files that are alike are one suggestion; first comes what repeats most, weighed by how often
    the specialist's work came through in this repository's signed nights. PATHS are git's pathspecs.

    \b
    pantheon-git suggest docs
    pantheon-git suggest docs --limit 1 --write
    """
    from pantheon_git.cli.intake import finish, opened
    from pantheon_git.day.success import record
    from pantheon_git.day.suggest import suggest as find
    from pantheon_git.day.suggest import wishes
    from pantheon_git.repo.objects import Objects

    at = here(ctx)
    (told if options["dry_run"] or not write else settled)(at)
    opening = opened(at, fallback=options["only"])
    known = record(at.git, Objects(at.git))
    found, waiting = find(opening[1], known, _within(at, paths), options["only"])
    best = found[: options["limit"]]
    if write or options["dry_run"]:
        finish(at, wishes(best), opening, verb="queued", dry_run=options["dry_run"], update=False,
               as_json=options["as_json"])  # fmt: skip
        return
    if options["as_json"]:
        print_json([_json(one) for one in best])
        return
    for number, one in enumerate(best, 1):
        _show(number, one, known)
    _summary(found, best, waiting, known)
    if best:
        given = " ".join(map(shlex.quote, [*paths, *(["--agent", options["only"]] if options["only"] else [])]))
        say(f"next: pantheon-git suggest {given + ' ' if given else ''}--limit {len(best)} --write")


def _within(at: Here, paths: tuple[str, ...]) -> set[str] | None:
    """What the pathspecs select of the tracked files; None without any."""
    if not paths:
        return None
    listed = at.git.run("-C", str(at.cwd), "ls-files", "-z", "--full-name", "--", *paths).out
    found = {os.fsdecode(path) for path in listed.split(b"\0") if path}
    if not found:
        raise PantheonError(f"{', '.join(paths)}: no tracked file", "git ls-files shows what is tracked")
    return found


def _show(number: int, one: Suggestion, known: Record) -> None:
    count = len(one.paths)
    title = f"{count} {one.what}" if count > 1 else f"1 of the {one.what}"
    click.echo(f"{number:>2}  {style(title, bold=True)}  → {one.agent.name}")
    said = f"{one.success.good} of {one.success.tried} came through here" if one.success.tried else "not tried here yet"
    click.echo(f"    {said}; about {max(1, round(one.worth))} of these would" if one.success.tried else f"    {said}")
    shown = ", ".join(printable(path) for path in one.paths[:_SHOWN])
    click.echo(f"    {shown}" + (f", … {count - _SHOWN} more" if count > _SHOWN else ""))


def _summary(found: list[Suggestion], best: list[Suggestion], waiting: int, known: Record) -> None:
    from pantheon_git.day import clusters

    files = sum(len(one.paths) for one in best)
    more = len(found) - len(best)
    said = f"{len(best)} suggestion{'s' * (len(best) != 1)}, {files} files" if best else "nothing to suggest"
    say(said + (f"; {more} more with --limit {len(found)}" if more else "")
        + (f"; {waiting} files are queued already" if waiting else ""))  # fmt: skip
    if known.nights:
        say(f"measured over {known.nights} signed night{'s' * (known.nights != 1)}")
    if known.left_out:
        say(f"not counted: {known.left_out}")
    if not clusters.known():
        say(f"grouped by folder; {clusters.INSTALL} groups what is alike")


def _json(one: Suggestion) -> dict[str, Any]:
    return {
        "what": one.what, "agent": one.agent.name, "paths": list(one.paths), "tried": one.success.tried,
        "good": one.success.good, "worth": round(one.worth, 2),
    }  # fmt: skip
