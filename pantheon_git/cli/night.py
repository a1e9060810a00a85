"""`pantheon-git night`: the night as a system service of its own user."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, say, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pantheon_git.day.step import Step

ROOT = click.option(
    "--root", type=click.Path(path_type=Path), default=Path("/"), metavar="DIR", help="Work on the system in DIR."
)
APPLY = click.option("--apply", is_flag=True, help="Do it; without this, it is only shown.")


@click.group()
def night() -> None:
    """Let nights start by themselves, as a user without network and your files.

    install shows, and with --apply makes, a system user, a hardened service with its timer, and an egress block;
    status says whether tonight's would run and whether last night's did; uninstall takes it away.
    """


@night.command()
@click.option("--user", default="pantheon", show_default=True, help="System user that nights run as.")
@click.option("--at", required=True, metavar="HH:MM", help="When the night starts.")
@click.option("--until", required=True, metavar="HH:MM", help="When the last job has to have ended.")
@click.option("--repo", type=click.Path(path_type=Path), help="Your repository; default: the one you are in.")
@click.option("--program", help="The pantheon-git that the night runs; default: this one.")
@ROOT
@APPLY
@JSON
@click.pass_context
def install(
    ctx: click.Context,
    user: str,
    at: str,
    until: str,
    repo: Path | None,
    program: str | None,
    root: Path,
    apply: bool,
    as_json: bool,
) -> None:
    """Install the night as a service: every file and command is shown, and with --apply made.

    The night has a bare clone, a key and a model of its own under /var/lib/pantheon. It fetches from your repository by
    path before it closes itself in, and writes nothing there; you pull what it made. What is there already is left
    alone. uninstall takes it back.
    """
    from pantheon_git.day.install import Place, advice, install_steps, require_ready
    from pantheon_git.day.unit import Service, files
    from pantheon_git.repo.git import Git

    git = Git.discover(repo.absolute()) if repo else here(ctx).git
    own = program or str(Path(sys.prefix) / "bin/pantheon-git")
    service = Service(user, at, until, str((git.work_tree or git.common_dir).resolve()), own)
    place = Place(root.resolve())
    if apply:
        require_ready(service, place)
    steps = install_steps(service, place)
    if as_json:
        texts = files(service)
        _make(steps, apply, quiet=True)
        print_json({"steps": [step.what for step in steps], "made": apply, "files": texts, "next": advice(service)})
        return
    if not apply:
        for path, text in files(service).items():
            click.echo(style(f"--- {place.at(path)}", bold=True))
            click.echo(text)
    _make(steps, apply)
    if not steps:
        click.echo("nothing to do: everything is in place")
    elif not apply:
        say("next: the same with --apply, as root")
    if apply:
        say("next, as yourself:")
        for line in advice(service):
            say(f"  {line}")


@night.command()
@ROOT
@APPLY
@JSON
def uninstall(root: Path, apply: bool, as_json: bool) -> None:
    """Take the service, its timer and the egress block away; what nights made stays.

    The user goes only where it has no clone: remove /var/lib/pantheon first if you want to lose its nights too.
    """
    from pantheon_git.day.install import Place, require_root, uninstall_steps
    from pantheon_git.night.schedule import RECORD, installed

    place = Place(root.resolve())
    found = installed(place.at(str(RECORD)))
    steps = uninstall_steps(place, user=found.user if found else None)
    if apply:
        require_root("uninstall")
    if not as_json:
        _make(steps, apply)
        click.echo("" if steps else "nothing to do: no night is installed", nl=not steps)
        return
    _make(steps, apply, quiet=True)
    print_json({"steps": [step.what for step in steps], "made": apply})


def _make(steps: Sequence[Step], apply: bool, *, quiet: bool = False) -> None:
    for step in steps:
        if not quiet:
            click.echo(f"{'' if apply else 'would: '}{step.what}")
        if apply:
            step.make()


@night.command()
@ROOT
@JSON
def status(root: Path, as_json: bool) -> int:
    """Say whether tonight's night would run, when, and whether the last one started.

    Exit code 1 when the last one did not start or the next one would not.
    """
    from pantheon_git.day.install import Place
    from pantheon_git.day.standing import standing

    found = standing(Place(root.resolve()))
    if as_json:
        print_json(found.as_json())
        return found.exit_code
    if found.installed is None:
        click.echo("no night is installed here; nights start when you type: pantheon-git run")
        say("next: pantheon-git night install --at 23:00 --until 06:00")
        return 0
    one = found.installed
    click.echo(f"installed: {one.at} to {one.until} as {one.user}, {one.repo} → {one.clone}")
    verdict = f"no: {'; '.join(found.against)}" if found.against else f"yes; {found.queue}"
    click.echo(f"would the next one run? {verdict}")
    click.echo(f"next start: {clock(found.next)}")
    click.echo(f"last start: {_last(found.attempt)}")
    if found.missed is not None:
        click.echo(style(not_started(found.missed), fg="red"))
        say("next: systemctl status pantheon-night.timer; journalctl -u pantheon-night")
    return found.exit_code


def clock(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")


def not_started(due: float) -> str:
    return f"the night of {clock(due)} did not start"


def _last(attempt: Any) -> str:
    if attempt is None:
        return "none is recorded"
    if attempt.ended is None:
        return f"{clock(attempt.started)}, not ended yet, or cut off"
    how = f"with exit code {attempt.exit_code}" if attempt.exit_code is not None else "by a defect or a signal"
    what = f", {attempt.night}" if attempt.night else f": {attempt.why}" if attempt.why else ", nothing to run"
    return f"{clock(attempt.started)}, ended {clock(attempt.ended)} {how}{what}"
