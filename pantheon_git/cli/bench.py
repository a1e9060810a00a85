"""`pantheon-git bench`: figures of this machine, each beside its control, in one run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pantheon_git.cli.bench_rename import rename
from pantheon_git.cli.bench_stubs import stubs
from pantheon_git.cli.bench_tools import tools
from pantheon_git.cli.output import JSON, print_json, say, table
from pantheon_git.cli.workshop import workshop


@click.group()
def bench() -> None:
    """Measure this machine, the specialists and the reviewers."""


@bench.command()
@click.option("--files", type=click.IntRange(1), default=5000, show_default=True, help="Files of the repository.")
@click.option("--jobs", type=click.IntRange(1), default=200, show_default=True, help="Jobs of each night.")
@click.option("--sample", type=click.IntRange(1), default=10, show_default=True, help="Jobs by shell commands.")
@JSON
def runner(files: int, jobs: int, sample: int, as_json: bool) -> None:
    """Measure a job whose work is free: seven signed no-op nodes, beside the shell commands that would do the same.

    With the jail and without (a benchmark-only node that `run` cannot reach). Makes its own repository, in the folder
    for temporary files, and removes it.
    """
    from pantheon_git.night.bench import bench_runner

    with workshop() as folder:
        found = asyncio.run(bench_runner(folder, files, jobs, sample, say))
    if as_json:
        print_json(found.as_json())
        return
    rows = [
        ("with the jail", f"{found.jailed_ms:.1f}", f"{found.jailed_cpu_ms:.1f}", f"{found.jailed_share:.3f}"),
        ("without", f"{found.bare_ms:.1f}", f"{found.bare_cpu_ms:.1f}", f"{found.bare_share:.3f}"),
        ("shell commands", f"{found.shell_ms:.1f}", "", "1"),
    ]
    click.echo(table(rows, ("A JOB", "WALL MS", "CPU MS", "OF THE SHELL'S")))
    click.echo(f"{found.files} files raw, once: {found.raw_ms:.0f} ms")


@bench.command()
@click.option("--files", type=click.IntRange(1), default=5000, show_default=True, help="Files of the repository.")
@click.option("--jobs", type=click.IntRange(1), default=50, show_default=True, help="Jobs at each level.")
@JSON
def jail(files: int, jobs: int, as_json: bool) -> None:
    """Measure what the jail costs a job, beside a bare fork of the same command, and its certificate a night."""
    from pantheon_git.night.bench_jail import bench_jail

    with workshop() as folder:
        found = asyncio.run(bench_jail(folder, files, jobs, say))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (f"{one.level}, {one.tree}",
         *(f"{x:.1f}" for x in (one.jail_ms, one.jail_cpu_ms, one.command_ms, one.bare_ms, one.jail_ms - one.bare_ms)),
         f"{one.certificate_seconds:.1f} s, {one.certificate_cpu_seconds:.1f} s CPU")
        for one in found
    ]  # fmt: skip
    head = ("A JOB", "WALL MS", "CPU MS", "NEXT COMMAND", "BARE FORK", "OVERHEAD", "CERTIFICATE, A NIGHT")
    click.echo(table(rows, head))
    click.echo(f"{jobs} jobs a level one after another, {files} files; {found[0].probes} probes a certificate")


@bench.command()
@click.option("--copies", type=click.IntRange(1), default=4, show_default=True, help="Jobs for each example document.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=16, show_default=True, help="Jobs at once.")
@JSON
def engine(copies: int, jobs: int, as_json: bool) -> None:
    """Measure the model through a night, beside the same requests given straight to its pipeline.

    Runs the demo's documents in a scratch repository, which is removed afterwards.
    """
    from pantheon_git.day.bench import bench_engine
    from pantheon_git.day.demo import scratch
    from pantheon_git.night.run import NightOptions

    with workshop() as folder:
        found = asyncio.run(bench_engine(scratch(folder, copies), NightOptions(jobs=jobs)))
    if as_json:
        print_json(found.as_json())
        return
    rows = [
        ("through a night", f"{found.tokens_out}", f"{found.night_seconds:.1f}", f"{found.night_rate:.1f}"),
        ("straight", f"{found.straight_tokens_out}", f"{found.straight_seconds:.1f}", f"{found.straight_rate:.1f}"),
    ]
    click.echo(table(rows, ("", "TOKENS", "SECONDS", "TOKENS/S")))
    click.echo(f"ratio {found.ratio:.3f}; {found.jobs} jobs, {found.requests} requests, {jobs} jobs at once")
    click.echo(f"the engine was idle for {100 * found.idle_seconds / found.night_seconds:.1f} % of the night")


@bench.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--into", required=True, type=click.Path(path_type=Path), help="Folder for what came of each document.")
@click.option("--vocabulary", multiple=True, metavar="REPO=FILE", help="JSON list of a repository's tags. Repeatable.")
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of every task. Repeatable.")
@click.option("--siblings", is_flag=True, help="Among the others with their people's front matter (truth.jsonl).")
@click.option("--engine", default="auto", type=click.Choice(["auto", "openvino", "control"]), help="Model engine.")
@click.option("--model-path", type=click.Path(exists=True, path_type=Path), help="A model on disk.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=16, show_default=True, help="Jobs at once.")
@JSON
def documents(folder: Path, into: Path, as_json: bool, **options: Any) -> None:
    """Run a night of doc.frontmatter over the documents of FOLDER, one task each, and write what came of them.

    FOLDER holds docs.jsonl (id, repo, path, body) or files/. `--engine control` puts the first computed candidate in
    place of every answer of the model. Writes pred.jsonl (accepted), written.jsonl (all) and files/ into the folder
    of --into, for a scorer to read.

    Where FOLDER has truth.jsonl (id, title, description, tags by people) the figures say how near the accepted front
    matter comes to it. With --siblings each fifth of the documents is done in a repository that holds the other four
    with people's own front matter, so that its habits can be learned: another, higher figure, and never to be
    mistaken for the first.
    """
    from pantheon_git.cli.progress import Progress
    from pantheon_git.day.agreement import agreement
    from pantheon_git.day.documents import bench_documents, load_documents, make_repository
    from pantheon_git.day.siblings import bench_siblings, load_truth, parts
    from pantheon_git.night.run import NightOptions

    pairs = {name: dict(item.partition("=")[::2] for item in options[name]) for name in ("params", "vocabulary")}
    found = load_documents(folder, pairs["params"], {repo: Path(file) for repo, file in pairs["vocabulary"].items()})
    chosen = NightOptions(jobs=options["jobs"], engine=options["engine"], model_path=options["model_path"])
    truth = load_truth(folder)
    dealt = parts(found, truth) if options["siblings"] else []
    with workshop() as place:
        progress = Progress(as_json)
        try:
            if dealt:
                done = asyncio.run(bench_siblings(place, dealt, into, chosen, progress))
            else:
                done = asyncio.run(bench_documents(make_repository(place, found), found, into, chosen, progress))
        finally:
            progress.close()
    said = {row["id"]: row for row in map(json.loads, (into / "pred.jsonl").read_text("utf-8").splitlines())}
    figures = {"siblings": bool(dealt), **done.as_json(), "agreement": agreement(truth, said)}
    if as_json:
        print_json(figures)
        return
    rows = [row for name, value in figures.items() for row in _rows(name, value)]
    click.echo(table(rows, ("FIGURE", "VALUE")))


def _rows(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A line for each figure; shares and means with three digits."""
    if isinstance(value, Mapping):
        for part, figure in value.items():
            yield from _rows(f"{name}: {part}", figure)
    else:
        yield name, f"{value:.3f}" if isinstance(value, float) else str(value)


