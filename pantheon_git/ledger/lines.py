"""The text of notes: what a person reads in `git log --notes=pantheon`, rendered from signed statements only.

Each line stands by itself and begins with night, job and node, and a note's lines are sorted and unique: so
`git notes merge -s cat_sort_uniq` loses nothing and sorted order is reading order. `verify` renders each line again.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.ledger.dsse import Envelope
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import Json, node_folder

MOST_LINES = 14
"""Of one job."""
_REASON = 100
"""Characters of a reason that a line shows; the statement has all of it."""
_JOB, _MORE = "00-job", "99-more"


@dataclass(frozen=True)
class Signed:
    """A statement's predicate and the envelope that carries it."""

    predicate: Json
    envelope: Envelope


def node_line(node: Signed) -> str:
    """`NIGHT JOB NN-node VERDICT: REASON | artifact OID | KEY | SIGNATURE`."""
    predicate = node.predicate
    name = node_folder(predicate["node"]["index"], predicate["node"]["name"])
    artifact = predicate["subject"]["artifact"]["gitTree"]
    head = f"{predicate['night']} {predicate['job']} {name}"
    return f"{head} {_said(predicate['verdict'], predicate['reason'])} | artifact {artifact} | {_seal(node.envelope)}"


def job_line(job: Signed) -> str:
    """`NIGHT JOB 00-job ENDING[ at NODE]: TITLE OR REASON | commit OID | KEY | SIGNATURE`; on the base commit too."""
    predicate = job.predicate
    where = f" at {predicate['stopped_at']}" if predicate["stopped_at"] else ""
    well = predicate["ending"] in ("pr", "unchanged")
    said = _said(predicate["ending"] + where, predicate["title"] if well else predicate["reason"])
    commit = f"commit {predicate['commit']}" if predicate["commit"] else "no commit"
    return f"{predicate['night']} {predicate['job']} {_JOB} {said} | {commit} | {_seal(job.envelope)}"


def absent_line(context: JobContext, closing: Signed) -> str:
    """The base commit's line for a job that the night set out to do and did not; sealed by the night's closing."""
    predicate = closing.predicate
    late = "the night was cut off" if predicate["status"] == "interrupted" else "the night ended before its turn"
    why = predicate["info"].get("put_off", {}).get(context.task, late)
    return f"{context.night} {context.job} {_JOB} {_said('not run', why)} | no commit | {_seal(closing.envelope)}"


def job_note(job: Signed, nodes: Sequence[Signed]) -> bytes:
    """The note on a job's commit: the job, then its nodes; at most MOST_LINES lines, those that did not pass first of
    all, and one that says how many are left out."""
    shown = list(nodes)
    if len(nodes) > MOST_LINES - 1:
        important = sorted(
            nodes, key=lambda node: (node.predicate["verdict"] == "pass", node.predicate["node"]["index"])
        )
        shown = important[: MOST_LINES - 2]
    lines = [job_line(job), *(node_line(node) for node in shown)]
    if hidden := len(nodes) - len(shown):
        predicate = job.predicate
        rest = f"{hidden} more nodes; pantheon-git trace {predicate['job']}"
        lines.append(f"{predicate['night']} {predicate['job']} {_MORE} {rest}")
    return note(lines)


def note(lines: Iterable[str]) -> bytes:
    """The bytes of a note: sorted and unique by byte, as `cat_sort_uniq` would leave them."""
    return b"".join(sorted({line.encode("utf-8", "surrogateescape") + b"\n" for line in lines}))


def plain(text: Any, most: int = _REASON) -> str:
    """One line of printable text: white space collapsed; control, format and unassigned characters and halves of
    surrogate pairs dropped, so that nothing in a reason can forge a line or reorder it on a terminal."""
    words = " ".join(str(text).split())
    clean = "".join(char for char in words if unicodedata.category(char)[0] != "C")
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


def _said(verdict: str, reason: str) -> str:
    text = plain(reason)
    return f"{verdict}: {text}" if text else verdict


def _seal(envelope: Envelope) -> str:
    return f"{envelope.key_id} | {base64.b64encode(envelope.signature).decode()}"
