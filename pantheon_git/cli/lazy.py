"""A click group that knows its subcommands by name and one line each, and imports only the one that is called.

`--help` and `--version` have a budget of 90 ms of CPU: pydantic alone costs more than that.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    section: str
    """Heading in the help text; empty: for programs, and not listed."""
    where: str
    """`MODULE:ATTRIBUTE`, the module below `pantheon_git.cli`."""
    help: str
    """One line; the command's own help begins with the same."""


class LazyGroup(click.Group):
    """`table` is the explicit list of commands; nothing is discovered."""

    def __init__(self, *args: Any, table: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, entry in self.table.items() if entry.section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.where.partition(":")
        command = getattr(importlib.import_module(f"pantheon_git.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table is ours; a test loads all of it
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.table and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], list(self.table), n=1, cutoff=0.5)
            nearest = f"; did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"there is no command {args[0]!r}{nearest}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table by section, without importing a single command."""
        width = max(len(name) for name in self.table)
        sections = dict.fromkeys(entry.section for entry in self.table.values() if entry.section)
        for section in sections:
            with formatter.section(section):
                rows = [(name.ljust(width), e.help) for name, e in self.table.items() if e.section == section]
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=e.help)
            for name, e in self.table.items()
            if e.section and name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)
