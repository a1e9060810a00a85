"""`pantheon-git demo`: a whole night in a scratch repository."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from pantheon_git.cli.output import say, style
from pantheon_git.errors import PantheonError


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--engine", type=click.Choice(["auto", "openvino", "control"]), default="auto")
def demo(folder: Path | None, engine: str) -> int:
    """See a whole night in a scratch repository, in a few minutes.

    Copies some twenty documents into FOLDER (a new one below the temporary folder without it), queues a task for each,
    runs a night with the small embedded model on this machine's CPU, prints the report and verifies it. A folder that
    has something in it is left alone: FOLDER-2 is taken. The model is fetched first if it is not here.
    """
    from pantheon_git.day import demo as making

    if engine != "control":
        _model()
    wanted = folder or Path(tempfile.gettempdir()) / f"pantheon-demo-{os.getuid()}"
    place = making.fresh_folder(wanted.absolute())
    place.mkdir(parents=True, exist_ok=True)
    say(f"{making.lay_out(place)} documents in {place}\n")
    for step in making.STEPS:
        words = [*step.words, f"--engine={engine}"] if step.words[-1] == "run" and engine != "auto" else step.words
        _type(place, words, step.why)
        if words[1] == "init" and words[0] == "git":
            making.begin(place)
    _next(place)
    return 0


def _model() -> None:
    from pantheon_git.engines import models

    models.fetch(models.DEFAULT, say)


def _type(place: Path, words: tuple[str, ...] | list[str], why: str) -> None:
    """Show the command and run it, as a person would; stop the demo where it fails."""
    comment = style(f"  # {why}", dim=True) if why else ""
    click.echo(style(f"$ {shlex.join(words)}", bold=True) + comment)
    sys.stdout.flush()
    argv = [sys.executable, "-m", "pantheon_git", *words[1:]] if words[0] == "pantheon-git" else list(words)
    done = subprocess.run(argv, cwd=place, check=False)
    if done.returncode:
        raise PantheonError(f"{shlex.join(words)} exited with {done.returncode}", f"cd {place}, and look there")
    click.echo()


def _next(place: Path) -> None:
    """Commands to paste, each of which works now."""
    from pantheon_git.morning.collect import collect, find_night
    from pantheon_git.repo.git import Git
    from pantheon_git.repo.objects import Objects

    git = Git.discover(place)
    objects = Objects(git)
    report = collect(git, objects, find_night(git, objects))
    click.echo(style("The night is over. What to type next:", bold=True))
    click.echo(f"  cd {shlex.quote(str(place))}")
    if shutil.which("pantheon-git") is None:
        click.echo(f"  export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    lines = [("pantheon-git pr list", "what waits for you"), ("git log --notes=pantheon -3", "what plain git shows")]
    if prs := report.of("pr"):
        lines += [
            (f"pantheon-git pr diff {prs[0].job}", "one change"),
            (f"pantheon-git pr merge {prs[0].job}", "take it"),
            (f"pantheon-git pr reject {prs[-1].job} --reason 'not this one'", "or leave it"),
        ]
    if causes := report.causes:
        lines.append((causes[0].next_command, "why one stopped"))
    width = max(len(command) for command, _ in lines)
    for command, why in lines:
        click.echo(f"  {command.ljust(width)}  # {why}")
