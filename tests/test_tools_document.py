"""Reading: which kind of front matter it is, and where."""

from __future__ import annotations

import pytest

from pantheon_git.tools.frontmatter.document import parse
from pantheon_git.tools.frontmatter.yamltext import Scalar
from pantheon_git.tools.protocol import ToolError


@pytest.mark.parametrize(
    ("raw", "kind", "body"),
    [
        (b"", "none", ""),
        (b"# Hello\n", "none", "# Hello\n"),
        (b"---\na: b\n---\nBody", "yaml", "Body"),
        (b"---  \na: b\n---\t\nBody", "yaml", "Body"),
        (b"---\n---\nBody", "yaml", "Body"),
        (b"---\na: b\n...\nBody", "yaml", "Body"),
        (b"\n\n---\ntitle: a\ndate: 2020-01-01\n---\nBody", "yaml", "Body"),
        (b"+++\na = 1\n+++\nBody", "toml", "Body"),
        (b'{"a": 1}\n\nBody', "json", "\nBody"),
        (b"{% include x %}\n", "none", "{% include x %}\n"),
        (b"{{< x >}}\n", "none", "{{< x >}}\n"),
        (b"---\n\nA rule above.\n", "rule", "---\n\nA rule above.\n"),
        (b"---\nprose between rules\n---\nBody", "rule", "---\nprose between rules\n---\nBody"),
        (b"----\na: b\n----\n", "none", "----\na: b\n----\n"),
    ],
)
def test_kind_and_body(raw: bytes, kind: str, body: str) -> None:
    """Each kind is told by its delimiters, and the body starts right behind them."""
    doc = parse(raw)
    assert (doc.kind, doc.body) == (kind, body)
    assert doc.encode(doc.text) == raw


@pytest.mark.parametrize(
    ("raw", "kind", "reason"),
    [
        (b"---\ntitle: a\n\nBody\n", "unclosed", "never closed"),
        (b"+++\na = 1\nBody\n", "unclosed", "never closed"),
        (b"---\na: 1\na: 2\n---\n", "malformed", "'a' appears twice"),
        (b"---\nm:\n  a: 1\n  a: 2\n---\n", "malformed", "twice"),
        (b"---\n- a\n---\n", "malformed", "list"),
        (b"---\na: [b\n---\n", "malformed", "YAML"),
        (b'{"a": 1, "a": 2}\n', "malformed", "twice"),
        (b'{"a": NaN}\n', "malformed", "not JSON"),
        (b"---\nThis is a sentence of prose: not a key\n---\n", "malformed", "metadata"),
    ],
)
def test_what_cannot_be_read_says_why(raw: bytes, kind: str, reason: str) -> None:
    """Never an exception: a kind that is not written to, and a reason for the person."""
    doc = parse(raw)
    assert doc.kind == kind
    assert reason in doc.reason


def test_aliases_cannot_make_it_endless() -> None:
    """Nine lines of aliases stand for a thousand million values: refused, at once."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    doc = parse(("---\n" + "\n".join(lines) + "\n---\n").encode())
    assert doc.kind == "malformed"
    assert "too large" in doc.reason


@pytest.mark.parametrize("depth", [50, 5000])
def test_deep_nesting_is_malformed_and_no_crash(depth: int) -> None:
    """Neither YAML nor JSON nor TOML can exhaust the stack."""
    for raw in (f"---\na: {'[' * depth}{']' * depth}\n---\n", f"+++\na = {'[' * depth}{']' * depth}\n+++\n"):
        assert parse(raw.encode()).kind in ("malformed", "toml")
    assert parse(('{"a":' * depth + "1" + "}" * depth + "\n").encode()).kind in ("malformed", "json")


def test_only_faults_with_one_reading_are_mended_and_named() -> None:
    """A tab before a comment, a template or a colon in a plain value; the words stay the same."""
    doc = parse(b"---\nweight: 1\t# c\nimage: {{ site.url }}/a.png\ntitle: Now: with colons\n---\n")
    assert doc.values == {
        "weight": Scalar("int", "1"),
        "image": "{{ site.url }}/a.png",
        "title": "Now: with colons",
    }
    assert len(doc.repairs) == 3


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252"])
def test_other_encodings_are_read_when_they_are_sure(encoding: str) -> None:
    """UTF-16 by its mark, Western by being almost all ASCII; both come back byte for byte."""
    text = "---\ntitle: Café au lait\n---\nThe café serves coffee.\n"
    raw = ("" if encoding == "cp1252" else "\ufeff").encode(encoding) + text.encode(encoding)
    doc = parse(raw)
    assert doc.encoding == encoding
    assert doc.values["title"] == "Café au lait"
    assert doc.encode(doc.text) == raw


@pytest.mark.parametrize("raw", [b"\x00\x01\x02", bytes(range(128, 256)), b"a\x00b", "Привет, мир".encode("cp1251")])
def test_what_is_not_text_is_refused(raw: bytes) -> None:
    """Binary files, and 8-bit encodings that cannot be told apart."""
    with pytest.raises(ToolError) as refusal:
        parse(raw)
    assert refusal.value.code == "refused"
