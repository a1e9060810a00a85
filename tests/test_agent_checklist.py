from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pantheon_git.agent.checklists import table
from pantheon_git.agent.checklists.item import Item, Page
from pantheon_git.agent.view import ChangeView

BODY = """# Growing beans

Beans grow well in warm soil and climb up any pole that stands beside them in the garden.
Water the beans twice a week and pick them after 60 days, while they are young and tender.
"""
SETTINGS = {"min_title_share": 0.6, "min_description_share": 0.6, "inventions": ["numbers", "names"]}
GOOD = ["title: Growing beans", "description: Learn how to water beans and pick them while they are young."]


def change(lines: list[str], before: str = BODY, body: str = BODY, **view: Any) -> ChangeView:
    after = "\n".join(["---", *lines, "---", "", body])
    patch = "".join(f"+{line}\n" for line in ["---", *lines, "---", ""])
    known: dict[str, Any] = {"job": "b.1", "node": "peer-a", "path": "docs/beans.md", "before": before.encode(),
             "after": after.encode(), "patch": patch.encode(), "scope": ("docs/*.md",)}  # fmt: skip
    return ChangeView(**{**known, **view})


def examine(seen: ChangeView, settings: dict[str, Any]) -> tuple[list[Item], Page | None]:
    """What the front matter's checklist says of one path, with the items that every kind of change has."""
    judged = table.examine([seen], settings)[seen.path]
    return judged.items, next(iter(judged.pages), None)


def items(*args: Any, **more: Any) -> dict[str, Item]:
    found, _ = examine(change(*args, **more), SETTINGS)
    return {item.name: item for item in found}


def failed(*args: Any, **more: Any) -> list[str]:
    return [name for name, item in items(*args, **more).items() if not item.ok]


def test_a_good_change_passes_every_item_and_quotes_the_diff() -> None:
    """Each new field is held against the document; the evidence is the diff's own line, word for word."""
    found = items([*GOOD, "tags: [beans, garden]"])
    assert all(item.ok for item in found.values()), found
    assert found["title-grounded"].evidence == "+title: Growing beans"
    assert found["description-grounded"].evidence == f"+{GOOD[1]}"
    assert found["tags"].evidence == "+tags: [beans, garden]"


def test_what_the_job_wrote_is_what_is_judged() -> None:
    """Fields that were there before are not judged again; the page names the new ones alone."""
    before = f"---\ntitle: Moon rockets\n---\n\n{BODY}"
    found, page = examine(change(["title: Moon rockets", GOOD[1]], before), SETTINGS)
    assert page is not None
    assert page.fresh == {"description"}
    assert "title-grounded" not in [item.name for item in found]
    assert all(item.ok for item in found)


@pytest.mark.parametrize(
    ("lines", "item"),
    [
        (["title: Rocket engines for Mars", GOOD[1]], "title-grounded"),
        ([GOOD[0], "description: Deploy a cluster of servers behind a load balancer."], "description-grounded"),
        ([GOOD[0], "description: Learn how to water beans and pick them after 90 days."], "description-grounded"),
        ([GOOD[0], "description: Learn how to water beans in the garden with Kubernetes."], "description-grounded"),
        ([GOOD[0], 'description: ""'], "description-grounded"),
        ([*GOOD, "tags: [beans, Beans]"], "tags"),
        ([*GOOD, "tags: beans"], "tags"),
        ([*GOOD, "tags: [beans, soil, pole, garden, water, week, days, young, tender]"], "tags"),
        ([*GOOD, "tags: [beans, rockets, mars]"], "tags-grounded"),
    ],
)
def test_words_that_the_document_does_not_bear_fail(lines: list[str], item: str) -> None:
    """Another document's words, an invented number or name, nothing at all, tags that are no list of words."""
    assert failed(lines) == [item]


def test_a_number_of_the_document_is_no_invention() -> None:
    """60 stands in the text."""
    assert failed([GOOD[0], "description: Learn how to water beans and pick them after 60 days."]) == []