@bench.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--good", type=click.Path(exists=True, path_type=Path), help="JSONL of good words, by id [truth.jsonl].")
@click.option(
    "-n", "count", type=click.IntRange(2), default=50, show_default=True, help="Good cases, and planted ones."
)
@click.option("--kind", type=click.Choice(["frontmatter", "rename", "tests", "code"]), default="frontmatter",
              show_default=True, help="Kind of change.")  # fmt: skip
@click.option("--held-out", type=click.Choice(["document", "repository"]), help="Set the bounds on other cases.")
@click.option("--budget", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Of escaped defects.")
@click.option("--engine", default="auto", type=click.Choice(["auto", "openvino", "control"]), help="Model engine.")
@click.option("--model-path", type=click.Path(exists=True, path_type=Path), help="A model on disk.")
@JSON
def reviewers(folder: Path, good: Path | None, count: int, held_out: Any, as_json: bool, **options: Any) -> None:
    """Measure the two reviewers on planted faults and on good changes.

    FOLDER holds docs.jsonl (id, repo, path, body) and truth.jsonl (id, title, description, tags); for another kind of
    change a repository's files, or several as ID/before, shown as if they were just made. The faults are those that
    nights plant. Beside the reviewers: one that always passes, and a coin. Shares come with 95 % intervals. The rule
    for acceptance is computed on half of the cases for the other half; with --held-out the reviewers' bounds are set
    on other documents or repositories too.
    """
    from pantheon_git.cli.bench_reviewers import run

    run(folder, good, count, held_out, as_json, **options)


@bench.command("verify")
@click.option("--jobs", type=click.IntRange(2), default=10000, show_default=True, help="Jobs of the ledger.")
@JSON
def verify_(jobs: int, as_json: bool) -> None:
    """Measure the verification of a large ledger, truly signed, beside one of a tenth of its size.

    Beside them: `git fsck` of the same repository, and as many bare Ed25519 verifications in one process. Makes its
    own repositories, in the folder for temporary files, and removes them.
    """
    from pantheon_git.morning.bench import bench_verify

    with workshop() as folder:
        found = bench_verify(folder, jobs, max(1, jobs // 10), say)
    if as_json:
        print_json(found.as_json())
        return
    measured = [
        (f"{found.jobs} jobs", found.jobs, found.seconds, f"{found.memory:.0f}"),
        (f"{found.few} jobs", found.few, found.few_seconds, f"{found.few_memory:.0f}"),
        ("git fsck of the same", found.jobs, found.fsck_seconds, ""),
        ("as many bare signatures", found.jobs, found.bare_seconds, ""),
    ]
    rows = [(name, f"{seconds:.1f}", f"{count / seconds:.0f}", memory) for name, count, seconds, memory in measured]
    click.echo(table(rows, ("", "SECONDS", "JOBS/S", "MIB OF THE LARGEST PROCESS")))
    click.echo(f"{found.growth:.1f} KiB of memory for each further job; {found.cores} cores")


bench.add_command(rename)
bench.add_command(stubs)
bench.add_command(tools)
