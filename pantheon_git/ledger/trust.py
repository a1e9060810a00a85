"""Whom we trust: a file in OpenSSH's allowed_signers format (ssh-keygen(1)), which stock git reads too."""

from __future__ import annotations

import base64
import binascii
import os
import re
import tempfile
import time
from calendar import timegm
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger.keys import ALGORITHM, PublicKey
from pantheon_git.repo.git import Git

Role = Literal["pantheon-night", "pantheon-person"]
NIGHT: Role = "pantheon-night"
"""Signs artifacts, jobs, nights and notes."""
PERSON: Role = "pantheon-person"
"""Signs reviews and merges."""

_OPTION = re.compile(r'(cert-authority|[a-z-]+="(?:[^"\\]|\\.)*")', re.IGNORECASE)
_LINE = re.compile(
    rf"(?P<principals>\S+)\s+(?:(?P<options>(?:{_OPTION.pattern},?)+)\s+)?(?P<kind>\S+)\s+(?P<key>\S+)", re.IGNORECASE
)


@dataclass(frozen=True)
class TrustedKey:
    key: PublicKey
    principals: tuple[str, ...]
    """Patterns as ssh has them: `*` and `?`."""
    valid_after: float | None = None
    """Seconds since the epoch; both ends belong to the time, and a signature's time is cut to the second, as
    ssh-keygen has it (sshsig.c, OpenSSH 9.2)."""
    valid_before: float | None = None

    def fits(self, role: str) -> bool:
        return any(fnmatchcase(role, pattern) for pattern in self.principals)


@dataclass(frozen=True)
class Revoked:
    """Since when a key does not count, and what had been seen of its work by then."""

    since: float
    """Seconds since the epoch; what was signed from then on does not count."""
    heads: Mapping[str, str] | None = None
    """Ref of the ledger → the oid at which it stood when the key was revoked; None: nobody looked."""


