"""What an attacker with every right on the repository and without the key can do to a ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pantheon_git.ledger import read
from pantheon_git.ledger.meta import Event, add_event
from pantheon_git.ledger.verdict import JobVerdict
from pantheon_git.ledger.verify import verify
from pantheon_git.repo.objects import Entry, hash_object
from pantheon_git.repo.refs import ANY, RefUpdate, read_refs, update_refs
from pantheon_git.repo.writer import Writer
from tests.ledger_kit import House, house

NEXT = "20261126T230000Z"


def filled(folder: Path) -> House:
    """Two nights, all endings, some metadata."""
    at = house(folder)
    at.night(["a.1", at.result("b.1", "failed"), at.result("c.1", "unchanged")], group=1)
    at.night([at.result(job, night=NEXT) for job in ("d.1", "e.1")], NEXT)
    for what in ("comment", "approved"):
        add_event(at.git, at.objects, at.key, read.job(at.git, at.objects, "a"), Event(what, "Ada <a@b>", "why"))  # type: ignore[arg-type]
    return at


def faults(at: House, **options: object) -> list[JobVerdict]:
    return [verdict for verdict in verify(at.git, at.keys, **options) if not verdict.ok]  # type: ignore[arg-type]


def forge(at: House, ref: str, change: Callable[[Writer, str], str]) -> None:
    """Write the ref's chain anew, each tree through `change`, with the old signatures, and move the ref."""
    chain, oid = [], read_refs(at.git)[ref]
    while oid:
        chain.append(at.objects.commit(oid))
        oid = chain[-1].parents[0] if chain[-1].parents else ""
    writer, parent = Writer(at.objects), ""
    for commit in reversed(chain):
        parents = [parent, *commit.parents[1:]] if parent else []
        new = commit.raw.split(b"\n\n", 1)[0].split(b"\nauthor ", 1)[1]
        head = f"tree {change(writer, commit.tree)}\n" + "".join(f"parent {one}\n" for one in parents)
        raw = head.encode() + b"author " + new + b"\n\n" + commit.raw.split(b"\n\n", 1)[1]
        parent = put(writer, "commit", raw)
    writer.flush()
    update_refs(at.git, [RefUpdate(ref, parent, ANY)])


def put(writer: Writer, kind: str, data: bytes) -> str:
    oid = hash_object(kind, data)
    writer.add(oid, kind, data)
    return oid


def with_file(path: bytes, data: bytes | None) -> Callable[[Writer, str], str]:
    """Set a file in every tree that has it; None takes it out."""

    def change(writer: Writer, tree: str) -> str:
        old = writer.reader.find(tree, path)
        if old is None:
            return tree
        return writer.edit_tree(tree, {path: None if data is None else Entry(old.mode, b"", writer.blob(data))})

    return change


def restore(at: House, refs: Mapping[str, str]) -> None:
    now = read_refs(at.git)
    changed = [RefUpdate(ref, oid, ANY) for ref, oid in refs.items() if now.get(ref) != oid]
    update_refs(at.git, [*changed, *(RefUpdate(ref, None, ANY) for ref in now.keys() - refs.keys())])
