from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import Workspace

TEXT = "# Growing beans\n\nBeans grow well in warm soil and climb up any pole that stands beside them.\n"


@pytest.mark.parametrize(
    ("said", "taken", "copied", "again"),
    [
        ("Learn how beans grow and climb in warm soil.", True, False, False),
        ("Beans grow well in warm soil and climb up any pole that stands beside them.", False, True, False),
        ("Learn how beans climb up any pole: beans climb up any pole.", False, False, True),
        ("Learn how to deploy Kubernetes on 12 rovers.", False, False, True),
        ("", False, False, True),
    ],
)
def test_judge_says_what_write_would_take(tmp_path: Path, said: str, taken: bool, copied: bool, again: bool) -> None:
    """Words that fail ask for another answer, words that are not new leave the draft standing; nothing is written."""
    (tmp_path / "beans.md").write_text(TEXT)
    answer = TOOLS["frontmatter.judge"].run(Workspace(tmp_path), {"path": "beans.md", "description": said})
    assert bool(answer["description"]) == taken
    assert answer["copied"] == copied
    assert answer["ask"] == (["description"] if again else [])
    assert bool(answer["faults"]) == (bool(said) and not taken and not copied)
    assert (tmp_path / "beans.md").read_text() == TEXT


def test_nothing_is_asked_for_what_is_there(tmp_path: Path) -> None:
    """A description that exists is kept, whatever the judge thinks of an empty answer."""
    (tmp_path / "beans.md").write_text("---\ndescription: Beans and how to grow them.\n---\n" + TEXT)
    answer = TOOLS["frontmatter.judge"].run(Workspace(tmp_path), {"path": "beans.md"})
    assert answer == {"description": "", "faults": [], "copied": False, "ask": []}
