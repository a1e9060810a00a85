"""Keys, trust, SSH signatures and DSSE envelopes, beside ssh-keygen where it is installed."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import dsse, sshsig
from pantheon_git.ledger.keys import LockedKeyError, PublicKey, generate, load_private, load_public, protect
from pantheon_git.ledger.trust import NIGHT, PERSON, TrustedKeys, trust

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen: apt install openssh-client")


def ssh_keygen(*args: str, data: bytes = b"") -> bytes:
    return subprocess.run(["ssh-keygen", *args], input=data, capture_output=True, check=True).stdout


def test_a_generated_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask, a .pub beside it, and a second `generate` refuses."""
    path = tmp_path / "keys" / "night"
    key = generate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_private(path).key_id == load_public(path.with_name("night.pub")).key_id == key.key_id
    with pytest.raises(PantheonError, match="never overwritten"):
        generate(path)


def test_a_key_open_to_others_is_refused(tmp_path: Path) -> None:
    """As ssh does; the hint is the command that mends it."""
    generate(tmp_path / "k")
    (tmp_path / "k").chmod(0o640)
    with pytest.raises(PantheonError, match="open to others") as caught:
        load_private(tmp_path / "k")
    assert caught.value.hint == f"chmod 600 {tmp_path / 'k'}"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    """Never a traceback."""
    (tmp_path / "k").write_bytes(content)
    (tmp_path / "k").chmod(0o600)
    with pytest.raises(PantheonError, match="no private key"):
        load_private(tmp_path / "k")
    with pytest.raises(PantheonError, match="no signing key"):
        load_private(tmp_path / "absent")


