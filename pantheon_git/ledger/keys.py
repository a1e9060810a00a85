"""Ed25519 keys in OpenSSH's own formats.

They lie outside the work tree (`repo.paths`): nothing that a job or a colleague commits can change whom we trust.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pantheon_git.errors import PantheonError, TamperedError

ALGORITHM = b"ssh-ed25519"
_MAGIC = b"openssh-key-v1\0"


def ssh_string(data: bytes) -> bytes:
    """`string` of RFC 4251, section 5: four bytes of length, then the bytes."""
    return len(data).to_bytes(4, "big") + data


@dataclass(frozen=True)
class PublicKey:
    raw: bytes
    """The 32 bytes of RFC 8032."""

    def __reduce__(self) -> tuple[type[PublicKey], tuple[bytes]]:
        return PublicKey, (self.raw,)  # to another process; what is cached below cannot go there

    @property
    def blob(self) -> bytes:
        """Wire form (RFC 8709, section 4), what `ssh-keygen -l` hashes."""
        return ssh_string(ALGORITHM) + ssh_string(self.raw)

    @cached_property
    def key_id(self) -> str:
        """`SHA256:…`, as `ssh-keygen -l` prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)

    def line(self, comment: str = "") -> str:
        """`ssh-ed25519 BASE64 [COMMENT]`, as in a `.pub` file."""
        return f"{ALGORITHM.decode()} {base64.b64encode(self.blob).decode()} {comment}".rstrip()

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raises TamperedError when `signature` (64 bytes) was not made over `data` with this key."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature as error:
            raise TamperedError(f"the signature of {self.key_id} does not fit what it is said to sign") from error

    @classmethod
    def from_blob(cls, blob: bytes) -> PublicKey:
        """Inverse of `blob`. Raises PantheonError for any other kind of key."""
        head = ssh_string(ALGORITHM) + (32).to_bytes(4, "big")
        if not blob.startswith(head) or len(blob) != len(head) + 32:
            raise PantheonError("not an ssh-ed25519 public key", "pantheon-git keys")
        return cls(blob[len(head) :])


class Signer(Protocol):
    """What holds a private key: `cryptography`'s own, or an ssh-agent (`ssh_agent.Held`)."""

    def public_key(self) -> Ed25519PublicKey: ...

    def sign(self, data: bytes, /) -> bytes:
        """Raw Ed25519 signature, 64 bytes."""
        ...


class Key:
    """A private key that signs. Made by `generate`, `load_private` or `signing.open_key`."""

    def __init__(self, private: Signer) -> None:
        self._private = private
        self.public = PublicKey(private.public_key().public_bytes_raw())

    @property
    def key_id(self) -> str:
        return self.public.key_id

    @property
    def public_line(self) -> str:
        return self.public.line()

    def sign(self, data: bytes) -> bytes:
        """Raw Ed25519 signature, 64 bytes, deterministic (RFC 8032)."""
        return self._private.sign(data)


def generate(path: Path, comment: str = "pantheon-git", passphrase: str | None = None) -> Key:
    """A new pair: `path` (mode 0600, under `passphrase` if given) and `path.pub`. PantheonError when it exists: never
    overwritten."""
    private = Ed25519PrivateKey.generate()
    key = Key(private)
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, _encryption(passphrase)
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_new(path, text, 0o600)
    _write_new(path.with_name(path.name + ".pub"), (key.public.line(comment) + "\n").encode(), 0o644)
    return key


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except FileExistsError as error:
        raise PantheonError(f"{path} exists; a key is never overwritten", "pantheon-git keys") from error
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)  # whatever the umask is
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


class LockedKeyError(PantheonError):
    """The private key is under a passphrase that was not given, or not rightly."""


def load_private(path: Path, passphrase: str | None = None) -> Key:
    """The key in `path`. LockedKeyError when it is under a passphrase other than the given one, else PantheonError
    when it is absent, open to others, or no Ed25519 key."""
    data = _private_bytes(path)
    locked = is_locked(data)
    if locked and passphrase is None:
        raise LockedKeyError(f"{path} is under a passphrase", "pantheon-git keys agent SOCKET")
    try:
        private = serialization.load_ssh_private_key(data, passphrase.encode() if locked and passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if locked:
            raise LockedKeyError(f"that is not the passphrase of {path}", "try again") from error
        raise PantheonError(f"{path} is no private key that can be read here: {error}", "pantheon-git keys") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise PantheonError(f"{path} is no Ed25519 key", f"ssh-keygen -t ed25519 -N '' -f {path}")
    return Key(private)


def protect(path: Path, passphrase: str | None, old: str | None = None) -> None:
    """Put the key in `path` under `passphrase`, or (None) take it off; `old`: the one that it is under now. The file
    is replaced as a whole, so that a kill leaves one or the other."""
    private = load_private(path, old)._private
    assert isinstance(private, Ed25519PrivateKey)  # noqa: S101 - load_private says so
    data = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, _encryption(passphrase)
    )
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write_new(fresh, data, 0o600)
    fresh.replace(path)


def is_locked(data: bytes) -> bool:
    """Whether an OpenSSH private key names a cipher (PROTOCOL.key: magic, then `string ciphername`)."""
    try:
        raw = base64.b64decode(b"".join(data.split(b"-----")[2].split()))
    except (IndexError, ValueError):
        return False
    return raw.startswith(_MAGIC) and not raw.startswith(_MAGIC + ssh_string(b"none"))


def _private_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise PantheonError(f"no signing key: {path}: {error.strerror}", "pantheon-git init") from error
    if stat.S_IMODE(mode) & 0o077:
        raise PantheonError(f"{path} is open to others (mode {stat.S_IMODE(mode):04o})", f"chmod 600 {path}")
    return data


def _encryption(passphrase: str | None) -> serialization.KeySerializationEncryption:
    if passphrase is None:
        return serialization.NoEncryption()
    return serialization.BestAvailableEncryption(passphrase.encode())


def load_public(path: Path) -> PublicKey:
    """The key in a `.pub` file."""
    try:
        fields = path.read_text("utf-8").split()
        return PublicKey.from_blob(base64.b64decode(fields[1], validate=True))
    except (OSError, ValueError, IndexError) as error:
        raise PantheonError(f"{path} holds no public key that can be read: {error}", "pantheon-git keys") from error
