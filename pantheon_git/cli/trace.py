"""`pantheon-git trace`: what every node of a job saw, said and did."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import here
from pantheon_git.cli.output import JSON, print_json, printable, say, style, table
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.ledger.entries import JobEntry
    from pantheon_git.repo.git import Git
    from pantheon_git.repo.objects import Objects

SHOWN = ("llm_prompt.txt", "tool_calls.jsonl", "output.json", "review.json", "stdout.log", "stderr.log", "diff.patch")
"""Files that `JOB:NODE` prints, in this order; the rest is named."""

_NODE = ("name", "uses", "kind", "verdict", "reason", "seconds", "tries", "details", "artifact_tree", "key_id")


@click.command()
@click.argument("job", metavar="TASK[:NODE]")
@click.option("--file", "name", metavar="NAME", help="Print this file of the node's artifact, into a pipe as it is.")
@click.option("--atif", is_flag=True, help="Print the job as a trajectory in ATIF v1.7, for other tools.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False), help="With --atif: write to FILE.")
@JSON
@click.pass_context
def trace(ctx: click.Context, job: str, name: str | None, atif: bool, out: str | None, as_json: bool) -> None:
    """Show what every node of a job saw, said and did.

    TASK is a task's id (its latest attempt) or a job ID.N; a commit that a night made, or one that a rebase, squash,
    amend or cherry-pick made of it, leads to its job too. With :NODE the node's files are printed: the prompt, every
    tool call, the answer, the diff.
    """
    from pantheon_git.ledger import read
    from pantheon_git.repo.objects import Objects

    git = here(ctx).git
    objects = Objects(git)
    which, _, node = job.partition(":")
    entry = _entry(git, objects, which)
    if out and not atif:
        raise PantheonError("--out goes with --atif", f"pantheon-git trace {job} --atif --out {out}")
    if atif:
        _atif(objects, entry, node, out)
        return
    if not node:
        _overview(entry, as_json)
        return
    found = entry.node(node)
    files = read.artifact(objects, found)
    if name is not None:
        if name not in files:
            raise PantheonError(f"{entry.job}:{node} has no file {name!r}", f"one of: {', '.join(sorted(files))}")
        if sys.stdout.isatty():
            click.echo(printable(files[name].decode("utf-8", "backslashreplace")))
        else:
            sys.stdout.buffer.write(files[name])
    elif as_json:
        print_json(_node_json(found) | {"files": {n: d.decode("utf-8", "replace") for n, d in files.items()}})
    else:
        _node(entry.job, found, files)


def _entry(git: Git, objects: Objects, which: str) -> JobEntry:
    """By id, else by a commit that carries the job's change."""
    from pantheon_git.ledger import read, whereabouts

    try:
        return read.job(git, objects, which)
    except PantheonError:
        seen = whereabouts.find(git, objects, which) if objects.resolve(f"{which}^{{commit}}") else []
        if not seen:
            raise
    for one in seen:
        say(str(one))
    return read.job(git, objects, seen[0].job)


def _atif(objects: Objects, entry: JobEntry, node: str, out: str | None) -> None:
    from pantheon_git.ledger import read
    from pantheon_git.morning import atif

    if node:
        made = atif.node_trajectory(entry, node, read.artifact(objects, entry.node(node)))
        if not made:
            raise PantheonError(f"{entry.job}:{node} is a check; only agents have a trajectory",
                                f"pantheon-git trace {entry.job} --atif")  # fmt: skip
    else:
        made = atif.trajectory(entry, {one.name: read.artifact(objects, one) for one in entry.nodes})
    if out is None:
        print_json(made)
        return
    Path(out).write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    say(f"{out}: {made['trajectory_id']}, {made['schema_version']}, {len(made['steps'])} steps")


def _overview(entry: Any, as_json: bool) -> None:
    if as_json:
        told = {name: getattr(entry, name) for name in ("job", "night", "ending", "reason", "stopped_at", "title")}
        print_json(told | {"summary": entry.summary, "nodes": [_node_json(node) for node in entry.nodes]})
        return
    click.echo(f"{style(entry.job, bold=True)}  {entry.ending}  night {entry.night}")
    click.echo(f"{printable(entry.title)}\n{printable(entry.reason)}\n")
    rows = [(n.folder, n.uses, n.verdict, f"{n.seconds:.2f} s", n.reason.split("\n")[0][:100]) for n in entry.nodes]
    click.echo(table(rows, ("NODE", "USES", "VERDICT", "TIME", "REASON")))
    for name, found in [(entry.job, entry.summary), *((n.name, n.details) for n in entry.nodes)]:
        _redacted(name, found)
    node = entry.stopped_at or (entry.nodes[0].name if entry.nodes else "")
    if node:
        say(f"next: pantheon-git trace {entry.job}:{node}")


def _redacted(name: str, found: Any) -> None:
    """What was taken out before it was signed; the statement holds the same."""
    for file, counts in sorted(found.get("redacted", {}).items()):
        told = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
        click.echo(style(f"redacted in {name}/{file}: {told}", fg="yellow"))


def _node_json(node: Any) -> dict[str, Any]:
    return {name: getattr(node, name) for name in _NODE}


def _node(job: str, node: Any, files: Any) -> None:
    click.echo(f"{style(f'{job}:{node.name}', bold=True)}  {node.uses}  {node.verdict}: {printable(node.reason)}")
    click.echo(f"signed by {node.key_id}, artifact {node.artifact_tree}, {node.seconds:.2f} s")
    _redacted(node.name, node.details)
    others = [name for name in sorted(files) if name.startswith("candidate-")]
    for name in (*SHOWN, *sorted(files.keys() - {*SHOWN, *others})):
        if files.get(name):
            click.echo(style(f"\n── {name} ──", fg="cyan"))
            click.echo(_readable(name, files[name]))
    if others:
        say(f"also kept, of the other candidates: {', '.join(others)}")
        say(f"next: pantheon-git trace {job}:{node.name} --file {others[0]}")


def _readable(name: str, data: bytes) -> str:
    """JSON lines indented, everything else as it is; control characters made visible."""
    text = data.decode("utf-8", "backslashreplace")
    if name.endswith(".jsonl"):
        try:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            rows = []
        text = "\n".join(json.dumps(row, indent=2, ensure_ascii=False) for row in rows) or text
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text).rstrip("\n")
