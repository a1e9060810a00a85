"""The tools of agents that change code: anchors, what a goal is about, and the task's own tests."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import Ran, ToolError, Workspace

CODE = """\
def total(prices):
    result = 0
    for price in prices:
        result -= price
    return result


def mean(prices):
    result = 0
    return total(prices) / len(prices)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(CODE)
    return tmp_path


def call(root: Path, tool: str, **arguments: Any) -> dict[str, Any]:
    return TOOLS[tool].run(Workspace(root), arguments)


def test_an_anchor_that_stands_once_is_replaced_and_nothing_else(tree: Path) -> None:
    """Called again, the tree stays as it is."""
    edit = {"path": "shop.py", "old": "        result -= price", "new": "        result += price"}
    assert call(tree, "code.edit", **edit) == {"path": "shop.py", "changed": True, "authorship": {"shop.py": "model"}}
    assert (tree / "shop.py").read_text() == CODE.replace("-=", "+=")
    assert call(tree, "code.edit", **edit)["changed"] is False
    assert (tree / "shop.py").read_text() == CODE.replace("-=", "+=")


def test_a_block_copied_without_its_indentation_is_found_and_indented_again(tree: Path) -> None:
    """So does a small model copy; white space at the ends of lines does not count either."""
    call(tree, "code.edit", path="shop.py", old="for price in prices: \n    result -= price",
         new="for price in prices:\n    result += price\n    print(result)")  # fmt: skip
    body = "    for price in prices:\n        result += price\n        print(result)\n"
    assert body in (tree / "shop.py").read_text()


@pytest.mark.parametrize(
    ("old", "code", "said"),
    [
        ("    result = 0", "ambiguous", "lines 2, 9"),
        ("    result -= prices", "no-anchor", "the nearest is: 'result -= price'"),
        ("   \n", "bad-argument", "old is empty"),
    ],
)
def test_what_could_mean_two_places_or_none_is_refused_with_the_lines(
    tree: Path, old: str, code: str, said: str
) -> None:
    """The file stays byte for byte."""
    with pytest.raises(ToolError, match=said) as refused:
        call(tree, "code.edit", path="shop.py", old=old, new="x")
    assert refused.value.code == code
    assert (tree / "shop.py").read_text() == CODE


def test_line_endings_stay_and_what_is_no_text_is_refused(tree: Path) -> None:
    """CRLF in, CRLF out, though the model writes LF."""
    (tree / "dos.py").write_bytes(CODE.replace("\n", "\r\n").encode())
    call(tree, "code.edit", path="dos.py", old="    for price in prices:\n        result -= price", new="    a\n    b")
    raw = (tree / "dos.py").read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n") == CODE.count("\n")
    (tree / "data.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToolError, match="not UTF-8"):
        call(tree, "code.edit", path="data.bin", old="a", new="b")


LINES = st.lists(st.sampled_from(["a", "  a", "b ", "\tc", "", "a = 1"]), max_size=8).map("\n".join)


@given(text=LINES, old=LINES, new=LINES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_anchor_the_rest_of_the_file_stays(tmp_path: Path, text: str, old: str, new: str) -> None:
    """Either refused and untouched, or what stands before and behind one place is as it was."""
    file = tmp_path / "f.txt"
    file.write_text(text)
    try:
        changed = call(tmp_path, "code.edit", path="f.txt", old=old, new=new)["changed"]
    except ToolError:
        assert file.read_text() == text
        return
    made = file.read_text()
    assert changed == (made != text)
    head = next(
        (at for at, pair in enumerate(zip(text, made, strict=False)) if pair[0] != pair[1]), min(map(len, (text, made)))
    )
    rest, other = text[head:][::-1], made[head:][::-1]
    tail = next(
        (at for at, pair in enumerate(zip(rest, other, strict=False)) if pair[0] != pair[1]),
        min(map(len, (rest, other))),
    )
    assert text[head : len(text) - tail].count("\n") <= old.strip("\n").count("\n")


def test_the_context_is_the_file_and_the_lines_that_the_goal_and_the_failure_name(tree: Path) -> None:
    """Names count in parts; a long file is shown around the best line, from a line that is not indented."""
    (tree / "long.py").write_text("".join(f"def other_{n}():\n    return {n}\n\n" for n in range(200)) + CODE)
    (tree / "notes.py").write_text("# nothing here\n")
    files = ["notes.py", "long.py", "gone.py"]
    found = call(tree, "code.context", goal="sum up the prices", files=files, said="in total: result")
    assert found["path"] == "long.py"
    assert found["first"] == 601
    assert found["text"].startswith("def total(prices):")
    with pytest.raises(ToolError, match="none of the files"):
        call(tree, "code.context", goal="x", files=["gone.py"])


def test_search_finds_lines_as_they_are_written(tree: Path) -> None:
    """With path and number; a text, never a pattern."""
    assert call(tree, "code.search", text="result -=", files=["shop.py"]) == {
        "found": ["shop.py:4: result -= price"], "total": 1,
    }  # fmt: skip
    assert call(tree, "code.search", text=".*", files=["shop.py"])["total"] == 0


def test_the_tests_run_in_the_jail_alone_and_their_failure_is_shown(tree: Path) -> None:
    """Up to the first command that fails. A plain process plays the jail here, which has tests of its own."""
    with pytest.raises(ToolError, match="only inside a jail"):
        call(tree, "code.test", commands=["true"])

    def run(argv: Any, env: Any, seconds: float) -> Ran:
        done = subprocess.run(argv, cwd=tree, capture_output=True, check=False, timeout=seconds)
        return Ran(done.returncode, done.stdout, done.stderr, 0.0)

    workspace = Workspace(tree, run=run)
    assert TOOLS["code.test"].run(workspace, {"commands": ["true", "true"]})["passed"] is True
    failed = TOOLS["code.test"].run(workspace, {"commands": ["true", "echo five; exit 3", "touch never"]})
    assert failed == {"passed": False, "command": "echo five; exit 3", "said": "five"}
    assert not (tree / "never").exists()
    with pytest.raises(ToolError, match="no acceptance command"):
        TOOLS["code.test"].run(workspace, {"commands": []})
