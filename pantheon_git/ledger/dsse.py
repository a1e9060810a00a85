"""DSSE envelopes with one Ed25519 signature (https://github.com/secure-systems-lab/dsse, v1.0.2)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from pantheon_git.errors import TamperedError
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.trust import NIGHT, Role, TrustedKeys

IN_TOTO = "application/vnd.in-toto+json"
"""Payload type of in-toto statements (in-toto attestation v1, envelope.md)."""


@dataclass(frozen=True)
class Envelope:
    payload: bytes
    payload_type: str
    key_id: str
    signature: bytes

    def to_bytes(self) -> bytes:
        """The one way in which an envelope is written: one line of JSON with a newline behind it."""
        return (
            f'{{"payload":"{_b64(self.payload)}","payloadType":{json.dumps(self.payload_type)},'
            f'"signatures":[{{"keyid":{json.dumps(self.key_id)},"sig":"{_b64(self.signature)}"}}]}}\n'
        ).encode()


def sign(key: Key, payload: bytes, payload_type: str = IN_TOTO) -> bytes:
    """The envelope around `payload`."""
    return Envelope(payload, payload_type, key.key_id, key.sign(pae(payload_type, payload))).to_bytes()


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding (DSSE protocol, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def parse(envelope: bytes) -> Envelope:
    """Read without checking the signature. Raises TamperedError when a byte is not as `to_bytes` writes it, so that no
    change of an envelope's bytes, however harmless its meaning, goes unseen.
    """
    try:
        raw = json.loads(envelope)
        (one,) = raw["signatures"]
        parts = (base64.b64decode(raw["payload"], validate=True), raw["payloadType"], one["keyid"])
        found = Envelope(*parts, base64.b64decode(one["sig"], validate=True))
        same = found.to_bytes() == envelope
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise TamperedError(f"not a DSSE envelope that can be read: {type(error).__name__}: {error}") from error
    if not same:
        raise TamperedError("the envelope is not written as it was signed")
    return found


def verify(envelope: bytes, keys: TrustedKeys, expected_type: str = IN_TOTO, role: Role = NIGHT) -> bytes:
    """The payload, signed by a key trusted as `role`. Raises TamperedError otherwise. Parse these very bytes."""
    return verified(envelope, keys, expected_type, role).payload


def verified(envelope: bytes, keys: TrustedKeys, expected_type: str = IN_TOTO, role: Role = NIGHT) -> Envelope:
    """As `verify`, and returns the whole envelope."""
    found = parse(envelope)
    if found.payload_type != expected_type:
        raise TamperedError(f"payload of type {found.payload_type}, not {expected_type}")
    keys.require(found.key_id, role).verify(found.signature, pae(found.payload_type, found.payload))
    return found


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
