"""Frozen queues in the ledger: `refs/pantheon/frozen/NAME`, signed by a person.

The ref's first commit holds `queue.jsonl` (`spec.frozen`) and `frozen.json`, the DSSE envelope about it; a second one
adds `dropped.json`, which withdraws it. Nothing ever changes one: a new freeze has a name of its own, and names the one
before it, so that none vanishes unseen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import anchor, dsse
from pantheon_git.ledger.commit import check_commit, committed_at, identity, signed_commit
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import FROZEN
from pantheon_git.ledger.statement import STATEMENT, Json, canonical, read, sha256
from pantheon_git.ledger.trust import PERSON, TrustedKeys
from pantheon_git.ledger.verdict import Fault, at, require
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FILE, Entry, Objects
from pantheon_git.repo.refs import RefUpdate, read_ref, read_refs, update_refs
from pantheon_git.repo.writer import Writer
from pantheon_git.spec import frozen
from pantheon_git.spec.frozen import FrozenQueue

QUEUE_FILE, FROZEN_FILE, DROPPED_FILE = b"queue.jsonl", b"frozen.json", b"dropped.json"
QUEUE_FROZEN = "urn:pantheon-git:queue-frozen:v1"
QUEUE_DROPPED = "urn:pantheon-git:queue-dropped:v1"


@dataclass(frozen=True)
class Frozen:
    """A frozen queue as it was signed."""

    head: str
    """Oid of the ref's last commit."""
    first: str
    """Oid of the commit that froze it, which the night's opening names."""
    queue: FrozenQueue
    sha256: str
    """Of `queue.jsonl`."""
    who: str
    reason: str
    when: float
    """Seconds since the epoch."""
    previous: Mapping[str, str] | None
    """`frozen` and `head` of the one that was frozen before it."""
    key_id: str
    dropped: str = ""
    """Who withdrew it; empty: it stands."""

    @property
    def name(self) -> str:
        return self.queue.frozen

    def info(self) -> Json:
        """What the opening of a night that runs it says."""
        return {"frozen": self.name, "head": self.first, "sha256": self.sha256, "who": self.who, "when": self.when}


def new_name(git: Git, when: float) -> str:
    """The time in UTC, after every other frozen queue's: the latest name is the one that counts."""
    taken = [ref.removeprefix(FROZEN) for ref in read_refs(git, FROZEN)]
    while (name := time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(when))) <= max(taken, default=""):
        if when - time.time() > 60:
            raise PantheonError(f"the clock stands before the latest frozen queue, {max(taken)}", "date")
        when += 1
    return name


def freeze(git: Git, objects: Objects, key: Key, queue: FrozenQueue, who: str, reason: str, when: float) -> Frozen:
    """Sign a queue and write it: one ref, whole or not at all. RefMovedError where one of its name is there."""
    writer, data = Writer(objects), queue.to_bytes()
    before = _before(git)
    subject = [
        {"name": QUEUE_FILE.decode(), "digest": {"sha256": sha256(data)}},
        {"name": "commit", "digest": {"gitCommit": queue.commit}},
    ]
    said = {"frozen": queue.frozen, "target": queue.target, "count": len(queue.jobs), "previous": before}
    envelope = _sign(key, QUEUE_FROZEN, subject, {**said, "when": round(when, 3), "who": who, "reason": reason})
    files = [Entry(FILE, QUEUE_FILE, writer.blob(data)), Entry(FILE, FROZEN_FILE, writer.blob(envelope))]
    message = f"Queue frozen: {len(queue.jobs)} jobs for {queue.target}\n\n{reason}\n\nPantheon-Frozen: {queue.frozen}"
    commit = signed_commit(writer, key, writer.tree(files), [], message, when, identity(who))
    _publish(git, writer, RefUpdate(FROZEN + queue.frozen, commit, None))
    return load(objects, FROZEN + queue.frozen, commit)


def drop(git: Git, objects: Objects, key: Key, found: Frozen, who: str, reason: str, when: float) -> None:
    """Sign that a frozen queue no longer counts. RefMovedError when somebody else did so meanwhile."""
    writer, ref = Writer(objects), FROZEN + found.name
    subject = [{"name": "freeze", "digest": {"gitCommit": found.head}}]
    said = {"frozen": found.name, "when": round(when, 3), "who": who, "reason": reason}
    envelope = _sign(key, QUEUE_DROPPED, subject, said)
    tree = writer.edit_tree(objects.commit(found.head).tree, {DROPPED_FILE: Entry(FILE, b"", writer.blob(envelope))})
    message = f"Queue no longer frozen\n\n{reason}\n\nPantheon-Frozen: {found.name}"
    commit = signed_commit(writer, key, tree, [found.head], message, when, identity(who))
    _publish(git, writer, RefUpdate(ref, commit, found.head))


