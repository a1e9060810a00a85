"""Boards, backlogs and JSON lines as wishes: what each format writes is read, and what it has beyond us is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pantheon_git.day.backlog import read_tasks
from pantheon_git.day.board import read_board
from pantheon_git.day.records import read_lines
from pantheon_git.day.wish import Wish
from pantheon_git.errors import PantheonError, SpecError
from tests.cli_support import put

OBSIDIAN = """\
---

kanban-plugin: basic

---

## Ideas 💡

- [ ] A **bold** card #docs #area/x @ada ⏫ 📅 2026-12-04 🔁 every week
\tmore of it ^abc
\t- [ ] a criterion
\t- [ ] `npm test` passes
\t- a detail
- [/] Begun
- [ ] Later [priority:: low] (agent:: doc.frontmatter) 🆔 x1
- [ ] Waits ⛔ x1,abc

## 🔄 In-Progress

- [ ] Busy

## Shipped!

- [ ] Not ticked, but in a lane that is done

## Elsewhere

**Complete**
- [ ] Done by its mark

```
- [ ] code, not a card
```

***

## Archive

- [x] Old

%% kanban:settings
```
{"kanban-plugin":"basic"}
- [ ] settings, not a card
```
%%
"""


def board(text: str, *lanes: str) -> dict[str, Wish]:
    return {wish.text: wish for wish in read_board(text, "b.md", lanes)}


def test_a_board_of_obsidian_with_all_that_its_plugins_write() -> None:
    """Text, tags, signs, fields, dates, block id and checkboxes are told apart; settings and code are no cards."""
    cards = board(OBSIDIAN)
    card = cards["A bold card more of it"]
    assert (card.place, card.id, card.labels, card.priority) == ("b.md:9", "abc", ("docs", "area/x"), 10)
    assert [(one.text, one.check) for one in card.acceptance] == [
        ("a criterion", None), ("`npm test` passes", "npm test"),
    ]  # fmt: skip
    assert card.details == "a detail"
    assert [line.split(":")[0] for line in card.unmapped] == ["📅 2026-12-04", "🔁 every week"]
    later = cards["Later"]
    assert (later.priority, later.agent, later.id) == (-10, "doc.frontmatter", "x1")
    assert cards["Waits"].needs == ("x1", "abc")
    assert not {name for name in cards if "not a card" in name}
    skipped = {name: (wish.skip, wish.done) for name, wish in cards.items() if wish.skip}
    assert skipped == {
        "Begun": ("marked [/]: somebody is at it", False),
        "Busy": ("in the lane '🔄 In-Progress': somebody is at it (--lane '🔄 In-Progress' takes it)", False),
        "Not ticked, but in a lane that is done": ("in the lane 'Shipped!'", True),
        "Done by its mark": ("in the lane 'Elsewhere'", True),
        "Old": ("done on the board", True),
    }


def test_lanes_that_are_named_are_taken_alone() -> None:
    """By their words, whatever emoji or dash stands beside them; what is ticked stays done."""
    open_ = [name for name, wish in board(OBSIDIAN, "in progress", "Archive").items() if not wish.skip]
    assert open_ == ["Busy"]


def test_other_tools_write_otherwise() -> None:
    """Lanes with two names, blocked for a reason, priorities as words, breaks of HTML."""
    cards = board("## WIP / Doing\n\n- [ ] One\n\n## Blocked on Ada\n\n- [ ] Two\n\n"
                  "## Next\n\n- [ ] :low Copy &<br />paste\n- [ ] Three\n")  # fmt: skip
    assert [name for name, wish in cards.items() if wish.skip] == ["One", "Two"]
    assert cards["Copy & paste"].priority == -10
    assert board("## WIP / Doing\n\n- [ ] One\n", "doing")["One"].skip == ""


def test_a_card_that_goes_on_and_on_is_read_in_no_time() -> None:
    """What could be the beginning of a field, a tag, a link or emphasis fifty thousand times over: read as far as it is
    read, and said."""
    for part in ("[a::", "#a", "`", "[[", "**a ", "](x", "⛔ a,", "Rename "):
        (wish,) = read_board(f"## Todo\n\n- [ ] {part * (50_000 // len(part))}\n", "b.md")
        assert wish.unmapped[-1].endswith("of which 4000 are read")


def test_a_list_of_todos_with_fields_below() -> None:
    """GitHub's task lists and TODO files: numbered, with `Priority:` and files below, letters of todo.txt."""
    cards = board(
        "# Todo\n\n1. [ ] (A) First `docs/a.md`\n   - **Priority**: P1\n   - Owner: Ada\n   - Files: docs/b.md, `c.md`"
        "\n   - Depends on: None\n2. [ ] Second\n\n   With a paragraph.\n\n- plain, and no card beside boxes\n\n"
        "## Notes\n\n- plain, and a card where none has a box\n"
    )
    first = cards["First `docs/a.md`"]
    assert (first.priority, first.paths, first.needs) == (10, ("docs/b.md", "c.md"), ())
    assert first.unmapped == ["Owner: the person who merges is its owner"]
    assert cards["Second"].details == "With a paragraph."
    assert list(cards)[2:] == ["plain, and a card where none has a box"]


