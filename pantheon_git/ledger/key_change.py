"""Rotating and revoking, offline: a record first, which is what makes the change; then files and refs, which follow it.

A kill in between leaves a record whose change is brought to its end by the next call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import key_records, notes
from pantheon_git.ledger.commit import committed_at
from pantheon_git.ledger.key_records import KEYS, Record, revocation, rotation
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.keys import Key, PublicKey, generate, is_locked, load_private, load_public
from pantheon_git.ledger.layout import ARTIFACTS, FROZEN, META, RUNS
from pantheon_git.ledger.signers import configure_revocations, pin
from pantheon_git.ledger.signing import public_of
from pantheon_git.ledger.trust import NIGHT, PERSON, Role, TrustedKeys
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import read_refs

_FAMILIES = (RUNS, ARTIFACTS, META, FROZEN)
"""Beside the notes: the refs whose commits are verified as what a key signed at its time."""


@dataclass(frozen=True)
class House:
    """Where keys change: this user's files, and the ledger of the repository they stand in, if in any."""

    git: Git | None
    who: str
    """`Name <mail>`, for the record."""

    def settle(self, signer: Key, *records: Record) -> list[str]:
        """Keep the records, bring OpenSSH's files up to date, and write what the ledger lacks of all records."""
        for record in records:
            key_records.keep_local(record)
        done = pin() if key_records.local_folder().exists() else []
        if self.git is not None:
            if configure_revocations(self.git):
                done.append("git config gpg.ssh.revocationFile")
            ids = key_records.publish(self.git, Objects(self.git), signer, key_records.read_local())
            done += [f"{KEYS}{id_}" for id_ in ids]
        return done


def rotate(
    house: House, old: Key, person: bool, passphrase: str | None = None, reason: str = ""
) -> tuple[Key, Record, list[str]]:
    """A new key pair in place of `old` (the night's, or with `person` the reviews'); returns it, the record and what
    else was changed. Where one key has both roles and `person` is asked for, the other role stays with it.
    """
    path, roles = _place(old, person)
    fresh = path.with_name(path.name + ".next")
    _heal(fresh, path)
    new = _next(fresh, passphrase)
    record = next((one for one in key_records.read_local() if one.key == new.public), None)
    if record is None:
        record = rotation(old, new.public, roles, house.who, old.key_id, reason)
        key_records.keep_local(record)
    done = pin()
    _retire(path)
    for there, target in ((fresh, path), (public_of(fresh), public_of(path))):
        there.replace(target)
    return new, record, done + house.settle(new, record)


def _place(old: Key, person: bool) -> tuple[Path, tuple[Role, ...]]:
    keys = TrustedKeys.load(paths.trust_file())
    has = tuple(
        role for role in (NIGHT, PERSON) if any(e.key.key_id == old.key_id and e.fits(role) for e in keys.entries)
    )
    if not has:
        raise PantheonError(f"{old.key_id} is not trusted here, so it can hand nothing over", "pantheon-git keys")
    apart = paths.person_key() != paths.night_key()
    if person:
        return paths.keys_dir() / "person", (PERSON,)
    return paths.night_key(), tuple(role for role in has if role == NIGHT or not apart)


def _heal(fresh: Path, path: Path) -> None:
    """What a kill between two renames, or before there was a record, has left."""
    public = public_of(fresh)
    if not fresh.exists() and public.exists():
        moved = path.exists() and not is_locked(path.read_bytes()) and load_private(path).public == load_public(public)
        public.replace(public_of(path)) if moved else public.unlink()
    elif fresh.exists() and not (
        public.exists() and any(record.key == load_public(public) for record in key_records.read_local())
    ):
        fresh.unlink()
        public.unlink(missing_ok=True)


def _next(fresh: Path, passphrase: str | None) -> Key:
    return load_private(fresh, passphrase) if fresh.exists() else generate(fresh, passphrase=passphrase)


def _retire(path: Path) -> None:
    """Keep the old pair, out of use, under its own name; it stays in its place until the new one takes that."""
    if not public_of(path).exists():
        return
    name = load_public(public_of(path)).key_id.removeprefix("SHA256:").replace("/", "_")[:12]
    folder = path.parent / "retired"
    folder.mkdir(mode=0o700, exist_ok=True)
    for one, suffix in ((path, ""), (public_of(path), ".pub")):
        kept = folder / f"{path.name}-{name}{suffix}"
        if one.exists() and not kept.exists():
            kept.hardlink_to(one)


def revoke(
    house: House, signer: Key, key: PublicKey, since: int, reason: str, heads: Mapping[str, str] | None
) -> tuple[Record, list[str]]:
    """Revoke `key` from `since` on (0: for all it ever signed); `heads`: what the ledger held, see `heads_at`."""
    known = [record.id for record in key_records.read_local()]
    if house.git is not None:
        known += [ref.removeprefix(KEYS) for ref in read_refs(house.git, KEYS)]
    record = revocation(signer, key, since, house.who, reason, heads, set(known))
    return record, house.settle(signer, record)


def adopt(git: Git, objects: Objects, key: Key) -> list[str]:
    """Take over what the ledger's records say, and give it those that it lacks; returns what was changed, in words."""
    if not paths.trust_file().exists():
        return []  # whom nobody is trusted by has nobody to hear from
    for record in trusted(git, objects).records:
        key_records.keep_local(record)
    return House(git, "").settle(key)


def heads_at(git: Git, objects: Objects, oid: str | None = None) -> tuple[dict[str, str], int | None]:
    """Ref of the ledger → where it stands; and None. With `oid`, a commit of the ledger: where each stood when that
    was made, and the first second after it."""
    refs = {ref: tip for ref, tip in read_refs(git).items() if ref == notes.REF or ref.startswith(_FAMILIES)}
    if oid is None:
        return refs, None
    found = objects.resolve(f"{oid}^{{commit}}")
    if found is None or all(found not in _line(objects, tip) for tip in refs.values()):
        raise PantheonError(f"{oid} is no commit of this ledger", "git log refs/notes/pantheon")
    last = committed_at(objects.commit(found))
    heads = {ref: there for ref, tip in refs.items() if (there := _newest(objects, tip, last))}
    return heads, last + 1


def _newest(objects: Objects, tip: str, last: int) -> str | None:
    """The newest commit on the first-parent line that was made by then."""
    return next((oid for oid in _line(objects, tip) if committed_at(objects.commit(oid)) <= last), None)


def _line(objects: Objects, tip: str) -> Iterator[str]:
    """The commit and its first parents: what the ledger itself wrote, not what jobs began with."""
    oid: str | None = tip
    while oid is not None:
        yield oid
        parents = objects.commit(oid).parents
        oid = parents[0] if parents else None