def load(objects: Objects, ref: str, tip: str, keys: TrustedKeys | None = None) -> Frozen:
    """The frozen queue at a ref. With `keys` every byte is verified, and a Fault names the first wrong place; without,
    only its form."""
    chain = _chain(objects, ref, tip)
    first = chain[0]
    with at(ref, first):
        files = {entry.name: entry for entry in objects.tree(objects.commit(first).tree)}
    envelope, said = _open(objects, _at(keys, ref, chain), ref, first, FROZEN_FILE, QUEUE_FROZEN, files)
    with at(f"{ref}:{QUEUE_FILE.decode()}", files[QUEUE_FILE].oid if QUEUE_FILE in files else None):
        require(QUEUE_FILE in files, "the frozen queue is gone")
        data = objects.blob(files[QUEUE_FILE].oid)
        require(said["subject"][QUEUE_FILE.decode()] == {"sha256": sha256(data)}, "not the queue that was signed")
        queue = _parsed(data)
    with at(f"{ref}:{FROZEN_FILE.decode()}", files[FROZEN_FILE].oid):
        named = (said["frozen"], said["target"], said["count"], said["subject"]["commit"]["gitCommit"])
        require(named == (queue.frozen, queue.target, len(queue.jobs), queue.commit), "about another queue")
        require(ref == FROZEN + queue.frozen, "another frozen queue, replayed here")
        own = (str(said["who"]), str(said["reason"]), float(said["when"]), said["previous"])
    dropped = _dropped(objects, _at(keys, ref, chain[1:]), ref, chain, files)
    if keys is not None:
        _commits(objects, keys, ref, chain, files)
    return Frozen(tip, first, queue, sha256(data), *own, envelope.key_id, dropped)


def require_frozen(objects: Objects, ref: str, tip: str, keys: TrustedKeys | None) -> Frozen:
    """As `load`, but TamperedError instead of a Fault."""
    try:
        return load(objects, ref, tip, keys)
    except Fault as fault:
        raise TamperedError(str(fault.verdict(None, None)), "pantheon-git verify") from fault


def all_frozen(git: Git, objects: Objects, keys: TrustedKeys | None = None) -> Iterator[Frozen]:
    """The latest first. TamperedError at one that cannot be read or, with `keys`, that does not verify."""
    for ref, tip in sorted(read_refs(git, FROZEN).items(), reverse=True):
        yield require_frozen(objects, ref, tip, keys)


def _before(git: Git) -> dict[str, str] | None:
    refs = read_refs(git, FROZEN)
    return {"frozen": max(refs).removeprefix(FROZEN), "head": refs[max(refs)]} if refs else None


def _sign(key: Key, kind: str, subject: list[Json], predicate: Json) -> bytes:
    statement = {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate}
    return dsse.sign(key, canonical(statement))


def _publish(git: Git, writer: Writer, update: RefUpdate) -> None:
    with writer.flushed():
        update_refs(git, [update], "pantheon-git: freeze")
    marks = anchor.marks_file(git)  # from here on it is missed on this machine
    anchor.write_marks(marks, anchor.read_marks(marks) | {update.ref: str(read_ref(git, update.ref))})


def _chain(objects: Objects, ref: str, tip: str) -> list[str]:
    """Oids of the one or two commits, the first one first."""
    with at(ref, tip):
        parents = objects.commit(tip).parents
        require(len(parents) < 2 and not (parents and objects.commit(parents[0]).parents), "more than a freeze")
        return [*parents, tip]


def _open(
    objects: Objects, keys: TrustedKeys | None, ref: str, oid: str, name: bytes, kind: str, files: Mapping[bytes, Entry]
) -> tuple[dsse.Envelope, Json]:
    """An envelope of a person, and what it says. `oid`: the commit whose `files` it is among."""
    with at(f"{ref}:{name.decode()}", files[name].oid if name in files else None):
        require(name in files and files[name].mode == FILE, "it is gone")
        data = objects.blob(files[name].oid)
        envelope = dsse.parse(data) if keys is None else dsse.verified(data, keys, role=PERSON)
        said = read(envelope.payload, kind)
        if keys is not None:
            keys.require(envelope.key_id, PERSON, float(said["when"]))
        require(int(said["when"]) == committed_at(objects.commit(oid)), "not from when it was committed")
        return envelope, said


def _dropped(
    objects: Objects, keys: TrustedKeys | None, ref: str, chain: list[str], before: Mapping[bytes, Entry]
) -> str:
    if len(chain) == 1:
        return ""
    with at(ref, chain[1]):
        files = {entry.name: entry for entry in objects.tree(objects.commit(chain[1]).tree)}
    _, said = _open(objects, keys, ref, chain[1], DROPPED_FILE, QUEUE_DROPPED, files)
    with at(f"{ref}:{DROPPED_FILE.decode()}", files[DROPPED_FILE].oid):
        about = (said["frozen"], said["subject"]["freeze"])
        require(about == (ref.removeprefix(FROZEN), {"gitCommit": chain[0]}), "it withdraws another frozen queue")
        who = str(said["who"]) or "somebody"
    for name in sorted(before.keys() | files.keys() - {DROPPED_FILE}):
        with at(f"{ref}:{name.decode('utf-8', 'backslashreplace')}", chain[1]):
            require(before.get(name) == files.get(name), "not as it was when it was frozen")
    return who


def _at(keys: TrustedKeys | None, ref: str, after: list[str]) -> TrustedKeys | None:
    """Those that count for what stands in the first of these commits."""
    return keys and keys.at(ref, after.__contains__)


def _commits(objects: Objects, keys: TrustedKeys, ref: str, chain: list[str], files: Mapping[bytes, Entry]) -> None:
    for name, entry in files.items():
        with at(f"{ref}:{name.decode('utf-8', 'backslashreplace')}", entry.oid):
            known = name in (QUEUE_FILE, FROZEN_FILE) and entry.mode == FILE
            require(known, "not a file that was signed")
    for number, oid in enumerate(chain):
        with at(ref, oid):
            check_commit(objects, oid, keys.at(ref, chain[number:].__contains__), PERSON)


def _parsed(data: bytes) -> FrozenQueue:
    try:
        return frozen.parse(data)
    except ValueError as error:
        raise TamperedError(str(error)) from error
