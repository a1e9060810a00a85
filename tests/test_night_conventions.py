"""Tags in use are read from plain lines; hostile documents cost nothing and break nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon_git.night.conventions import tags_of


@pytest.mark.parametrize(
    ("head", "tags"),
    [
        (b"---\ntitle: x\ntags: [git, 'local first', \"ci\"]\n---\n", {"git", "local first", "ci"}),
        (b"---\r\ntags:\r\n  - git\r\n  - ci\r\nx: 1\r\n---\r\n", {"git", "ci"}),
        (b"---\ntags:\n- a-b\n- c\n---\n", {"a-b", "c"}),
        (b'+++\ntags = ["one", "two"]\n+++\n', {"one", "two"}),
        (b"\xef\xbb\xbf---\ntags: [bom]\n---\n", {"bom"}),
        (b"# no front matter\ntags: [x]\n---\n", set()),
        (b"---\ntags: [open\n", set()),
        (b"---\ntags: [&a !!python/object:os.system, ok]\n---\n", {"ok"}),
    ],
)
def test_examples(head: bytes, tags: set[str]) -> None:
    """Flow and block lists of YAML and arrays of TOML, whatever the line ends."""
    assert tags_of(head) == tags


@given(st.binary(max_size=200).map(lambda b: b"---\ntags:" + b))
def test_no_document_breaks_it(head: bytes) -> None:
    """Any bytes give a set of short words."""
    assert all(0 < len(tag) <= 40 for tag in tags_of(head))
