from __future__ import annotations

import asyncio
from pathlib import Path

from pantheon_git.agent.load import FolderReader, load_from
from pantheon_git.agent.loop import run
from pantheon_git.agent.stock import stock_dir
from pantheon_git.agent.view import TaskView
from tests.agent_doubles import InProcessJail, ListedEngine

TEXT = """# Growing beans

Beans grow well in warm soil and climb up any pole that stands beside them in the garden.
Water the beans twice a week and pick them while they are young and tender.
"""


def test_the_specialist_asks_for_the_description_alone(tmp_path: Path) -> None:
    """Title and tags are computed; the model answers with one plain sentence, after examples of the same form."""
    (tmp_path / "beans.md").write_text(TEXT)
    loaded = load_from(FolderReader(stock_dir()), "stock")["doc.frontmatter"]
    engine = ListedEngine(["Learn how to water beans and pick them while they are young."])
    outcome = asyncio.run(run(loaded, TaskView("b.1", "write", ("beans.md",)), InProcessJail(tmp_path), engine))
    assert outcome.verdict == "pass", outcome.reason
    assert outcome.authorship == {"title": "tool", "description": "model", "tags": "tool"}
    assert "assistant\nSets how many times a failed request is sent again.<" in engine.requests[0].prompt
    assert engine.requests[0].prompt.endswith("<|im_start|>assistant\n")
    assert "description: Learn how to water beans" in (tmp_path / "beans.md").read_text()
