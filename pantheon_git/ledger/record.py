"""The objects of one job: its commit, its statements, its artifacts, the text of its note."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import dsse
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import JOB_FILE, STATEMENT_FILE, ref_of
from pantheon_git.ledger.lines import Signed, job_line, job_note, plain
from pantheon_git.ledger.records import JobContext, JobResult, SignedNode
from pantheon_git.ledger.statement import JOB, NODE, job_statement, node_folder, read
from pantheon_git.repo.objects import FILE, FOLDER, Entry
from pantheon_git.repo.writer import Writer

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Written:
    """What of one job now is in the writer."""

    context: JobContext
    ending: str
    commit: str | None
    ref: str | None
    folder: str
    """Oid of the job's folder of statements."""
    artifacts: str | None
    """Oid of the job's folder of artifacts; None without nodes."""
    line: str
    """The job's line, for its base commit."""
    note: bytes
    """The note on its own commit."""


def write_job(writer: Writer, key: Key, result: JobResult) -> Written:
    """Put all of a job into `writer`, signed."""
    for oid, (kind, data) in result.objects.items():
        writer.add(oid, kind, data)
    context, commit = result.context, None
    if result.ending != "unchanged":
        when = result.started + result.seconds
        commit = signed_commit(writer, key, result.tree, [context.base], commit_message(result), when)
    envelope = dsse.sign(key, job_statement(result, commit))
    job, nodes = _signed(envelope, JOB), [_signed(node.envelope, NODE) for node in result.nodes]
    return Written(
        context=context,
        ending=result.ending,
        commit=commit,
        ref=ref_of(context.job, result.ending),
        folder=_statements(writer, envelope, result),
        artifacts=_artifacts(writer, result) if result.nodes else None,
        line=job_line(job),
        note=job_note(job, nodes),
    )


def commit_message(result: JobResult) -> str:
    """Subject, body and trailers; nothing in the first two can end up among the third."""
    context = result.context
    body = "\n".join(plain(line, 1000) for line in result.body.split("\n")).strip()
    trailers = {"Task": context.task, "Job": context.job, "Night": context.night, "Flow": context.flow}
    named = "\n".join(f"Pantheon-{name}: {value}" for name, value in trailers.items())
    return "\n\n".join(part for part in (plain(result.title, 200), body, named) if part) + "\n"


def write_artifact(writer: Writer, node_files: dict[str, bytes]) -> str:
    """The tree of a node's artifact files. PantheonError for a name that is not a plain file name."""
    if bad := [name for name in node_files if not _FILE_NAME.fullmatch(name)]:
        raise PantheonError(f"not the name of an artifact file: {bad[0]!r}", "use letters, digits, '.', '_' and '-'")
    return writer.tree(Entry(FILE, name.encode(), writer.blob(data)) for name, data in node_files.items())


def _statements(writer: Writer, envelope: bytes, result: JobResult) -> str:
    folders = []
    for node in result.nodes:
        file = Entry(FILE, STATEMENT_FILE, writer.blob(node.envelope))
        folders.append(Entry(FOLDER, _folder(node), writer.tree([file])))
    return writer.tree([Entry(FILE, JOB_FILE, writer.blob(envelope)), *folders])


def _artifacts(writer: Writer, result: JobResult) -> str:
    folders = []
    for node in result.nodes:
        write_artifact(writer, dict(node.result.files))
        folders.append(Entry(FOLDER, _folder(node), node.artifact_tree))
    return writer.tree(folders)


def _folder(node: SignedNode) -> bytes:
    return node_folder(node.result.index, node.result.name).encode()


def _signed(envelope: bytes, kind: str) -> Signed:
    found = dsse.parse(envelope)
    return Signed(read(found.payload, kind), found)