def test_each_reviewer_counts_the_inventions_of_its_manifest() -> None:
    """With `inventions = ["numbers"]` a new name does not count; a new number does."""
    named = change([GOOD[0], "description: Learn how to water beans in the garden with Kubernetes."])
    found, _ = examine(named, {**SETTINGS, "inventions": ["numbers"]})
    assert all(item.ok for item in found)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("Learn how to water beans without picking them.", "a negation that the document does not have"),
        ("Kubernetes waters the beans. Pick them in the garden.", ""),
        ("Learn how to water the beans of Nebraska in the garden.", "names that the document does not have: Nebraska"),
        ("Beans that you do not water lose their young pods.", ""),
    ],
)
def test_an_invented_negation_or_name_counts(said: str, fault: str) -> None:
    """“Not” needs a sentence that denies the same; a capital at a sentence's beginning makes no name."""
    body = BODY + "\nIf you do not water beans, the young pods lose their flavour.\n"
    settings = {**SETTINGS, "min_description_share": 0.3, "inventions": ["names", "a negation"]}
    found, _ = examine(change([GOOD[0], f"description: {said}"], body, body), settings)
    (item,) = [item for item in found if item.name == "description-grounded"]
    assert item.ok is not bool(fault)
    assert fault in item.said


def test_nothing_else_of_the_document_may_change() -> None:
    """A changed body, a lost key and a rewritten key each fail, and are named."""
    before = f"---\nauthor: Ada\nlayout: wide\n---\n\n{BODY}"
    assert failed(["author: Ada", "layout: wide", *GOOD], before) == []
    assert failed(["author: Ada", "layout: wide", *GOOD], before, BODY + "One more line.\n") == ["body"]
    found = items(["layout: narrow", *GOOD], before)
    assert not found["keys"].ok
    assert found["keys"].said == "author is gone; layout was rewritten"


def test_tags_that_were_there_may_be_completed() -> None:
    """The task asks for tags, so a longer list is not a rewritten key."""
    before = f"---\ntags: [beans]\n---\n\n{BODY}"
    assert failed(["tags: [beans, garden]", *GOOD], before) == []


def test_a_path_outside_the_scope_fails() -> None:
    """Whatever its words are."""
    assert failed(GOOD, path="README.md") == ["scope"]


def test_a_deleted_document_fails_without_a_page() -> None:
    """There is nothing to weigh."""
    found, page = examine(change(GOOD, after=None), SETTINGS)
    assert page is None
    assert [item.name for item in found if not item.ok] == ["kept"]


@pytest.mark.parametrize("after", [b"---\ntitle: [\n---\n\n# Beans\n", b"# Growing beans\n", b"\xff\xfe\x00\x01"])
def test_front_matter_that_does_not_read_fails(after: bytes) -> None:
    """Broken YAML, none at all, bytes that are no text: an item says so, nothing is raised."""
    found, page = examine(change(GOOD, f"---\nauthor: Ada\n---\n\n{BODY}", after=after), SETTINGS)
    assert page is None
    assert [item.name for item in found if not item.ok] == ["reads"]


def test_a_document_that_the_job_added_fails() -> None:
    """Its body is new: who writes front matter adds no documents."""
    found, _ = examine(replace(change(GOOD), before=None), SETTINGS)
    assert [item.name for item in found if not item.ok] == ["body"]


def test_a_reviewer_may_look_at_the_opening_alone() -> None:
    """With `share_of = "opening"` words that stand only far down do not count as the document's own."""
    long = (
        BODY
        + "\n"
        + "Peas need no pole and stay small in any garden of this kind. " * 40
        + "\nLupins feed bumblebees.\n"
    )
    lines = [GOOD[0], "description: Lupins feed bumblebees."]
    whole, _ = examine(change(lines, long, long), SETTINGS)
    opening, _ = examine(change(lines, long, long), {**SETTINGS, "share_of": "opening"})
    assert [item.name for item in whole if not item.ok] == []
    assert [item.name for item in opening if not item.ok] == ["description-grounded"]
