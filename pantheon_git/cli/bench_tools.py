"""`pantheon-git bench tools`: which functions a model calls."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from pantheon_git.cli.output import JSON, print_json, say

PRED = "pred.jsonl"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--into", type=click.Path(path_type=Path), required=True, help="Folder for pred.jsonl.")
@click.option("--model", default="smollm2-135m-instruct", show_default=True, help="A model's name, or a file on disk.")
@click.option("--only", metavar="WORD", help="Only cases whose id contains it.")
@JSON
def tools(folder: Path, into: Path, model: str, only: str | None, as_json: bool) -> None:
    """Measure which functions a model calls, through the loop that specialists run in.

    FOLDER holds cases.jsonl in the form of the Berkeley Function Calling Leaderboard. Writes INTO/pred.jsonl for a
    scorer; says how many answers called, declined or were no legal call.
    """
    import json

    from pantheon_git.day.toolcalls import bench_tools, load_cases
    from pantheon_git.engines import open_engine

    cases = [case for case in load_cases(folder) if not only or only in case["id"]]

    async def measured() -> Any:
        opened = await asyncio.to_thread(open_engine, "auto", model=model, replay=None)
        try:
            return await bench_tools(cases, opened, say if sys.stderr.isatty() else lambda _: None)
        finally:
            await opened.close()

    figures, rows = asyncio.run(measured())
    into.mkdir(parents=True, exist_ok=True)
    (into / PRED).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if as_json:
        print_json(figures.as_json())
        return
    click.echo(
        f"{figures.cases} cases: {figures.called} called, {figures.declined} declined, {figures.failed} no legal call"
    )
    click.echo(f"{figures.tokens_in} tokens read, {figures.tokens_out} written; {figures.seconds:.0f} s, "
               f"{figures.cpu_seconds:.0f} CPU s; {into / PRED}")  # fmt: skip
