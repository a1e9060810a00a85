"""Verification of the records of keys that were rotated or revoked, as they lie in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pantheon_git.ledger import key_records
from pantheon_git.ledger.commit import signer_of
from pantheon_git.ledger.key_records import KEYS, RECORD_FILE
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verdict import Fault, JobVerdict, at, require
from pantheon_git.repo.objects import FILE, Objects


def check_records(objects: Objects, keys: TrustedKeys, refs: Mapping[str, str]) -> Iterator[JobVerdict]:
    """A verdict for each record that is not where or what it was when it was signed. Whether its signer had the right
    to is `keyring`'s to say, since it decides who is trusted."""
    for ref, oid in sorted(refs.items()):
        if ref.startswith(KEYS):
            try:
                _check(objects, keys, ref, oid)
            except Fault as fault:
                yield fault.verdict(None, None)


def _check(objects: Objects, keys: TrustedKeys, ref: str, oid: str) -> None:
    with at(f"{ref}:record.json", oid):
        commit = objects.commit(oid)
        found = objects.tree(commit.tree)
        require([(entry.mode, entry.name) for entry in found] == [(FILE, RECORD_FILE)], "not the record of a key")
        record = key_records.parse(objects.blob(found[0].oid))
        require(ref == KEYS + record.id, "the record of another change, replayed here")
        require(not commit.parents, "a record has no history")
        signer = signer_of(commit).key_id
        known = {record.signer, *(entry.key.key_id for entry in keys.entries)}
        require(signer in known, f"signed with the unknown key {signer}")
