"""Front matter edits: the smallest change, or none."""

from __future__ import annotations

import pytest

from pantheon_git.tools.frontmatter.document import parse
from pantheon_git.tools.frontmatter.edit import apply
from pantheon_git.tools.protocol import ToolError

NEW = {"title": "A title", "description": "What it says", "tags": ["one", "two"]}


def edited(raw: bytes, changes: dict[str, object], **options: bool) -> bytes:
    return apply(parse(raw), changes, **options)  # type: ignore[arg-type]


def test_a_document_without_front_matter_gets_one_before_its_untouched_body() -> None:
    """The three keys in order, a blank line, then every byte of the body."""
    assert edited(b"# Hello\n\nText", NEW) == (
        b"---\ntitle: A title\ndescription: What it says\ntags: [one, two]\n---\n\n# Hello\n\nText"
    )


def test_only_the_missing_line_is_added_and_comments_stay_where_they_are() -> None:
    """Every old line is still there, in order, byte for byte."""
    raw = b"---\n# about\ntitle: 'Old'  # why\n\n# order\nweight: 010\ndate: 2020-1-1\n---\nBody\n"
    assert edited(raw, {"description": "New words"}) == raw.replace(b"# why\n", b"# why\ndescription: New words\n")


def test_an_empty_value_is_filled_in_its_own_line() -> None:
    """`description:` with a comment keeps the comment."""
    raw = b"---\ntitle: ''\ndescription:   # soon\nx: 1\n---\n"
    assert edited(raw, {"title": "T", "description": "D"}) == b"---\ntitle: T\ndescription: D # soon\nx: 1\n---\n"


def test_crlf_files_stay_crlf() -> None:
    """No line feed without its carriage return appears."""
    out = edited(b"---\r\na: b\r\n---\r\nBody\r\n", NEW)
    assert out.count(b"\n") == out.count(b"\r\n") == 7


@pytest.mark.parametrize(
    "raw",
    [
        b"---\ntitle: [unclosed\n---\nBody\n",
        b"---\ntitle: never closed\n\nBody\n",
        b"---\na: 1\na: 2\n---\nBody\n",
        b"+++\nx = \n+++\nBody\n",
        b'{\n"a": 1,\n"a": 2\n}\nBody\n',
        b"---\n- a\n- b\n---\nBody\n",
        b"---\n{title: flow}\n---\nBody\n",
    ],
)
def test_what_is_doubtful_is_refused(raw: bytes) -> None:
    """Malformed, unclosed, duplicate or unusual front matter is not written to."""
    with pytest.raises(ToolError) as refusal:
        edited(raw, NEW)
    assert refusal.value.code == "refused"
    assert refusal.value.message


def test_toml_stays_toml_and_keeps_its_comments() -> None:
    """New keys go to the top level, before any table."""
    raw = b'+++\n# hi\ntitle = "Old" # t\nweight = 1\n[extra]\nx = 2\n+++\nBody\n'
    assert edited(raw, {"description": 'Say "x"', "tags": ["a"]}) == raw.replace(
        b"# t\n", b'# t\ntags = ["a"]\ndescription = "Say \\"x\\""\n'
    ) or edited(raw, {"description": 'Say "x"', "tags": ["a"]}) == raw.replace(
        b"# t\n", b'# t\ndescription = "Say \\"x\\""\ntags = ["a"]\n'
    )


def test_json_stays_json() -> None:
    """The new pair takes the indentation of its neighbours."""
    raw = b'{\n    "title": "Old",\n    "weight": 1.50\n}\n\nBody\n'
    assert edited(raw, {"description": "D"}) == raw.replace(b'"Old",', b'"Old",\n    "description": "D",')


def test_toml_becomes_yaml_on_request_with_its_comments() -> None:
    """Same values, same order, comments kept."""
    raw = b'+++\n# hi\ntitle = "Yes" # t\nday = 2020-01-02\n[extra]\nx = [1, 2.5]\n+++\nBody\n'
    assert edited(raw, {"description": "D"}, to_yaml=True) == (
        b"---\n# hi\ntitle: 'Yes' # t\ndescription: D\nday: 2020-01-02\nextra:\n  x: [1, 2.5]\n---\nBody\n"
    )
