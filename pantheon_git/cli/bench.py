"""`pantheon-git bench`: figures of this machine, each beside its control, in one run."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click

from pantheon_git.cli.output import JSON, print_json, say, table


@click.group()
def bench() -> None:
    """Measure this machine: runner, engine, reviewers."""


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

    with tempfile.TemporaryDirectory(prefix="pantheon-bench-") as folder:
        found = asyncio.run(bench_runner(Path(folder) / "work", files, jobs, sample, say))
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

    with tempfile.TemporaryDirectory(prefix="pantheon-bench-") as folder:
        git = scratch(Path(folder) / "work", copies)
        found = asyncio.run(bench_engine(git, NightOptions(jobs=jobs)))
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
