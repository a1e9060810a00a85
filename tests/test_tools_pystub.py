"""pytest files from what a module does: true ones, which turn red without what they test."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import Ran, ToolError, Workspace
from tests import node_support

PIECES = '''\
"""Small pieces of text and time."""

import os
import random


def dashed(text: str, upper: bool = False) -> str:
    """Join the words of a text with a dash.

    >>> dashed("sea  and land")
    'sea-and-land'
    """
    if not isinstance(text, str):
        raise TypeError(f"expected a text, got {type(text).__name__}")
    done = "-".join(text.split())
    return done.upper() if upper else done


async def later(value):
    return [value]


def count(limit: int):
    yield from range(limit)


def each(items: list, callback) -> None:
    for item in items:
        callback(item)


class Stack:
    def __init__(self, items=()):
        self.items = list(items)

    def push(self, item):
        self.items.append(item)
        return len(self.items)

    def __len__(self):
        return len(self.items)


LIMITS = {"low": 1, "high": 9}


def stamp() -> float:
    return random.random()


def scribble(name) -> None:
    with open("scribble.txt", "w") as file:
        file.write(str(name))


def shout(command="true") -> int:
    return os.system(command)
'''


def run(argv: Sequence[str], env: Mapping[str, str], timeout: float) -> Ran:
    """By the Python that runs this, which has pytest."""
    plain = {**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # each start would load what our own suite uses
    return node_support.run([sys.executable if word == "python3" else word for word in argv], plain, timeout)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Any], dict[str, Any]]:
    """The tree, what probing said, and what writing said."""
    folder = tmp_path_factory.mktemp("pieces") / "tree"
    (folder / "src/pieces").mkdir(parents=True)
    (folder / "src/pieces/__init__.py").write_text("")
    (folder / "src/pieces/text.py").write_text(PIECES)
    workspace = Workspace(folder, {}, run)
    probed = TOOLS["pytest.probe"].run(workspace, {"module": "src/pieces/text.py", "seconds": 60})
    return workspace, probed, _write(workspace, probed)


def _write(workspace: Workspace, probed: dict[str, Any]) -> dict[str, Any]:
    arguments = {name: probed[name] for name in ("module", "test", "plan", "subject", "about")}
    return TOOLS["pytest.write"].run(workspace, arguments)


def test_every_function_is_told_from_a_stand_in_and_the_docstring_comes_first(made: Any) -> None:
    """Values, coroutines, generators, callbacks, classes and refusals are asserted, and no call with an effect."""
    workspace, probed, written = made
    assert (written["test"], probed["untold"]) == ("tests/test_text.py", ["scribble"])
    text = (workspace.root / written["test"]).read_text()
    for said in (
        "from pieces.text import",
        'assert dashed("sea  and land") == "sea-and-land"',
        "with pytest.raises(TypeError, match=re.escape(",
        "asyncio.run(later(",
        "assert list(count(",
        "assert calls == [(",
        "instance = Stack(",
        'assert LIMITS == {"low": 1, "high": 9}',
        "assert isinstance(stamp(), float)",
        '"""Join the words of a text with a dash."""',
    ):
        assert said in text, said
    assert "scribble(" not in text
    assert 'shout("' not in text
    assert not (workspace.root / "scribble.txt").exists()


def test_the_same_tree_when_written_twice(made: Any) -> None:
    """Probing and writing again, with the test named, come to the same bytes."""
    workspace, _, written = made
    before = (workspace.root / written["test"]).read_bytes()
    module = {"module": "src/pieces/text.py", "test": written["test"], "seconds": 60}
    again = _write(workspace, TOOLS["pytest.probe"].run(workspace, module))
    assert (again["changed"], (workspace.root / written["test"]).read_bytes() == before) == (False, True)


def test_the_check_finds_what_a_test_does_not_tell(made: Any) -> None:
    """Red without a name and with a do-nothing; a test that looks at types alone is caught."""
    workspace, _, written = made
    check = {"module": "src/pieces/text.py", "test": written["test"], "names": 2}
    found = TOOLS["pytest.check"].run(workspace, check)
    red = dict.fromkeys(("dashed", "later"), True)
    assert (found["ok"], found["removal"], found["idle"]) == (True, red, red), found
    hollow = workspace.root / "tests/test_hollow.py"
    hollow.write_text("from pieces import text\n\n\ndef test_dashed():\n    assert callable(text.dashed)\n")
    found = TOOLS["pytest.check"].run(workspace, {**check, "test": "tests/test_hollow.py", "names": 1})
    assert found["problems"] == ["green when every function does nothing"]
    hollow.unlink()


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("a.py", "def f(:", "does not parse"),
        ("a.py", "import no_such_module_at_all\n\n\ndef f():\n    pass\n", "cannot be imported"),
        ("a.py", "_x = 1\n", "defines nothing public"),
        ("a-b.py", "def f():\n    pass\n", "cannot be imported by a name"),
        ("a.txt", "x", "no Python module"),
    ],
)
def test_what_is_no_module_is_refused(tmp_path: Path, name: str, source: str, why: str) -> None:
    """Refused with the reason, and nothing is written."""
    (tmp_path / name).write_text(source)
    with pytest.raises(ToolError, match=why) as caught:
        TOOLS["pytest.probe"].run(Workspace(tmp_path, {}, run), {"module": name, "seconds": 20})
    assert caught.value.code == "refused"
