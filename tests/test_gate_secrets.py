"""What looks like a secret, and what in ordinary documents does not. No string here is one: they are put together."""

from __future__ import annotations

import random
import string

import pytest

from pantheon_git.gate.lines import is_binary, line_diff
from pantheon_git.spec.secrets import entropy, find_secrets, looks_like

RNG = random.Random(7)


def chars(alphabet: str, length: int) -> str:
    return "".join(RNG.choice(alphabet) for _ in range(length))


ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + "234567"
SECRETS = {
    "AWS access key": "aws_access_key_id = AKIA" + chars(UPPER, 16),
    "GitHub token": "use ghp_" + chars(ALNUM, 36) + " to push",
    "GitLab token": "glpat-" + chars(ALNUM, 20),
    "Slack token": "xoxb-" + chars(string.digits, 12) + "-" + chars(ALNUM, 24),
    "Slack webhook": "https://hooks.slack.com/services/T"
    + chars(UPPER, 8)
    + "/B"
    + chars(UPPER, 8)
    + "/"
    + chars(ALNUM, 24),
    "Google API key": "key=AIza" + chars(ALNUM, 35),
    "Stripe live key": "sk_live_" + chars(ALNUM, 24),
    "npm token": "//registry.npmjs.org/:_authToken=npm_" + chars(ALNUM, 36),
    "Anthropic key": "sk-ant-" + chars(ALNUM, 40),
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "value that looks like a secret": "password: " + chars(ALNUM, 24) + "7a1B2",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_shapes_are_found_by_name(kind: str) -> None:
    """Each documented shape is found, in the middle of a line too."""
    assert looks_like(SECRETS[kind]) == kind


@pytest.mark.parametrize("name", ["api_key", "SECRET", "client-secret", "authToken", "passwd", "access_key"])
@pytest.mark.parametrize("form", ['{0} = "{1}"', "{0}: {1}", '"{0}": "{1}",', "{0}={1}", "{0} => '{1}'"])
def test_random_values_in_assignments(name: str, form: str) -> None:
    """Of random values of 24 letters and digits most are caught, in the usual ways to write an assignment."""
    hits = sum(bool(looks_like(form.format(name, chars(ALNUM, 24)))) for _ in range(40))
    assert hits >= 30


@pytest.mark.parametrize(
    "line",
    [
        "Set the `API_KEY` environment variable to your key.",
        "api_key: YOUR_API_KEY_GOES_HERE_1234",
        "token: ${{ secrets.GITHUB_TOKEN }}",
        "password = os.environ['DATABASE_PASSWORD_2']",
        "export AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7EXAMPLE",
        "secret: <your-client-secret-goes-here-123>",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "Key: value pairs are separated by a colon, see section 4.2.1 for details",
        "key: docs/reference/api-key-authentication-v2.md",
        "keywords: authentication, tokens, passwords, secrets",
        "primary_key = models.AutoField(primary_key=True)",
        "nid_key = self._lib.NID_aes_256_cbc",
        "sort_key: publishedAtDescending2024",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "files that begin with '-----BEGIN OPENSSH " + "PRIVATE KEY-----' are keys",
        "token: https://example.com/path/to/token-service/v2",
        "password: correct-horse-battery-staple",
        "tokenizer: sentencepiece-bpe-32000-multilingual",
    ],
)
def test_ordinary_documents_are_left_alone(line: str) -> None:
    """Placeholders, names, links, digests and prose about keys are no secrets."""
    assert looks_like(line) == ""


def test_a_key_that_is_left_out_is_only_shown() -> None:
    """A key block in a document with dots in place of the key is no key; with one, the header's line is named."""
    head = b"-----BEGIN PRIVATE " + b"KEY-----"
    assert list(find_secrets([b"x", head, b"...", b"y"])) == []
    assert list(find_secrets([b"x", head, chars(ALNUM, 64).encode()])) == [(2, "private key")]
    assert list(find_secrets([head])) == [(1, "private key")]


def test_entropy() -> None:
    """Bits per character: none for one letter, two for four alike."""
    assert entropy("aaaa") == 0
    assert entropy("abcdabcd") == 2


@pytest.mark.parametrize(
    ("old", "new", "added", "removed"),
    [
        (b"", b"", (), 0),
        (b"", b"a\nb", (b"a", b"b"), 0),
        (b"a\nb\n", b"a\nb\n", (), 0),
        (b"a\nb\nc\n", b"a\nx\nc\n", (b"x",), 1),
        (b"a\nb\nc\n", b"c\n", (), 2),
        (b"a\na\na\n", b"a\n", (), 2),
        (b"a\nb\n", b"b\na\n", (b"a",), 1),
    ],
)
def test_lines_are_counted_as_git_does(old: bytes, new: bytes, added: tuple[bytes, ...], removed: int) -> None:
    """Added lines come back, removed ones are counted; a missing last newline is no line."""
    found = line_diff(old, new)
    assert (len(found.added), found.removed) == (len(added), removed)
    assert found.size == len(added) + removed


def test_long_files_do_not_take_minutes() -> None:
    """Two files of 20,000 lines without a line in common are compared in a moment; a NUL makes a file binary."""
    old = b"".join(b"old %d\n" % (n % 50) for n in range(20_000))
    new = b"".join(b"new %d\n" % (n % 50) for n in range(20_000))
    assert line_diff(old, new).size == 40_000
    assert is_binary(b"a\0")
    assert not is_binary(b"a" * 8000 + b"\0")