@needs_ssh_keygen
def test_ssh_keygen_reads_our_keys_and_we_read_its(tmp_path: Path) -> None:
    """Same fingerprint both ways; a key under a passphrase asks for it, and each opens what the other has locked."""
    key = generate(tmp_path / "ours")
    assert key.key_id in ssh_keygen("-l", "-f", str(tmp_path / "ours")).decode()
    ssh_keygen("-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "its"))
    assert load_private(tmp_path / "its").key_id in ssh_keygen("-l", "-f", str(tmp_path / "its.pub")).decode()
    ssh_keygen("-q", "-t", "ed25519", "-N", "secret words", "-f", str(tmp_path / "locked"))
    with pytest.raises(LockedKeyError, match="under a passphrase"):
        load_private(tmp_path / "locked")
    with pytest.raises(LockedKeyError, match="not the passphrase"):
        load_private(tmp_path / "locked", "other words")
    locked = load_private(tmp_path / "locked", "secret words")
    assert locked.key_id in ssh_keygen("-l", "-f", str(tmp_path / "locked.pub")).decode()
    protect(tmp_path / "locked", "new words", old="secret words")
    assert (tmp_path / "locked").stat().st_mode & 0o777 == 0o600
    assert b"ssh-ed25519" in ssh_keygen("-y", "-P", "new words", "-f", str(tmp_path / "locked"))
    protect(tmp_path / "locked", None, old="new words")
    assert load_private(tmp_path / "locked").key_id == locked.key_id
    ssh_keygen("-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "other"))
    with pytest.raises(PantheonError, match="no Ed25519 key"):
        load_private(tmp_path / "other")


@needs_ssh_keygen
def test_ssh_keygen_accepts_our_signature(tmp_path: Path) -> None:
    """`ssh-keygen -Y verify` says good for our data and namespace."""
    key = generate(tmp_path / "k")
    trust(tmp_path / "allowed", key.public, (NIGHT, PERSON))
    (tmp_path / "sig").write_text(sshsig.sign(key, b"some data"))
    args = ("-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", NIGHT, "-n", "git", "-s", str(tmp_path / "sig"))
    assert b"Good" in ssh_keygen(*args, data=b"some data")
    with pytest.raises(subprocess.CalledProcessError):
        ssh_keygen(*args, data=b"other data")


@needs_ssh_keygen
def test_we_accept_the_signature_of_ssh_keygen(tmp_path: Path) -> None:
    """Both write the very same bytes, Ed25519 being deterministic."""
    key = generate(tmp_path / "k")
    (tmp_path / "data").write_bytes(b"some data")
    ssh_keygen("-Y", "sign", "-q", "-f", str(tmp_path / "k"), "-n", "git", str(tmp_path / "data"))
    theirs = (tmp_path / "data.sig").read_text()
    assert theirs == sshsig.sign(key, b"some data")
    assert sshsig.verify(theirs, b"some data") == key.public


def test_every_changed_byte_of_a_signature_is_found(tmp_path: Path) -> None:
    """Armor, magic, namespace, padding bits, white space: nothing may differ."""
    key = generate(tmp_path / "k")
    armor = sshsig.sign(key, b"data")
    for place in range(len(armor)):
        for other in "A\n =zé":
            if armor[place] != other:
                with pytest.raises(TamperedError):
                    sshsig.verify(armor[:place] + other + armor[place + 1 :], b"data")
    with pytest.raises(TamperedError):
        sshsig.verify(armor, b"data", "file")


def test_every_changed_byte_of_an_envelope_is_found(tmp_path: Path) -> None:
    """Also where JSON or base64 would mean the same: white space, order of keys, unused bits."""
    key = generate(tmp_path / "k")
    trust(tmp_path / "allowed", key.public, (NIGHT,))
    keys = TrustedKeys.load(tmp_path / "allowed")
    envelope = dsse.sign(key, b'{"a": 1}')
    assert dsse.verify(envelope, keys) == b'{"a": 1}'
    for place in range(len(envelope)):
        for other in (0, 32, 61, envelope[place] ^ 1, envelope[place] ^ 32):
            if envelope[place] != other:
                with pytest.raises(TamperedError):
                    dsse.verify(envelope[:place] + bytes([other]) + envelope[place + 1 :], keys)
    again = json.dumps(json.loads(envelope)).encode()
    with pytest.raises(TamperedError, match="not written as it was signed"):
        dsse.verify(again, keys)


def test_an_envelope_follows_the_dsse_specification(tmp_path: Path) -> None:
    """The pre-authentication encoding is the example of the DSSE protocol page; fields are those of envelope.md."""
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    key = generate(tmp_path / "k")
    raw = json.loads(dsse.sign(key, b"x"))
    assert raw.keys() == {"payload", "payloadType", "signatures"}
    assert base64.b64decode(raw["payload"]) == b"x"
    key.public.verify(base64.b64decode(raw["signatures"][0]["sig"]), dsse.pae(raw["payloadType"], b"x"))


def test_the_wrong_type_or_key_or_role_is_refused(tmp_path: Path) -> None:
    """Each with the reason."""
    key, other = generate(tmp_path / "k"), generate(tmp_path / "o")
    trust(tmp_path / "allowed", key.public, (NIGHT,))
    keys = TrustedKeys.load(tmp_path / "allowed")
    with pytest.raises(TamperedError, match="payload of type"):
        dsse.verify(dsse.sign(key, b"x", "text/plain"), keys)
    with pytest.raises(TamperedError, match="unknown key SHA256:"):
        dsse.verify(dsse.sign(other, b"x"), keys)
    with pytest.raises(TamperedError, match="not trusted as pantheon-person"):
        dsse.verify(dsse.sign(key, b"x"), keys, role=PERSON)


def test_trust_reads_the_format_of_openssh(tmp_path: Path) -> None:
    """Comments, several principals, options, other key types; validity counts at the time of signing."""
    key = generate(tmp_path / "k")
    times = 'namespaces="git",valid-after="20260101Z",valid-before="20270101000000Z"'
    text = "\n".join(
        [
            "# people",
            "",
            "someone ssh-rsa AAAAB3NzaC1yc2E",
            f"* cert-authority {key.public.line()}",
            f'pantheon-night namespaces="file" {key.public.line()}',
            f"pantheon-*,ada@example.org {times} {key.public.line('a comment')}",
        ]
    )
    keys = TrustedKeys.parse(text, "list")
    assert len(keys.entries) == 1
    assert keys.require(key.key_id, NIGHT, 1_780_000_000) == key.public
    with pytest.raises(TamperedError, match="valid only after 2026-01-01T00:00:00Z"):
        keys.require(key.key_id, PERSON, 1_700_000_000)
    with pytest.raises(TamperedError, match="valid only before"):
        keys.require(key.key_id, PERSON, 1_800_000_000)


@pytest.mark.parametrize("text", ["", "# nobody\n", "someone ssh-rsa AAAA\n"])
def test_an_empty_trust_list_fails(text: str) -> None:
    """An empty policy must never verify anything."""
    with pytest.raises(PantheonError, match="nothing can be verified"):
        TrustedKeys.parse(text, "list")


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    """File and line; a list that cannot be read is no list."""
    with pytest.raises(PantheonError, match="list:2: not a line"):
        TrustedKeys.parse("# x\nnonsense\n", "list")
    with pytest.raises(PantheonError, match="no list of trusted keys"):
        TrustedKeys.load(tmp_path / "absent")


def test_trust_adds_a_line_once(tmp_path: Path) -> None:
    """Asked twice, one line; other lines stay."""
    one, two = generate(tmp_path / "a").public, generate(tmp_path / "b").public
    path = tmp_path / "trust" / "allowed_signers"
    assert trust(path, one, (NIGHT, PERSON))
    assert trust(path, two, (PERSON,))
    assert not trust(path, one, (NIGHT, PERSON))
    assert len(path.read_text().splitlines()) == 2
    with pytest.raises(PantheonError):
        PublicKey.from_blob(b"short")
