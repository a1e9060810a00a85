"""The checklists of the other kinds of change, and which of them a path is held against."""

from __future__ import annotations

from typing import Any

import pytest

from pantheon_git.agent.checklists.item import Whole
from pantheon_git.agent.checklists.table import examine, kinds_of
from pantheon_git.agent.view import ChangeView
from pantheon_git.night.patch import Edit, Side, render

GUIDE = "# Growing beans\n\nBeans grow well in warm soil.\nSee [peas](Old_Peas.md) too.\n"
PEAS = "# Peas\n\nPeas need no pole.\n\nThey stay small in any garden of this kind.\n"
SETTINGS: dict[str, Any] = {"min_title_share": 0.6, "min_description_share": 0.35, "inventions": []}


def view(path: str, before: str | None, after: str | None, scope: tuple[str, ...] = ("**",)) -> ChangeView:
    sides = [None if text is None else Side(0o100644, text.encode()) for text in (before, after)]
    old, new = (side.data if side else None for side in sides)
    return ChangeView("b.1", "peer-a", path, old, new, render([Edit(path.encode(), *sides)]), scope=scope)


def failed(*views: ChangeView) -> dict[str, list[str]]:
    """Path → the items that do not hold."""
    judged = examine(views, SETTINGS)
    return {path: bad for path, one in judged.items() if (bad := [item.name for item in one.items if not item.ok])}


def kinds(*views: ChangeView) -> list[tuple[str, ...]]:
    return [tuple(kind.name for kind in kinds_of(one, Whole(views))) for one in views]


def renamed(link: str = "old-peas.md", text: str = PEAS, name: str = "docs/old-peas.md") -> list[ChangeView]:
    return [view("docs/Old_Peas.md", PEAS, None), view(name, None, text),
            view("docs/guide.md", GUIDE, GUIDE.replace("Old_Peas.md", link))]  # fmt: skip


def test_a_path_is_held_against_the_checklists_of_what_changed_in_it() -> None:
    """Bytes and paths decide; what no checklist knows is code, and a document may be of two kinds."""
    headed = f"---\ntitle: Peas\n---\n\n{PEAS}"
    assert kinds(view("a.py", "x = 1\n", "x = 2\n"), view("docs/a.md", PEAS, headed)) == [("code",), ("frontmatter",)]
    assert kinds(view("docs/a.md", PEAS, PEAS + "More.\n")) == [("code",)]
    assert kinds(view("lib/a.test.js", None, "x\n"), view("tests/test_a.py", "x\n", "y\n")) == [("tests",)] * 2
    assert kinds(*renamed()) == [("rename",)] * 3
    assert kinds(*renamed(text=headed))[1] == ("rename", "frontmatter")


def test_a_rename_with_its_links_passes() -> None:
    """The file moved as it was, and a link to it follows; its new name is weighed against its text."""
    judged = examine(renamed(), SETTINGS)
    assert all(item.ok for one in judged.values() for item in one.items), judged
    (page,) = judged["docs/old-peas.md"].pages
    assert page.words == {"name": "old peas"}


@pytest.mark.parametrize(
    ("change", "item"),
    [
        (renamed(name="docs/Peas_new.md"), "name"),
        (renamed(text=PEAS.replace("small", "tall")), "only-links"),
        (renamed(link="old-peas.md) and [more](Old_Peas.md"), "only-links"),
        ([*renamed()[:2], view("docs/guide.md", GUIDE, GUIDE.replace("warm soil.\nSee [peas](Old_Peas.md)",
                               "cold soil.\nSee [peas](old-peas.md)"))], "only-links"),
        ([view("docs/Old_Peas.md", PEAS, None)], "kept"),
    ],
)  # fmt: skip
def test_a_rename_that_does_more_or_less_fails(change: list[ChangeView], item: str) -> None:
    """No kebab-case, a word changed beside the links, an old name written anew, a file that is simply gone."""
    assert [item] in [bad[:1] for bad in failed(*change).values()]


TEST = "import { add } from './add.js'\n\ntest('adds', t => {\n  t.is(add(1, 2), 3)\n})\n"


@pytest.mark.parametrize(
    ("before", "after", "item"),
    [
        (None, TEST, ""),
        (None, TEST.replace("t.is(add(1, 2), 3)", "t.pass()"), "asserts"),
        (None, TEST.replace("t.is(add(1, 2), 3)", "add(1, 2)"), "asserts"),
        (None, TEST.replace("test(", "test.skip("), "no-skip"),
        (TEST, TEST.replace("t.is(add(1, 2), 3)", "t.is(add(2, 2), 4)"), ""),
        (TEST, TEST.replace("t.is(add(1, 2), 3)", "t.truthy(add(1, 2))"), "no-weaker"),
        (TEST, TEST.replace("  t.is(add(1, 2), 3)\n", ""), "no-weaker"),
        (TEST, TEST.replace("t.is(add(1, 2), 3)", "t.true(true)"), "no-weaker"),
        (TEST, "import { add } from './add.js'\n", "no-weaker"),
    ],
)
def test_a_test_asserts_and_never_less_than_before(before: str | None, after: str, item: str) -> None:
    """Empty and hollow tests, tests switched off, assertions that went: each fails by name."""
    bad = failed(view("add.test.js", before, after)).get("add.test.js", [])
    assert item in bad if item else bad == []


@pytest.mark.parametrize(
    ("before", "after", "item"),
    [
        ("a = 1\n", "# Licence\na = 1\n", ""),
        ("a = 1\n" * 3, "a = 1\n" * 3 + "# TODO\n", "finished"),
        ("".join(f"a{n} = {n}\n" for n in range(9)), "a0 = 0\n", "no-deletion"),
        ("a = 1\n", "a = 1\nkey = 'ghp_" + "aB3dE6gH9j" * 4 + "'\n", "no-secret"),
    ],
)
def test_code_loses_nothing_and_is_finished(before: str, after: str, item: str) -> None:
    """Lines that go with nothing in their stead, a TODO, a secret: each fails by name, with the diff's own line."""
    assert failed(view("a.py", before, after)).get("a.py", []) == ([item] if item else [])


def test_a_path_outside_the_scope_fails_whatever_its_kind() -> None:
    """Scope is asked of every path."""
    views = [view("a.py", "a\n", "b\n", scope=("docs/**",)), view("a.test.js", None, TEST, scope=())]
    assert failed(*views) == {"a.py": ["scope"], "a.test.js": ["scope"]}
