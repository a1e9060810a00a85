"""`pantheon-git bench rename`: real commits that renamed documents, done again by nights."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from pantheon_git.cli.output import JSON, print_json, say, table
from pantheon_git.cli.workshop import workshop


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--into", required=True, type=click.Path(path_type=Path), help="Folder for what came of each case.")
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of every task. Repeatable.")
@click.option("--files-only", is_flag=True, help="Rename the files alone, not what they are called after (names).")
@click.option("--engine", default="auto", type=click.Choice(["auto", "openvino", "control"]), help="Model engine.")
@click.option("--model-path", type=click.Path(exists=True, path_type=Path), help="A model on disk.")
@click.option("--only", type=click.Choice(["cases", "names"]), help="The cases alone, or the names.")
@JSON
def rename(folder: Path, into: Path, as_json: bool, params: tuple[str, ...], **options: Any) -> None:
    """Run doc.rename over the cases of FOLDER, a night for each, and write the trees that came of them.

    FOLDER holds CASE/before/ and CASE/task.json ({"renames": [{"old", "new"}]}), and naming.jsonl (id, old, text):
    documents whose names are to be found. Who made those commits renamed things, not files alone, so the tasks ask for
    `names`. `--engine control` puts the first computed name in place of the model's.
    Writes CASE/ and pred.jsonl into the folder of --into, for a scorer to read.
    """
    from pantheon_git.cli.add import param
    from pantheon_git.day.renames import bench_cases, bench_names
    from pantheon_git.night.run import NightOptions

    chosen = NightOptions(jobs=8, engine=options["engine"], model_path=options["model_path"])
    given = {"names": not options["files_only"], **dict(param(text) for text in params)}
    rows: dict[str, Any] = {}
    with workshop() as place:
        if options["only"] != "names":
            rows |= asyncio.run(bench_cases(place / "cases", folder, into, given, chosen, say))
        if options["only"] != "cases" and (folder / "naming.jsonl").is_file():
            rows |= asyncio.run(bench_names(place / "names", folder, into, chosen))
    if as_json:
        print_json(rows)
        return
    click.echo(table([(name, str(value)) for name, value in rows.items()], ("FIGURE", "VALUE")))
