"""The makers of plants: each fault is in the change it was made of and nowhere else, and good changes are what stood
there. Without chance: twice the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pantheon_git.agent.checklists.table import examine
from pantheon_git.agent.view import ChangeView
from pantheon_git.night.patch import Edit, Side, render
from pantheon_git.night.plants.draft import Draft, Elsewhere
from pantheon_git.night.plants.good import good_changes
from pantheon_git.night.plants.table import SORTS, planted

BODY = "# Growing beans\n\nBeans like Astro soil. Lupins feed the bees.\n\nThe Astro soil is warm.\n\nThe end of it.\n"
HEAD = "author: Ada\ntitle: Growing beans\ndescription: How Lupins can help beans in Astro soil."
PAGE = f"---\n{HEAD}\ntags: [beans]\n---\n"
TEST = "import { add } from './add.js'\n\ntest('adds', t => {\n  t.is(add(1, 2), 3)\n})\n"
CODE = "".join(f"line{n} = {n}\n" for n in range(20)) + "if line1 == line2:\n    print(line3)\n"
MOVED = "# Peas\n\nPeas need no pole at all.\nThey stay small in any garden.\nSo be it.\n"
ELSEWHERE = Elsewhere(
    titles=["Rocket engines"], descriptions=["How rockets burn Kerosene and reach Mars."], tags=["rockets", "mars"],
    files=[("docs/other.md", b"# Other\n")],
)  # fmt: skip


def edit(path: str, before: str | None, after: str | None) -> Edit:
    return Edit(path.encode(), *(None if text is None else Side(0o100644, text.encode()) for text in (before, after)))


CHANGES: dict[str, tuple[Edit, ...]] = {
    "frontmatter": (edit("docs/beans.md", f"---\nauthor: Ada\n---\n{BODY}", PAGE + BODY),),
    "rename": (edit("docs/Old_Peas.md", MOVED, None), edit("docs/old-peas.md", None, MOVED),
               edit("docs/index.md", "See [peas](Old_Peas.md).\n", "See [peas](old-peas.md).\n")),
    "tests": (edit("add.test.js", None, TEST),),
    "code": (edit("a.py", CODE, f"# Licence: none\n{CODE}"),),
}  # fmt: skip
CAUGHT = {
    "swapped-title", "swapped-description", "invented-number", "invented-name", "tag-spam", "lost-key",
    "lost-paragraph",
    "stray-word", "hollow-assertion", "skipped-test", "no-assertion", "lost-lines", "left-over",
}  # fmt: skip
"""What the checklists of the program see by themselves, on these small changes."""


def views(edits: Sequence[Edit]) -> list[ChangeView]:
    found = []
    for one in edits:
        old, new = (side.data if side else None for side in (one.old, one.new))
        found.append(ChangeView("b.1", "peer", one.path.decode(), old, new, render([one]), scope=("**",)))
    return found


def faults(edits: Sequence[Edit]) -> list[str]:
    settings = {"min_title_share": 0.6, "min_description_share": 0.35, "inventions": ["numbers", "names", "a negation"]}
    judged = examine(views(edits), settings)
    return [item.name for one in judged.values() for item in one.items if not item.ok]


def made(kind: str) -> dict[str, Draft]:
    """Every sort that can be had of the change."""
    found: dict[str, Draft] = {}
    used: dict[str, int] = {}
    for turn in range(20):
        draft = planted(kind, CHANGES[kind], ELSEWHERE, turn, used)
        assert draft is not None
        used[draft.sort] = used.get(draft.sort, 0) + 1
        found.setdefault(draft.sort, draft)
    return found


@pytest.mark.parametrize("kind", list(SORTS))
def test_every_sort_of_fault_can_be_had_and_changes_something(kind: str) -> None:
    """Of a change that has what they need; each says what it did, and differs from the good change."""
    found = made(kind)
    assert {sort for sort, _ in SORTS[kind]} <= found.keys(), {sort for sort, _ in SORTS[kind]} - found.keys()
    for draft in found.values():
        assert draft.bad
        assert draft.says
        assert render(draft.edits) != render(CHANGES[kind])


@pytest.mark.parametrize("kind", list(SORTS))
def test_the_good_change_passes_its_checklist_and_most_faults_do_not(kind: str) -> None:
    """What a checklist can see it sees, by name; nothing is held against the change that the faults were made of."""
    assert faults(CHANGES[kind]) == []
    for sort, draft in made(kind).items():
        assert bool(faults(draft.edits)) or sort not in CAUGHT, sort


@pytest.mark.parametrize("kind", list(SORTS))
def test_planting_is_without_chance(kind: str) -> None:
    """Two nights that meet the same change in the same turn plant the same."""
    assert made(kind) == made(kind)


def test_good_changes_are_what_stands_in_the_repository() -> None:
    """After is the file, byte for byte; before is it without what the kind of change brings."""
    files = [("docs/beans.md", (PAGE + BODY).encode()), ("add.test.js", TEST.encode()), ("a.py", b"# Licence\na = 1\n"),
             ("docs/old-peas.md", MOVED.encode()), ("docs/index.md", b"See [peas](old-peas.md).\n")]  # fmt: skip
    content = dict(files)
    for kind in SORTS:
        drafts = list(good_changes(kind, files))
        assert drafts, kind
        for draft in drafts:
            assert not draft.bad
            assert faults(draft.edits) == []
            for one in draft.edits:
                assert one.new is None or one.new.data == content[one.path.decode()]
    assert list(good_changes("unheard-of", files)) == []


def test_where_nothing_can_be_planted_nothing_is() -> None:
    """A binary file and a repository without other files: no plant, rather than one that is no fault."""
    assert planted("code", (Edit(b"a.bin", None, Side(0o100644, b"\0\1")),), Elsewhere(), 0) is None