def test_headings_below_a_lane_are_cards() -> None:
    """As in TODOS.md files: a heading without a list of boxes, with its fields and text below it."""
    cards = board("# All\n\n## Docs\n\n### Describe docs/a.md\n\n**Priority:** P3\n\nWhy: people look for it.\n\n"
                  "- Related: docs/a.md\n\n### Other\n\nText.\n\n## Done\n\n### Old\n\nx\n")  # fmt: skip
    card = cards["Describe docs/a.md"]
    assert (card.priority, card.paths, card.details) == (-10, ("docs/a.md",), "Why: people look for it.")
    assert (cards["Other"].details, cards["Old"].done) == ("Text.", True)


BACKLOG = """\
---
id: task-7
title: Describe the runbooks
status: {status}
assignee: ['@ada']
labels: [docs, frontmatter]
dependencies: [task-1, task-2.1]
priority: {priority}
ordinal: 1000
references:
  - docs/a.md
  - https://example.org/x
---

## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
Why.
- One thing
<!-- SECTION:DESCRIPTION:END -->

## Acceptance Criteria
<!-- AC:BEGIN -->
- [ ] #1 It reads well
- [x] #2 `make check` succeeds
<!-- AC:END -->

## Implementation Notes

Not for us.
"""


def test_a_task_of_backlog_md(tmp_path: Path) -> None:
    """Front matter and sections; what has no counterpart is named with the reason."""
    put(tmp_path / "tasks/task-7 - Describe.md", BACKLOG.format(status="To Do", priority="high"))
    (wish,) = read_tasks([tmp_path / "tasks"], tmp_path)
    assert (wish.place, wish.id, wish.text) == ("tasks/task-7 - Describe.md:1", "task-7", "Describe the runbooks")
    assert (wish.labels, wish.needs, wish.priority) == (("docs", "frontmatter"), ("task-1", "task-2.1"), 10)
    assert (wish.paths, wish.details, wish.skip) == (("docs/a.md",), "Why.\nOne thing", "")
    assert [(one.text, one.check) for one in wish.acceptance] == [
        ("It reads well", None), ("`make check` succeeds", "make check"),
    ]  # fmt: skip
    assert wish.unmapped == ["assignee: the person who merges is its owner", "ordinal: priority orders tasks"]


@pytest.mark.parametrize(("status", "done"), [("Done", True), ("In Progress", False)])
def test_what_is_done_or_in_hand_is_left(tmp_path: Path, status: str, done: bool) -> None:
    """Unless it is asked for by its status; a priority that nobody knows is said, not guessed."""
    file = put(tmp_path / "task-7 - x.md", BACKLOG.format(status=status, priority="soonish"))
    (wish,) = read_tasks([file], tmp_path)
    assert wish.skip.startswith(f"its status is {status!r}")
    assert wish.done is done
    assert "priority: 'soonish' is no priority that is known (critical, high, medium, low …)" in wish.unmapped
    (wish,) = read_tasks([file], tmp_path, [status.upper()])
    assert wish.skip == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A page\n", "t.md:1: no front matter"),
        ("---\nid: [\n---\n", "t.md:2: front matter: "),
        ("---\n- a\n---\n", "t.md:2: front matter: not a table"),
    ],
)
def test_what_is_no_task_of_backlog_md_is_named(tmp_path: Path, text: str, said: str) -> None:
    """File and line, and what to do."""
    file = put(tmp_path / "t.md", text)
    with pytest.raises(PantheonError) as caught:
        read_tasks([file], tmp_path)
    assert said in caught.value.message
    with pytest.raises(PantheonError, match="nowhere"):
        read_tasks([tmp_path / "nowhere.md"], tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PantheonError, match="empty: no task file"):
        read_tasks([tmp_path / "empty"], tmp_path)


def test_json_lines_under_the_names_of_other_trackers() -> None:
    """Synonyms are read, states too; what is unknown is named."""
    line = {"key": "A-1", "name": "Do\nit", "body": "d", "tags": "docs", "files": ["a.md"], "blockedBy": ["A-0"],
            "priority": 3, "acceptanceCriteria": ["x", {"text": "y", "check": "true"}], "params": {"format": "yaml"},
            "status": "in_progress", "sprint": 4, "empty": None}  # fmt: skip
    (wish,) = read_lines(json.dumps(line) + "\n\n", "x.jsonl")
    assert (wish.id, wish.text, wish.details, wish.labels, wish.paths) == ("A-1", "Do it", "d", ("docs",), ("a.md",))
    assert (wish.needs, wish.priority, wish.params) == (("A-0",), 3, {"format": "yaml"})
    assert [(one.text, one.check) for one in wish.acceptance] == [("x", None), ("y", "true")]
    assert wish.skip.startswith("its state is 'in_progress': somebody is at it")
    assert wish.unmapped == ["sprint: no counterpart"]


def test_every_bad_line_is_named_at_once() -> None:
    """With its place, as for every file that a person writes."""
    text = (
        '{"title": "fine"}\n{"title": \n[1]\n{"labels": ["x"]}\n{"id": "NO", "scope": {}, "goal": {"summary": "s"}}\n'
    )
    with pytest.raises(SpecError) as caught:
        read_lines(text, "x.jsonl")
    assert [fault.split(": ")[0] for fault in caught.value.faults] == [
        "x.jsonl:2:11", "x.jsonl:3:1", "x.jsonl:4:1", "x.jsonl:5:1",
    ]  # fmt: skip
