"""A key that an ssh-agent holds: the agent signs, the private key never enters this process.

Protocol: draft-ietf-sshm-ssh-agent (https://datatracker.ietf.org/doc/draft-ietf-sshm-ssh-agent/). The agent signs raw
bytes with Ed25519, so DSSE envelopes and SSHSIG signatures come out byte for byte as with the key itself.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.keys import ALGORITHM, Key, PublicKey, ssh_string

_REQUEST_IDENTITIES, _IDENTITIES_ANSWER, _SIGN_REQUEST, _SIGN_RESPONSE = 11, 12, 13, 14
_SECONDS = 20.0
"""For one answer: an agent that asks a person for each signature (`ssh-add -c`) is none for a night."""
_MOST = 1 << 20
"""Bytes of one answer."""


class AgentError(PantheonError):
    """The agent is not there, is not ours, does not hold the key, or refused to sign."""


class Agent:
    """One connection for each request: 50 µs, and the agent may be started anew in between."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def key(self, public: PublicKey) -> Key:
        """The key that signs through this agent. AgentError when the agent does not hold it."""
        if public.blob not in self.identities():
            raise AgentError(
                f"the ssh-agent at {self.path} does not hold the key {public.key_id}",
                f"SSH_AUTH_SOCK={self.path} ssh-add KEYFILE",
            )
        return Key(Held(self, public))

    def identities(self) -> list[bytes]:
        """The public keys that the agent holds, in wire form."""
        answer = self._ask(bytes([_REQUEST_IDENTITIES]), _IDENTITIES_ANSWER)
        (count,), rest, found = struct.unpack(">I", answer[:4]), answer[4:], []
        for _ in range(count):
            blob, rest = _string(rest)
            _, rest = _string(rest)  # the comment
            found.append(blob)
        return found

    def sign(self, public: PublicKey, data: bytes) -> bytes:
        """Raw Ed25519 signature, checked before it is handed on: an agent's mistake must not end up in the ledger."""
        request = bytes([_SIGN_REQUEST]) + ssh_string(public.blob) + ssh_string(data) + struct.pack(">I", 0)
        blob, _ = _string(self._ask(request, _SIGN_RESPONSE))
        kind, rest = _string(blob)
        signature, _ = _string(rest)
        if kind != ALGORITHM:
            raise AgentError(f"the ssh-agent at {self.path} signed as {kind!r}", "pantheon-git keys")
        public.verify(signature, data)
        return signature

    def _ask(self, request: bytes, expected: int) -> bytes:
        try:
            with _connect(self.path) as connection:
                connection.sendall(ssh_string(request))
                length = int.from_bytes(_read(connection, 4), "big")
                answer = _read(connection, min(length, _MOST))
        except (OSError, EOFError) as error:
            why = getattr(error, "strerror", None) or str(error) or "it hung up"
            raise AgentError(
                f"no ssh-agent answers at {self.path}: {why}", f"ssh-agent -a {self.path}, then ssh-add"
            ) from error
        if not answer or answer[0] != expected:
            raise AgentError(f"the ssh-agent at {self.path} refused", f"SSH_AUTH_SOCK={self.path} ssh-add -l")
        return answer[1:]


class Held:
    """A private key as `Key` wants it, at an agent's."""

    def __init__(self, agent: Agent, public: PublicKey) -> None:
        self._agent, self._public = agent, public

    def public_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self._public.raw)

    def sign(self, data: bytes, /) -> bytes:
        return self._agent.sign(self._public, data)


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _connect(path: Path) -> socket.socket:
    """Only an agent of this very user: another user's could sign, or not, as it pleases."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_SECONDS)
        connection.connect(str(path))
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != os.geteuid():
            raise AgentError(f"the ssh-agent at {path} belongs to user {uid}, not to you", "ssh-agent -a SOCKET")
    except BaseException:
        connection.close()
        raise
    return connection


def _string(data: bytes) -> tuple[bytes, bytes]:
    """A `string` of RFC 4251 and what follows it. AgentError when it is cut short."""
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4 + length:
        raise AgentError("the ssh-agent's answer is cut short", "pantheon-git keys")
    return data[4 : 4 + length], data[4 + length :]
