"""`pantheon-git jail`: a look into the jail that jobs get."""

from __future__ import annotations

import base64
from dataclasses import asdict

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, say
from pantheon_git.errors import PantheonError

LEVELS = {"auto": "auto", "bubblewrap": "bubblewrap", "namespaces": "namespaces", "a": "bubblewrap", "b": "namespaces"}


_LEVEL = click.Choice(list(LEVELS), case_sensitive=False)


@click.group()
def jail() -> None:
    """Run a command in the jail that jobs get, to look around in it."""


@jail.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--level", type=_LEVEL, metavar="LEVEL", help="auto, bubblewrap (A) or namespaces (B).")
@click.option("--tier", type=_LEVEL, hidden=True, help="The same.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="End it sooner than the policy does."
)
@JSON
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def execute(
    ctx: click.Context,
    level: str | None,
    tier: str | None,
    timeout: float | None,
    as_json: bool,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND in the jail that a job would get now.

    A fresh worktree of HEAD's commit, with the limits and shares of its policy; nothing of it is kept. Input, output
    and exit code are handed through; on a terminal the command gets a terminal of its own, and a third
    Ctrl-C in a row ends the jail. Nothing that it starts outlives it.

    Exit code: the command's own, 128 + N for signal N, 124 when the time was up, 125 without a jail, 137 when the jail
    was ended for what it used.
    """
    from pantheon_git.night import look

    at = here(ctx)
    out, err = bytearray(), bytearray()
    try:
        asked = LEVELS[level or tier or at.config.jail]
        sinks = look.Sinks(lambda data: out.extend(data), lambda data: err.extend(data)) if as_json else None
        ended = look.look(at.git, asked, command, timeout, sinks)
    except PantheonError as error:
        error.exit_code = look.NO_JAIL
        raise
    if as_json:
        print_json({**asdict(ended), **_text("stdout", out), **_text("stderr", err)})
        return ended.code
    if ended.killed:
        say(f"jail: {ended.killed}")
    if ended.timed_out:
        say(f"jail: the time was up after {ended.seconds:.1f} s")
    if ended.left_out:
        say(f"jail: {ended.left_out} bytes of output above the policy's jail.output_kb were left out")
    return ended.code


def _text(name: str, data: bytearray) -> dict[str, str]:
    """A stream as text; where it is no UTF-8, also its bytes in base64."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name: data.decode("utf-8", "replace"), f"{name}_base64": base64.b64encode(data).decode()}
