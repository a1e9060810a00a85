"""Whom we trust: a file in OpenSSH's allowed_signers format (ssh-keygen(1)), which stock git reads too."""

from __future__ import annotations

import base64
import binascii
import os
import re
import tempfile
import time
from calendar import timegm
from dataclasses import dataclass
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
    """Seconds since the epoch."""
    valid_before: float | None = None


@dataclass(frozen=True)
class TrustedKeys:
    """The keys that count. `require` is the one question that verification asks."""

    entries: tuple[TrustedKey, ...]

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
        found = [_parse(line, f"{name}:{number}") for number, line in lines if line and not line.startswith("#")]
        entries = tuple(entry for entry in found if entry is not None)
        if not entries:
            raise PantheonError(f"{name} trusts no Ed25519 key, so nothing can be verified", "pantheon-git keys")
        return cls(entries)

    def require(self, key_id: str, role: Role, when: float | None = None) -> PublicKey:
        """The trusted key of that id. TamperedError when it is unknown, not for `role`, or not valid at `when`."""
        known = [entry for entry in self.entries if entry.key.key_id == key_id]
        if not known:
            raise TamperedError(f"signed with the unknown key {key_id}")
        fit = [entry for entry in known if any(fnmatchcase(role, pattern) for pattern in entry.principals)]
        if not fit:
            raise TamperedError(f"signed with {key_id}, which is not trusted as {role}")
        reasons = [_out_of_time(entry, when) for entry in fit]
        if all(reasons):
            raise TamperedError(f"signed with {key_id}, which is {reasons[0]}")
        return fit[0].key


def _out_of_time(entry: TrustedKey, when: float | None) -> str:
    if when is not None and entry.valid_after is not None and when < entry.valid_after:
        return f"valid only after {_clock(entry.valid_after)} (this is from {_clock(when)})"
    if when is not None and entry.valid_before is not None and when >= entry.valid_before:
        return f"valid only before {_clock(entry.valid_before)} (this is from {_clock(when)})"
    return ""


def _parse(line: str, place: str) -> TrustedKey | None:
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


def _clock(when: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


def trust(path: Path, key: PublicKey, roles: tuple[Role, ...]) -> bool:
    """Add a line for `key` to the file (made if absent). False when that line stands there already."""
    line = f'{",".join(roles)} namespaces="git" {key.line()}\n'
    before = path.read_text("utf-8") if path.exists() else ""
    if line in before.splitlines(keepends=True):
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(before + ("" if before.endswith("\n") or not before else "\n") + line)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    return True


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
