"""Which keys count: those pinned outside every repository, as changed by records that keys trusted then have signed.

A new key counts only when signed by a pinned one, or by one that came in that way. A person's key may rotate and revoke
any key; any other key only hands over its own roles, or revokes itself. What a record says against a key holds from its
`since` on, also for other records: a stolen key brings no new one in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import key_records
from pantheon_git.ledger.key_records import KEYS, Record
from pantheon_git.ledger.trust import NIGHT, PERSON, Revoked, Role, TrustedKey, TrustedKeys
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs

ROLES: tuple[Role, ...] = (NIGHT, PERSON)


@dataclass(frozen=True)
class Fault:
    """A record that does not count."""

    ref: str
    oid: str | None
    problem: str


@dataclass(frozen=True)
class Keyring:
    keys: TrustedKeys
    records: tuple[Record, ...] = ()
    """Those that count, in the order in which they were signed."""
    faults: tuple[Fault, ...] = ()


def trusted(git: Git, objects: Objects, path: Path | None = None) -> Keyring:
    """The keys that count in this repository: pinned ones (`path`: the list), the ledger's records, this user's copies.
    PantheonError when there is no list, or it trusts nobody."""
    pinned = TrustedKeys.load(path or paths.trust_file())
    refs = read_refs(git, KEYS)
    records, faults = {record.id: record for record in key_records.read_local()}, []
    for ref, envelope in key_records.read_envelopes(git, objects).items():
        try:
            record = key_records.parse(envelope)
            if KEYS + record.id != ref:
                raise TamperedError("this record belongs to another ref")
            records[record.id] = record
        except TamperedError as error:
            faults.append(Fault(ref, refs.get(ref), error.message))
    found = apply(pinned, records.values())
    return replace(found, faults=(*faults, *(replace(fault, oid=refs.get(fault.ref)) for fault in found.faults)))


def apply(pinned: TrustedKeys, records: Iterable[Record]) -> Keyring:
    """The keyring that the records make of the pinned keys.

    A revocation may reach back before a record that was counted, so all is judged again until nothing changes; the
    revoked keys only grow on the way, so that it ends, and in doubt nobody is trusted.
    """
    ordered = key_records.by_time(records)
    revoked: dict[str, Revoked] = dict(pinned.revoked)
    while True:
        state = _State(replace(pinned, revoked=revoked), ordered)
        for record in ordered:
            state.take(record)
        found = {key_id: _stricter(revoked.get(key_id), one) for key_id, one in state.revoked.items()}
        if revoked | found == revoked:
            return Keyring(state.keys(), tuple(state.counted), tuple(state.faults))
        revoked |= found


@dataclass
class _State:
    """One pass over the records."""

    pinned: TrustedKeys
    ordered: list[Record]
    counted: list[Record] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entries = list(self.pinned.entries)
        self.revoked = dict(self.pinned.revoked)
        self.known = {record.key.key_id: record.known for record in self.ordered if record.known is not None}

    def keys(self) -> TrustedKeys:
        return TrustedKeys(tuple(self.entries), self.revoked)

    def take(self, record: Record) -> None:
        try:
            self._judge(record)
        except PantheonError as error:
            if not self._pinned(record):
                self.faults.append(Fault(KEYS + record.id, None, f"a record that does not count: {error.message}"))
            return
        self.counted.append(record)
        if record.revoked is not None:
            key_id = record.key.key_id
            self.revoked[key_id] = _stricter(self.revoked.get(key_id), record.revoked)
        else:
            self._hand_over(record)

    def _judge(self, record: Record) -> None:
        """TamperedError unless the record's signer had the right to sign it when it did."""
        own = record.replaces if record.what == "rotate" else record.key.key_id
        keys = self.keys()
        if record.what == "revoke" and record.signer == own:  # its own end: what else is known against it is no bar
            keys = replace(keys, revoked={k: v for k, v in self.revoked.items() if k != own})
        elif record.signer in self.revoked and record.id not in self.known.get(record.signer, (record.id,)):
            raise TamperedError(f"{record.signer} is revoked, and this was not known when it was")
        if record.signer == own:
            roles = record.roles if record.what == "rotate" else _roles_of(keys, record.signer)[:1]
            found = [keys.require(record.signer, role, record.when) for role in roles]
        else:
            found = [keys.require(record.signer, PERSON, record.when)]
        if not found:
            raise TamperedError(f"signed with the unknown key {record.signer}")
        key_records.check_signature(record, found[0])

    def _pinned(self, record: Record) -> bool:
        """Whether the new key is trusted by hand: whoever signed for it, then, matters no more."""
        fit = [entry for entry in self.pinned.entries if entry.key == record.key]
        return record.what == "rotate" and all(any(entry.fits(role) for entry in fit) for role in record.roles)

    def _hand_over(self, record: Record) -> None:
        """The new key's roles begin where the old key's end; the second of the change belongs to both."""
        self.entries = [part for entry in self.entries for part in _ended(entry, record)]
        new = TrustedKey(record.key, record.roles, float(record.when))
        if not any(entry.key == new.key and set(new.principals) <= set(entry.principals) for entry in self.entries):
            self.entries.append(new)


def _ended(entry: TrustedKey, record: Record) -> list[TrustedKey]:
    """The entry of a replaced key: the roles that it hands over end, the others stay as they are."""
    gone = [role for role in record.roles if entry.fits(role)]
    if entry.key.key_id != record.replaces or not gone:
        return [entry]
    kept = tuple(role for role in ROLES if role not in gone and entry.fits(role))
    last = float(record.when) if entry.valid_before is None else min(entry.valid_before, float(record.when))
    others = [replace(entry, principals=kept)] if kept else []
    return [replace(entry, principals=tuple(gone), valid_before=last), *others]


def _stricter(old: Revoked | None, new: Revoked) -> Revoked:
    """The earlier time; of what had been seen, what the first to look saw."""
    if old is None:
        return new
    return Revoked(min(old.since, new.since), new.heads if old.heads is None else old.heads)


def _roles_of(keys: TrustedKeys, key_id: str) -> list[Role]:
    return [role for role in ROLES if any(e.key.key_id == key_id and e.fits(role) for e in keys.entries)]
