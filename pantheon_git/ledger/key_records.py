"""Signed records of keys that were rotated or revoked: `refs/pantheon/keys/ID`, one commit each, with `record.json`.

A record is an in-toto Statement in a DSSE envelope about one public key. Each has a ref of its own, so that the union
of two clones is the union of their refs; copies lie beside the list of trusted keys: a deleted ref is no way back.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import dsse
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.keys import ALGORITHM, Key, PublicKey
from pantheon_git.ledger.statement import STATEMENT, Json, canonical, read, sha256
from pantheon_git.ledger.trust import NIGHT, PERSON, Revoked, Role, write_private
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FILE, Entry, Objects
from pantheon_git.repo.refs import RefUpdate, read_refs, update_refs
from pantheon_git.repo.writer import Writer

KEYS = "refs/pantheon/keys/"
RECORD_FILE = b"record.json"
KEY = "urn:pantheon-git:key:v1"
"""Predicate type of the statement."""
What = Literal["rotate", "revoke"]


@dataclass(frozen=True)
class Record:
    """A record as its envelope says; whether it counts is `keyring`'s to judge."""

    envelope: bytes
    what: What
    key: PublicKey
    """The new key of a rotation, the key that is revoked."""
    roles: tuple[Role, ...]
    when: int
    """Seconds since the epoch, when it was signed."""
    who: str
    reason: str
    signer: str
    """Id of the key that signed this record."""
    replaces: str | None = None
    """Of a rotation: id of the key whose roles the new one takes over."""
    revoked: Revoked | None = None
    known: tuple[str, ...] | None = None
    """Of a revocation: ids of the records that had been seen; what the revoked key signs besides them does not count.
    """

    @property
    def id(self) -> str:
        """Names the record: the beginning of the sha256 of its envelope."""
        return sha256(self.envelope)[:16]

    def __str__(self) -> str:
        if self.what == "rotate":
            return f"{self.key.key_id} in place of {self.replaces} as {' and '.join(self.roles)}"
        return f"{self.key.key_id} revoked{f': {self.reason}' if self.reason else ''}"


def rotation(signer: Key, new: PublicKey, roles: Sequence[Role], who: str, replaces: str, reason: str = "") -> Record:
    """Signed: from now on `new` signs as `roles`, and `replaces` no longer does."""
    more = {"what": "rotate", "roles": list(roles), "replaces": replaces, "reason": reason}
    return parse(_sign(signer, new, who, more))


def revocation(
    signer: Key,
    key: PublicKey,
    since: int,
    who: str,
    reason: str,
    heads: Mapping[str, str] | None,
    known: Iterable[str],
) -> Record:
    """Signed: what `key` signed from `since` on does not count, nor what `heads` (ref → oid) did not hold."""
    more = {"what": "revoke", "since": since, "heads": heads, "known": sorted(known), "reason": reason}
    return parse(_sign(signer, key, who, {**more, "roles": [NIGHT, PERSON]}))


def _sign(signer: Key, key: PublicKey, who: str, more: Json) -> bytes:
    subject = [{"name": key.key_id, "digest": {"sha256": sha256(key.blob)}}]
    predicate = {"key": key.line(), "when": int(time.time()), "who": who, **more}
    return dsse.sign(
        signer, canonical({"_type": STATEMENT, "subject": subject, "predicateType": KEY, "predicate": predicate})
    )


def parse(envelope: bytes) -> Record:
    """Read a record; its signature is not checked yet. TamperedError when it is none."""
    found = dsse.parse(envelope)
    try:
        said = read(found.payload, KEY)
        kind, text = str(said["key"]).split()
        key = PublicKey.from_blob(base64.b64decode(text, validate=True))
        if kind != ALGORITHM.decode() or said["subject"] != {key.key_id: {"sha256": sha256(key.blob)}}:
            raise TamperedError("the record's subject is another key than the one it names")
        roles = tuple(role for role in (NIGHT, PERSON) if role in said["roles"])
        revoke = said["what"] == "revoke"
        if not revoke and said["what"] != "rotate":
            raise TamperedError(f"a record of an unknown kind: {said['what']!r}")
        heads = said.get("heads")
        return Record(
            envelope=envelope,
            what="revoke" if revoke else "rotate",
            key=key,
            roles=roles,
            when=int(said["when"]),
            who=str(said["who"]),
            reason=str(said["reason"]),
            signer=found.key_id,
            replaces=None if revoke else str(said["replaces"]),
            revoked=Revoked(int(said["since"]), None if heads is None else dict(heads)) if revoke else None,
            known=tuple(said["known"]) if revoke and heads is not None else None,
        )
    except TamperedError:
        raise
    except (PantheonError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise TamperedError(f"not a record of a key: {error!r}") from error


def check_signature(record: Record, signer: PublicKey) -> None:
    """TamperedError when `signer` did not sign this record."""
    found = dsse.parse(record.envelope)
    signer.verify(found.signature, dsse.pae(found.payload_type, found.payload))


def read_envelopes(git: Git, objects: Objects) -> dict[str, bytes]:
    """Ref below `refs/pantheon/keys/` → envelope; empty where the ref holds no record."""
    found = {}
    for ref, oid in read_refs(git, KEYS).items():
        entry = objects.find(objects.commit(oid).tree, RECORD_FILE)
        found[ref] = objects.blob(entry.oid) if entry is not None else b""
    return found


def publish(git: Git, objects: Objects, key: Key, records: Iterable[Record]) -> list[str]:
    """Write those records that the ledger does not hold yet; returns their ids. Each is a commit signed with `key`."""
    there, writer, updates = read_refs(git, KEYS), Writer(objects), []
    for record in records:
        if KEYS + record.id in there:
            continue
        tree = writer.tree([Entry(FILE, RECORD_FILE, writer.blob(record.envelope))])
        message = f"Key {record.what}d: {record.key.key_id}\n\n{record}\n\nPantheon-Key: {record.id}"
        commit = signed_commit(writer, key, tree, [], message, record.when)
        updates.append(RefUpdate(KEYS + record.id, commit, None))
    with writer.flushed():
        update_refs(git, updates, "pantheon-git: keys")
    return [update.ref.removeprefix(KEYS) for update in updates]


def local_folder() -> Path:
    """This user's copies, outside every repository."""
    return paths.trust_file().parent / "records"


def read_local(folder: Path | None = None) -> list[Record]:
    """The copies, by time. PantheonError names a file that cannot be read: a revocation is never passed over."""
    found = []
    for path in sorted((folder or local_folder()).glob("*.json")):
        try:
            record = parse(path.read_bytes())
        except (OSError, TamperedError) as error:
            raise PantheonError(f"{path}: {error}", f"look, then: rm {path}") from error
        found.append(record)
    return by_time(found)


def keep_local(record: Record, folder: Path | None = None) -> bool:
    """Keep a copy. False when it is there already."""
    path = (folder or local_folder()) / f"{record.id}.json"
    if path.exists():
        return False
    write_private(path, record.envelope.decode())
    return True


def by_time(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: (record.when, record.what == "revoke", record.id))
