"""`pantheon-git doctor --jail`: what the jail was shown to hold, as a table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import click

from pantheon_git.cli.context import Here
from pantheon_git.cli.output import style, table

COLOURS = {"held": "green", "escaped": "red", "not provable here": "yellow"}


def probe(at: Here) -> dict[str, Any]:
    """The certificate that a night would sign here, as its record (`night.certificate`). Judges nothing."""
    from pantheon_git.jail.open import choose
    from pantheon_git.jail.support import detect
    from pantheon_git.night.certificate import certify
    from pantheon_git.night.look import job_spec
    from pantheon_git.repo.objects import Objects

    with job_spec(at.git) as (spec, base):
        level = choose(detect(spec.job_dir), at.config.jail)
        return asyncio.run(certify(at.git, Objects(at.git), base, spec, level)).record()


def show(record: dict[str, Any]) -> None:
    for line in _lines(record):
        click.echo(line)


def _lines(record: dict[str, Any]) -> Iterator[str]:
    """One row a probe; what could not be shown here, and what no probe shows, is said too."""
    reasons = record["not_provable"]
    rows = [
        (area, name, verdict, f"outside: {reasons[name]}" if name in reasons else inside)
        for area, name, verdict, inside in record["probes"]
    ]
    yield ""
    head, *body = table(rows, ("AREA", "WAY OUT", "RESULT", "WHAT IT MET IN THE JAIL")).splitlines()
    yield head
    for line, row in zip(body, rows, strict=True):
        yield line.replace(f"  {row[2]}  ", f"  {style(row[2], fg=COLOURS[row[2]])}  ", 1)
    yield ""
    yield f"level {record['level']}, {len(rows)} ways out, each tried outside too, in {record['seconds']:.1f} s"
    yield f"held {record['held']}, not provable here {len(reasons)}, escaped {len(record['escaped'])}"
    yield "not covered by any probe:"
    yield from (f"  {line}" for line in record["not_covered"])
