"""A job without secrets: what it says of itself, and the tree that a breadcrumb keeps.

A PR's tree is what the reviewers saw and the gate let through, and stays as it is. A job that stopped may have stopped
for the secret that it wrote: its breadcrumb keeps the partial diff without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pantheon_git.ledger.records import JobResult
from pantheon_git.ledger.redact import REDACTED, Counts, Redactor
from pantheon_git.repo.objects import FOLDER, LINK, Entry, Objects, Overlay, parse_tree
from pantheon_git.repo.writer import Writer


def redact_job(redactor: Redactor, objects: Objects, result: JobResult) -> JobResult:
    """The result as it may be written: text redacted, and of its objects only those that its tree reaches; what was
    done is in the summary, as `redacted`: file → kind → how many."""
    (reason, title, body, summary), said = redactor.values(
        [result.reason, result.title, result.body, dict(result.summary)]
    )
    counts: dict[str, Counts] = {"job.json": said} if said else {}
    tree, new = result.tree, result.objects
    if result.ending not in ("pr", "unchanged"):
        tree, new, found = _redact_tree(redactor, objects, result)
        counts |= found
    kept = _reached(tree, new)
    if counts:
        summary = {**summary, REDACTED: counts}
    return replace(result, reason=reason, title=title, body=body, summary=summary, tree=tree, objects=kept)


def _redact_tree(
    redactor: Redactor, objects: Objects, result: JobResult
) -> tuple[str, Mapping[str, tuple[str, bytes]], dict[str, Counts]]:
    """The tree with every changed file redacted; one whose name holds a secret is left out."""
    writer = Writer(Overlay(objects, dict(result.objects)))
    for oid, (kind, data) in result.objects.items():
        writer.add(oid, kind, data)
    base = objects.commit(result.context.base).tree
    edits: dict[bytes, Entry | None] = {}
    counts: dict[str, Counts] = {}
    for path, _, new in writer.reader.changes(base, result.tree):
        if new is None or new.mode == FOLDER or new.oid not in result.objects:
            continue
        name, in_name = redactor.text(path.decode("utf-8", "backslashreplace"))
        if in_name:
            edits[path], counts[name] = None, in_name
            continue
        data, found = redactor.data(writer.reader.blob(new.oid))
        if found:
            edits[path] = Entry(new.mode, b"", writer.blob(data)) if new.mode != LINK else None
            counts[name] = found
    tree = writer.edit_tree(result.tree, edits) if edits else result.tree
    return tree, dict(writer.objects), counts


def _reached(tree: str, new: Mapping[str, tuple[str, bytes]]) -> dict[str, tuple[str, bytes]]:
    """Those of the new objects that the tree reaches: what a job made on the way is not kept."""
    found: dict[str, tuple[str, bytes]] = {}
    waiting = [tree]
    while waiting:
        oid = waiting.pop()
        if oid in found or oid not in new:
            continue
        found[oid] = new[oid]
        if new[oid][0] == "tree":
            waiting += [entry.oid for entry in parse_tree(new[oid][1])]
    return found
