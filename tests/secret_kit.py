"""Strings that look like secrets, drawn anew each time, and the ways in which programs disguise what they write.

None is a real one, and none stands here whole: each is put together from its shape and a seeded chance.
"""

from __future__ import annotations

import base64
import json
import random
import string
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
B64 = ALNUM + "+/"
BECH = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

Make = Callable[[random.Random], str]


def _of(alphabet: str, length: int) -> Make:
    return lambda chance: "".join(chance.choice(alphabet) for _ in range(length))


def _join(*parts: str | Make) -> Make:
    return lambda chance: "".join(part if isinstance(part, str) else part(chance) for part in parts)


def _key(word: str) -> Make:
    def make(chance: random.Random) -> str:
        body = "\n".join(_of(B64, 64)(chance) for _ in range(5))
        return f"-----BEGIN {word}PRIVATE " + f"KEY-----\n{body}\n-----END {word}PRIVATE " + "KEY-----"

    return make


def _jwt(chance: random.Random) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": _of(string.digits, 10)(chance), "iat": 1516239022}]
    head = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{_of(ALNUM + '-_', 43)(chance)}"


def _value(chance: random.Random) -> str:
    """One that the documented rule on entropy catches: letters and digits by turns, none twice."""
    letters, digits = chance.sample("bcdfghjklmnpqrtvwz", 12), chance.sample("23456789", 8)
    return "".join(a + b for a, b in zip(letters, digits * 2, strict=False))


KINDS: dict[str, Make] = {
    "AWS access key": _join("AKIA", _of(UPPER, 16)),
    "GitHub token": _join("gh", "p_", _of(ALNUM, 36)),
    "GitHub fine-grained": _join("github", "_pat_", _of(ALNUM, 22), "_", _of(ALNUM, 59)),
    "GitLab token": _join("gl", "pat-", _of(ALNUM, 20)),
    "Slack token": _join("xo", "xb-", _of(string.digits, 12), "-", _of(ALNUM, 24)),
    "Slack webhook": _join("https://hooks.slack", ".com/services/T", _of(UPPER, 8), "/B", _of(UPPER, 8), "/",
                           _of(ALNUM, 24)),
    "Google API key": _join("AI", "za", _of(ALNUM, 35)),
    "Google OAuth secret": _join("GOC", "SPX-", _of(ALNUM, 28)),
    "Stripe live key": _join("sk_", "live_", _of(ALNUM, 24)),
    "npm token": _join("np", "m_", _of(ALNUM, 36)),
    "PyPI token": _join("pypi-AgEIcHlwaS5", "vcmc", _of(ALNUM, 80)),
    "Anthropic key": _join("sk-", "ant-", _of(ALNUM, 40)),
    "OpenAI key": _join("sk-", "proj-", _of(ALNUM, 24), "T3Blbk", "FJ", _of(ALNUM, 24)),
    "Hugging Face token": _join("h", "f_", _of(string.ascii_letters, 34)),
    "SendGrid key": _join("S", "G.", _of(ALNUM, 22), ".", _of(ALNUM, 43)),
    "DigitalOcean token": _join("dop", "_v1_", _of(HEX, 64)),
    "Shopify token": _join("shp", "at_", _of(HEX, 32)),
    "Telegram token": _join(_of("123456789", 9), ":A", "A", _of(ALNUM, 33)),
    "Docker token": _join("dckr", "_pat_", _of(ALNUM, 27)),
    "Azure storage key": _join("Account", "Key=", _of(B64, 86), "=="),
    "age key": _join("AGE-SECRET", "-KEY-1", _of(BECH, 58)),
    "JSON web token": _jwt,
    "credentials in a URL": lambda chance: f"postgres://app:{_value(chance)}@db.internal/main",
    "value in an assignment": lambda chance: f"db_password = {_value(chance)}",
    "private key": _key("RSA "),
    "OpenSSH private key": _key("OPENSSH "),
}  # fmt: skip

Disguise = Callable[[str], str]
DISGUISES: dict[str, Disguise] = {
    "plain": lambda text: f"before {text} after",
    "JSON": lambda text: json.dumps({"stdout": f"a\n{text}\nb", "n": [1, text]}),
    "JSON in JSON": lambda text: json.dumps({"call": json.dumps({"args": json.dumps([f"x {text}"])})}),
    "unicode escapes": lambda text: '{"a": "' + "".join(f"\\u{ord(char):04x}" for char in text) + '"}',
    "C escapes": lambda text: "b'" + "".join(f"\\x{ord(char):02x}" for char in text) + "'",
    "base64": lambda text: base64.b64encode(f"export X\n{text}\n".encode()).decode(),
    "base64 of another beginning": lambda text: "data:," + base64.b64encode(b"z " + text.encode()).decode(),
    "base64 lines": lambda text: base64.encodebytes(f"# file\n{text}\n".encode() * 2).decode(),
    "base64 lines in a diff": lambda text: textwrap.indent(
        base64.encodebytes(f"# a file\n{text}\n".encode() * 2).decode(), "+"
    ),
    "base64 in JSON": lambda text: json.dumps({"before": base64.encodebytes(f"{text}\n".encode() * 2).decode()}),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(f"k: {text}\n".encode())).decode(),
    "hex": lambda text: f"k: {text}".encode().hex(),
    "URL": lambda text: f"https://example.org/?q={quote(text, safe='')}",
    "diff": lambda text: "@@ -1 +1,9 @@\n" + textwrap.indent(text, "+"),
    "quoted": lambda text: textwrap.indent(text, "> "),
    "UTF-16": lambda text: f"x {text}".encode("utf-16-le").decode("latin-1"),
}


def main(words: list[str]) -> None:
    """`python -m tests.secret_kit DOCS.jsonl`: how many ordinary documents (key `body`) something is taken out of, and
    how many planted secrets are missed."""
    from pantheon_git.ledger.redact import Redactor

    bodies = [str(json.loads(line)["body"]) for line in Path(words[0]).read_text("utf-8").splitlines()]
    hits = sum(Redactor().learn([body.encode()]) for body in bodies)
    chance, missed, planted = random.Random(0), 0, 0
    for make in KINDS.values():
        for disguise in DISGUISES.values():
            for _ in range(10):
                text = f"{chance.choice(bodies)}\n{disguise(make(chance))}\n".encode("utf-8", "replace")
                planted += 1
                missed += not Redactor().learn([text[-20_000:]])
    print(f"{hits} of {len(bodies)} documents touched; {missed} of {planted} planted secrets missed "  # noqa: T201
          f"({len(KINDS)} kinds, {len(DISGUISES)} disguises)")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
