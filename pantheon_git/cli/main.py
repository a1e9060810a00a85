"""The command `pantheon-git` (also `git pantheon`) and the one place where exceptions become text and exit codes.

Exit codes: 0 fine · 1 an expected error · 2 wrong usage, or bytes that were tampered with · 3 a defect of ours ·
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from pantheon_git import __version__
from pantheon_git.cli.lazy import LazyGroup
from pantheon_git.cli.table import COMMANDS
from pantheon_git.errors import PantheonError, machine_trouble

EPILOG = "Also as `git pantheon`. Start with: pantheon-git init   Try it out: pantheon-git demo"


@click.command(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.version_option(__version__, "-V", "--version", prog_name="pantheon-git", message="%(prog)s %(version)s")
@click.option("-C", "path", type=click.Path(), default=".", metavar="PATH", help="Run as if started in PATH, like git.")
@click.pass_context
def cli(ctx: click.Context, path: str) -> None:
    """Small local models do narrow chores at night, each in its own jailed worktree.

    You commit task files by day; `run` gives each to a local model that works only through typed tools; what passes two
    reviewers and the gate becomes a signed local branch; in the morning you merge or reject it. Nothing leaves the
    machine.
    """
    ctx.obj = path
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. Never raises."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = cli.main(words, prog_name="pantheon-git", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _fail(error.format_message(), "", 1)
    except PantheonError as error:
        known = machine_trouble(error) or error
        return _fail(known.message, known.hint, error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", "", 130)
    except BrokenPipeError:  # `pantheon-git log | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the one boundary: a defect becomes a log that can be pasted
        if trouble := machine_trouble(error):
            return _fail(trouble.message, trouble.hint, trouble.exit_code)
        from pantheon_git.cli.crash import write_log

        hint = f"please report this with the file {write_log(error, words)}"
        return _fail(f"a defect in pantheon-git: {type(error).__name__}: {error}", hint, 3)
    return code if isinstance(code, int) else 0


def _usage(error: click.UsageError) -> int:
    path = error.ctx.command_path if error.ctx else "pantheon-git"
    return _fail(error.format_message(), f"{path} --help", 2)


def _fail(message: str, hint: str, code: int) -> int:
    from pantheon_git.cli.output import printable  # not for --help and --version

    for number, line in enumerate(printable(message).split("\n")):
        label = click.style("error:", fg="red", bold=True)
        click.echo(f"{label} {line}" if number == 0 else f"       {line}", err=True)
    if hint:
        click.echo(f"{click.style('hint:', fg='yellow')} {printable(hint)}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
