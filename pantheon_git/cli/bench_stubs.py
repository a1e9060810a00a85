"""`pantheon-git bench stubs`: tests for packages that have none, each in a night of its own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from pantheon_git.cli.output import JSON, print_json, say, table


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--into", required=True, type=click.Path(path_type=Path), help="Folder for the tests: INTO/ID/test.js.")
@click.option("--agent", default="code.ava-stub", show_default=True, help="The specialist that writes them.")
@click.option("--installed", type=click.Path(path_type=Path), help="Packages with what they need [INTO/.installed].")
@click.option("--only", multiple=True, metavar="ID", help="This package alone. Repeatable.")
@click.option("--engine", default="auto", type=click.Choice(["auto", "openvino", "control"]), help="Model engine.")
@click.option("--model-path", type=click.Path(exists=True, path_type=Path), help="A model on disk.")
@JSON
def stubs(folder: Path, into: Path, agent: str, installed: Path | None, only: tuple[str, ...], as_json: bool,
          **options: Any) -> None:  # fmt: skip
    """Run a night for each package of FOLDER and write the tests that were accepted, for a scorer to read.

    FOLDER holds truth.json (a list of id, main) and ID/repo, a package without tests. What a package needs is installed
    once, by npm (for Python: pytest, by pip), before its night. `--engine control`
    takes the computed title in place of the model's.
    """
    from pantheon_git.cli.workshop import workshop
    from pantheon_git.day.packages import Stubbed, bench_stubs, load_cases
    from pantheon_git.night.run import NightOptions

    def said(one: Stubbed) -> None:
        if not as_json:
            say(f"{one.ending:9} {one.id}  {one.seconds:.0f} s  {one.reason}")

    cases = load_cases(folder, installed or into / ".installed", only)
    chosen = NightOptions(jobs=1, engine=options["engine"], model_path=options["model_path"])
    with workshop() as place:
        found = asyncio.run(bench_stubs(cases, place, into, agent, chosen, said)).as_json()
    into.mkdir(parents=True, exist_ok=True)
    (into / "rows.json").write_text(json.dumps(found["rows"], indent=1) + "\n")
    if as_json:
        print_json(found)
        return
    click.echo(table([(name, str(value)) for name, value in found.items() if name != "rows"], ("FIGURE", "VALUE")))
