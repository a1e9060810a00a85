"""What steers a terminal is written out, whoever chose it; what is text stays text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon_git.cli.output import json_text, printable, table
from tests.cli_support import cli, make_repo
from tests.injection_kit import STEERS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("a\x9b31m", "a\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\rb", "a\\x0db"),
        ("caf\udce9", "caf\\xe9"),
        ("tab\tline\nÄ漢字 🐝", "tab\tline\nÄ漢字 🐝"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """Control characters of one and two bytes, marks of direction, no width, bytes that are not UTF-8."""
    assert printable(text) == shown


@given(st.text(alphabet=st.characters(), max_size=30))
def test_json_says_the_same_and_steers_nothing(text: str) -> None:
    """For any text: the JSON is read as what it was, and no byte of it steers."""
    said = json_text({"x": [text]}, indent=2)
    assert json.loads(said) == {"x": [text]}
    assert not STEERS.search(said)
    said.encode()


def test_a_cell_stays_in_its_row() -> None:
    """Neither a line break nor an escape of one cell makes another row."""
    lines = table([("a\nb", "\x1b[2Kc")], ("ONE", "TWO")).split("\n")
    assert lines == ["ONE  TWO", "a b  \\x1b[2Kc"]


def test_errors_name_hostile_files_in_writing(tmp_path: Path) -> None:
    """A queue file whose name and content are escapes is a fault on lines that steer nothing."""
    repo = make_repo(tmp_path / "r", {".pantheon/queue/x\x1b[31m.toml": 'schema = 1\n"\\u001b[2K" = "\u202e"\n'})
    done = cli(repo, "check")
    assert done.code == 1
    assert "x\\x1b[31m.toml" in done.err
    assert not STEERS.search(done.both)
