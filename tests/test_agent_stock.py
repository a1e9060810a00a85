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


def test_words_that_fail_are_asked_for_once_more_and_differently(tmp_path: Path) -> None:
    """The second question shows another draft; what passes then is the model's, and no failure is counted."""
    (tmp_path / "beans.md").write_text(TEXT)
    loaded = load_from(FolderReader(stock_dir()), "stock")["doc.frontmatter"]
    engine = ListedEngine(
        ["Learn how to deploy Kubernetes on 12 Mars rovers.", "Learn how to water the beans in your garden."]
    )
    outcome = asyncio.run(run(loaded, TaskView("b.1", "write", ("beans.md",)), InProcessJail(tmp_path), engine))
    assert outcome.authorship["description"] == "model"
    first, second = (request.prompt.rpartition("Draft: ")[2] for request in engine.requests)
    assert first
    assert second
    assert first != second
    assert outcome.metrics["failures"] == 0
    assert "description: Learn how to water the beans in your garden." in (tmp_path / "beans.md").read_text()


def test_two_bad_answers_leave_the_computed_draft(tmp_path: Path) -> None:
    """The fall-back is called so."""
    (tmp_path / "beans.md").write_text(TEXT)
    loaded = load_from(FolderReader(stock_dir()), "stock")["doc.frontmatter"]
    engine = ListedEngine(["Learn how to deploy Kubernetes on 12 Mars rovers."] * 2)
    outcome = asyncio.run(run(loaded, TaskView("b.1", "write", ("beans.md",)), InProcessJail(tmp_path), engine))
    assert outcome.verdict == "pass"
    assert outcome.authorship["description"] == "fallback"


def test_a_complete_document_asks_nothing_of_the_model(tmp_path: Path) -> None:
    """Every call is forced, and the run costs no tokens."""
    whole = (
        "---\ntitle: Beans\ndescription: How to grow beans in a warm garden.\ntags: [beans, garden, soil]\n---\n" + TEXT
    )
    (tmp_path / "beans.md").write_text(whole)
    loaded = load_from(FolderReader(stock_dir()), "stock")["doc.frontmatter"]
    engine = ListedEngine([])
    outcome = asyncio.run(run(loaded, TaskView("b.1", "write", ("beans.md",)), InProcessJail(tmp_path), engine))
    assert outcome.verdict == "pass"
    assert set(outcome.authorship.values()) == {"kept"}
    assert outcome.metrics["forced_calls"] == outcome.metrics["tool_calls"] == 3
    assert (tmp_path / "beans.md").read_text() == whole