@dataclass(frozen=True)
class TrustedKeys:
    """The keys that count. `require` is the one question that verification asks."""

    entries: tuple[TrustedKey, ...]
    revoked: Mapping[str, Revoked] = field(default_factory=dict)
    """Id of a key → its revocation."""
    unseen: frozenset[str] = frozenset()
    """Ids of revoked keys that do not count at all here; see `at`."""

    @classmethod
    def load(cls, path: Path) -> TrustedKeys:
        """Read an allowed_signers file. Raises PantheonError when it is absent, malformed, or trusts nobody."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PantheonError(f"no list of trusted keys: {path}: {error}", "pantheon-git init") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, name: str) -> TrustedKeys:
        """The keys of `text`; other key types and certificate authorities are none of ours and are passed over."""
        lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
        found = [parse_line(line, f"{name}:{number}") for number, line in lines if line and not line.startswith("#")]
        entries = tuple(entry for entry in found if entry is not None)
        if not entries:
            raise PantheonError(f"{name} trusts no Ed25519 key, so nothing can be verified", "pantheon-git keys")
        return cls(entries)

    def require(self, key_id: str, role: Role, when: float | None = None) -> PublicKey:
        """The trusted key of that id. TamperedError when it is unknown, not for `role`, or not valid at `when` (None:
        only a key that was never valid is refused; whoever knows the time asks again)."""
        known = [entry for entry in self.entries if entry.key.key_id == key_id]
        if not known:
            raise TamperedError(f"signed with the unknown key {key_id}")
        fit = [entry for entry in known if entry.fits(role)]
        if not fit:
            raise TamperedError(f"signed with {key_id}, which is not trusted as {role}")
        reasons = [_out_of_time(entry, when) for entry in fit]
        why = self._revoked(key_id, when) or (reasons[0] if all(reasons) else "")
        if why:
            raise TamperedError(f"signed with {key_id}, which is {why}")
        return fit[0].key

    def at(self, ref: str, holds: Callable[[str], bool]) -> TrustedKeys:
        """The keys for what stands in one commit of the ledger's `ref`; `holds(oid)`: whether `oid`'s history holds
        that commit. What a revoked key signed counts only if the ledger held it when the key was revoked: a thief can
        give an entry an early date, but not put it into a history that was seen before."""
        unseen = {
            key_id
            for key_id, revoked in self.revoked.items()
            if revoked.heads is not None and not (ref in revoked.heads and holds(revoked.heads[ref]))
        }
        return replace(self, unseen=frozenset(unseen)) if unseen else self

    def _revoked(self, key_id: str, when: float | None) -> str:
        revoked = self.revoked.get(key_id)
        if revoked is None:
            return ""
        if key_id in self.unseen:
            return "revoked, and this was not in the ledger when it was"
        if revoked.since <= 1 or (when is not None and int(when) >= revoked.since):
            return f"revoked since {clock(revoked.since)}" if revoked.since > 1 else "revoked for all it ever signed"
        return ""


def _out_of_time(entry: TrustedKey, when: float | None) -> str:
    before, after = entry.valid_before, entry.valid_after
    if before is not None and before <= 1:
        return "revoked for all it ever signed"
    if when is not None and after is not None and int(when) < after:
        return f"valid only after {clock(after)} (this is from {clock(when)})"
    if when is not None and before is not None and int(when) > before:
        return f"valid only before {clock(before)} (this is from {clock(when)})"
    return ""


def parse_line(line: str, place: str) -> TrustedKey | None:
    """The key of one line; None for a line that is none of ours. PantheonError, naming `place`, when it is broken."""
    found = _LINE.match(line)
    if found is None:
        raise PantheonError(f"{place}: not a line of an allowed_signers file", "man ssh-keygen, ALLOWED SIGNERS")
    options = {
        name.lower(): value.strip('"')
        for name, _, value in (option.partition("=") for option in _OPTION.findall(found["options"] or ""))
    }
    if found["kind"] != ALGORITHM.decode() or "cert-authority" in options or not _signs_for_git(options):
        return None
    try:
        key = PublicKey.from_blob(base64.b64decode(found["key"], validate=True))
        after, before = (_time(options[name]) if name in options else None for name in ("valid-after", "valid-before"))
    except (binascii.Error, ValueError) as error:
        raise PantheonError(f"{place}: {error}", "man ssh-keygen, ALLOWED SIGNERS") from error
    return TrustedKey(key, tuple(found["principals"].strip('"').split(",")), after, before)


def _signs_for_git(options: dict[str, str]) -> bool:
    patterns = options.get("namespaces", "*").split(",")
    return any(fnmatchcase("git", pattern) for pattern in patterns)


def _time(text: str) -> float:
    """`YYYYMMDD[HHMM[SS]][Z]`; without Z local time, as ssh-keygen reads it."""
    digits, utc = text.rstrip("Zz"), text[-1:] in ("Z", "z")
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    if form is None:
        raise ValueError(f"no time that ssh-keygen knows: {text}")
    parsed = time.strptime(digits, form)
    return float(timegm(parsed)) if utc else time.mktime(parsed)


def clock(when: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


def trust(path: Path, key: PublicKey, roles: tuple[Role, ...]) -> bool:
    """Add a line for `key` to the file (made if absent). False when that line stands there already."""
    line = f'{",".join(roles)} namespaces="git" {key.line()}\n'
    before = path.read_text("utf-8") if path.exists() else ""
    if line in before.splitlines(keepends=True):
        return False
    write_private(path, before + ("" if before.endswith("\n") or not before else "\n") + line)
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all; its folder is made if absent."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def configure_git(git: Git, allowed_signers: Path) -> list[str]:
    """Let stock git verify and show the ledger in this clone; what a person has set stays. Returns what was set."""
    done = []
    if git.run("config", "gpg.ssh.allowedSignersFile", check=False).code:
        git.run("config", "gpg.ssh.allowedSignersFile", str(allowed_signers))
        done.append(f"gpg.ssh.allowedSignersFile = {allowed_signers}")
    shown = git.run("config", "--get-all", "notes.displayRef", check=False).out.decode().split()
    if "refs/notes/pantheon" not in shown:
        git.run("config", "--add", "notes.displayRef", "refs/notes/pantheon")
        done.append("notes.displayRef = refs/notes/pantheon")
    return done
