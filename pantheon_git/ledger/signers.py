"""Writes what the records say into OpenSSH's own files, so that stock git verifies as `verify` does.

`allowed_signers` gets `valid-after` and `valid-before`. A key that was revoked from a moment on keeps its line, which
ends there: its older signatures stay good. One that was revoked for all it ever signed goes into `revoked_keys` too
(`gpg.ssh.revocationFile`), where a key has no past: every signature by it is bad.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pantheon_git.ledger.key_records import Record, read_local
from pantheon_git.ledger.keyring import apply
from pantheon_git.ledger.trust import TrustedKey, TrustedKeys, parse_line, write_private
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git

NEVER = 1.0
"""Seconds since the epoch: the end of a key that is revoked for all it ever signed (0 means no end to OpenSSH)."""


def revocation_file() -> Path:
    return paths.trust_file().with_name("revoked_keys")


def pin(path: Path | None = None, records: Iterable[Record] | None = None) -> list[str]:
    """Bring both files up to date with the records (None: this user's copies). Returns what was changed, in words; a
    second call changes nothing. Lines of keys that no record is about stay as they are, byte for byte."""
    path = path or paths.trust_file()
    records = read_local() if records is None else list(records)
    text = path.read_text("utf-8")
    ring = apply(TrustedKeys.parse(text, str(path)), records)
    touched = {key_id for record in ring.records for key_id in (record.key.key_id, record.replaces)}
    kept = [line for line in text.splitlines() if not _about(line, str(path), touched)]
    ours = [_ended(entry, ring.keys) for entry in ring.keys.entries if entry.key.key_id in touched]
    fresh = "".join(f"{line}\n" for line in [*kept, *map(render, ours)])
    done = []
    if sorted(fresh.splitlines()) != sorted(text.splitlines()):
        write_private(path, fresh)
        done.append(f"{path}: {len(touched - {None})} keys brought up to date")
    never = sorted(
        {e.key.line() for e in ring.keys.entries if (r := ring.keys.revoked.get(e.key.key_id)) and r.since <= 1}
    )
    revoked = "".join(f"{line}\n" for line in never)
    there = revocation_file()
    if never and (not there.exists() or there.read_text("utf-8") != revoked):
        write_private(there, revoked)
        done.append(f"{there}: {len(never)} keys")
    return done


def configure_revocations(git: Git) -> bool:
    """Let stock git heed the revocation file in this clone; what a person has set stays."""
    if not revocation_file().exists() or git.run("config", "gpg.ssh.revocationFile", check=False).code == 0:
        return False
    git.run("config", "gpg.ssh.revocationFile", str(revocation_file()))
    return True


def render(entry: TrustedKey) -> str:
    """One line of an allowed_signers file."""
    options = ['namespaces="git"']
    if entry.valid_after is not None:
        options.append(f'valid-after="{_stamp(entry.valid_after)}"')
    if entry.valid_before is not None:
        options.append(f'valid-before="{_stamp(entry.valid_before)}"')
    return f"{','.join(entry.principals)} {','.join(options)} {entry.key.line()}"


def _about(line: str, name: str, touched: set[str | None]) -> bool:
    if not line.strip() or line.startswith("#"):
        return False
    entry = parse_line(line.strip(), name)
    return entry is not None and entry.key.key_id in touched


def _ended(entry: TrustedKey, keys: TrustedKeys) -> TrustedKey:
    revoked = keys.revoked.get(entry.key.key_id)
    if revoked is None:
        return entry
    last = max(NEVER, revoked.since - 1)
    return replace(entry, valid_before=last if entry.valid_before is None else min(entry.valid_before, last))


def _stamp(when: float) -> str:
    """Z: UTC, which OpenSSH reads from 9.1 on."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(when))
