"""SSH signatures as git and `ssh-keygen -Y` make and check them, built in the process (0.2 ms against 19 ms).

Format: PROTOCOL.sshsig of OpenSSH (2020-08-28), https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
"""

from __future__ import annotations

import base64
import hashlib

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger.keys import ALGORITHM, Key, PublicKey, ssh_string

MAGIC = b"SSHSIG"
_VERSION = (1).to_bytes(4, "big")
_HASH = b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH = 70


def sign(key: Key, data: bytes, namespace: str = "git") -> str:
    """Armored signature of `data`; ends in a newline."""
    signature = ssh_string(ALGORITHM) + ssh_string(key.sign(_to_sign(data, namespace)))
    blob = _head(key.public, namespace) + ssh_string(signature)
    return _armor(blob)


def verify(armored: str, data: bytes, namespace: str = "git") -> PublicKey:
    """The key that signed `data`. Raises TamperedError when it did not, or when a byte of the armor is not as `sign`
    writes it. Says nothing about whether that key is trusted.
    """
    body = "".join(armored.removeprefix(_BEGIN).partition(_END)[0].split())
    try:
        blob = base64.b64decode(body, validate=True)
        key = PublicKey.from_blob(_first_string(blob[len(MAGIC) + len(_VERSION) :]))
    except (ValueError, PantheonError) as error:  # also what is no ASCII
        raise TamperedError(f"not an SSH signature that can be read: {error}") from error
    raw = blob[-64:]
    if armored != _armor(_head(key, namespace) + ssh_string(ssh_string(ALGORITHM) + ssh_string(raw))):
        raise TamperedError("the SSH signature is not written as it was signed")
    key.verify(raw, _to_sign(data, namespace))
    return key


def _head(key: PublicKey, namespace: str) -> bytes:
    return (
        MAGIC + _VERSION + ssh_string(key.blob) + ssh_string(namespace.encode()) + ssh_string(b"") + ssh_string(_HASH)
    )


def _to_sign(data: bytes, namespace: str) -> bytes:
    digest = hashlib.sha512(data).digest()
    return MAGIC + ssh_string(namespace.encode()) + ssh_string(b"") + ssh_string(_HASH) + ssh_string(digest)


def _first_string(data: bytes) -> bytes:
    return data[4 : 4 + int.from_bytes(data[:4], "big")]


def _armor(blob: bytes) -> str:
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return "\n".join([_BEGIN, *lines, _END]) + "\n"
