"""A merge that was cut off half-way: commands that write put it right first, commands that look say it."""

from __future__ import annotations

from pantheon_git.cli.context import Here
from pantheon_git.cli.output import printable, say, style
from pantheon_git.errors import PantheonError

NAME = "pantheon-merge"
"""As in `pulls.journal`, which a command without such a file need not load."""


def settled(at: Here) -> None:
    """Finish or undo it, and say which. What is in the way of that stops no other command, but is said."""
    if not _there(at):
        return
    from pantheon_git.cli.passphrase import asker
    from pantheon_git.pulls.desk import Desk
    from pantheon_git.pulls.settle import settle

    try:
        outcome = settle(Desk(at.git, asker()))
    except PantheonError as error:
        told(at)
        say(f"{style('not put right:', fg='red')} {printable(error.message)}; {error.hint}")
        return
    if outcome is not None:
        say(f"{style('put right:', fg='yellow')} {printable(outcome.message)}")


def told(at: Here) -> None:
    """Say that there is one; nothing is changed."""
    if _there(at):
        from pantheon_git.pulls.journal import cut_off

        if line := cut_off(at.git):
            say(f"{style('cut off:', fg='red')} {printable(line)}")


def _there(at: Here) -> bool:
    return (at.git.common_dir / NAME).exists()
