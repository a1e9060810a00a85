"""Renames on trees of the kinds that people have: what refers to a file follows it, and nothing else changes."""

from __future__ import annotations

import base64
import random
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import pytest

from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import ToolError, Workspace
from tests.rename_trees import STAYS, TREES


def lay(root: Path, files: dict[str, str | bytes]) -> None:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())


def snapshot(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def rename(root: Path, params: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    """Apply, apply again (the same tree), and hold the check against both."""
    workspace, before = Workspace(root, params), snapshot(root)
    arguments = {} if name is None else {"name": name}
    result = TOOLS["rename.apply"].run(workspace, arguments)
    after = snapshot(root)
    assert TOOLS["rename.apply"].run(workspace, arguments)["changed"] is False
    assert snapshot(root) == after
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    come = {after[path]: path for path in changed if path not in before}
    known: dict[str, str | None] = dict.fromkeys(changed - before.keys())
    for path in changed & before.keys():
        gone = path not in after and before[path] in come
        known[path] = f"={come[before[path]]}" if gone else base64.b64encode(before[path]).decode()
    checked = TOOLS["rename.check"].run(workspace, {"before": known})
    assert checked["ok"], checked["problems"]
    return result


CASES: dict[str, tuple[dict[str, str], str, str, dict[str, str]]] = {
    "plain links, references, code spans and a nav, byte for byte": (
        {
            "docs/Old Name.md": "---\ntitle: T\nslug: old-name\n---\n# T\n",
            "README.md": "\ufeff[a](docs/Old%20Name.md#x 't')\n[b](<docs/Old Name.md>)\r\n\r\n"
            "[r]: docs/Old%20Name.md\r\n",
            "mkdocs.yml": "nav:\n  - 'Old Name': Old Name.md  # Old Name.md\n",
        },
        "docs/Old Name.md",
        "docs/new-name.md",
        {
            "README.md": "\ufeff[a](docs/new-name.md#x 't')\n[b](<docs/new-name.md>)\r\n\r\n[r]: docs/new-name.md\r\n",
            "mkdocs.yml": "nav:\n  - 'Old Name': new-name.md  # new-name.md\n",
        },
    ),
    "an address from the root is not that of a page of the same name beside it": (
        {"docs/conf.py": "", "docs/gevent.rst": "G\n", "docs/deploying/gevent.rst": "D\n",
         "docs/deploying/uwsgi.rst": ":doc:`/gevent` :doc:`gevent`\n"},
        "docs/gevent.rst",
        "docs/async.rst",
        {"docs/deploying/uwsgi.rst": ":doc:`/async` :doc:`gevent`\n"},
    ),
    "links inside of a file that moves": (
        {"docs/a.md": "[b](b.md) [c](../c.md#d) ![i](img/i.png)\n", "docs/b.md": "# b\n", "c.md": "# c\n",
         "docs/img/i.png": "\x89"},
        "docs/a.md",
        "docs/deep/a.md",
        {"docs/deep/a.md": "[b](../b.md) [c](../../c.md#d) ![i](../img/i.png)\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_refers_to_a_file_follows_it(name: str, tmp_path: Path) -> None:
    """Each reference is rewritten where it stands, as it is written; the check finds nothing to complain of."""
    files, old, new, wanted = CASES[name]
    lay(tmp_path, files)  # type: ignore[arg-type]
    rename(tmp_path, {"renames": [{"old": old, "new": new}]})
    assert not (tmp_path / old).exists()
    found = snapshot(tmp_path)
    assert {path: found[path].decode() for path in wanted} == wanted


@pytest.mark.parametrize("name", TREES)
def test_sites_of_every_generator_keep_their_links(name: str, tmp_path: Path) -> None:
    """No old name is left but where it has to stay, no link is left behind, and the check agrees."""
    files, renames = TREES[name]
    lay(tmp_path, dict(files))
    result = rename(tmp_path, {"renames": [{"old": old, "new": new} for old, new in renames.items()]})
    assert result["left"] == []
    text = "\n".join(data.decode() for data in snapshot(tmp_path).values())
    for stays in STAYS.get(name, ()):
        assert stays in text
        text = text.replace(stays, "")
    for old in renames:
        path = PurePosixPath(old)
        forms = {path.name, path.stem, quote(path.stem)} if len(path.stem) > 1 and path.stem != "README" else {old}
        for form in forms:
            assert not re.search(rf"(?<![\w-]){re.escape(form)}(?![\w-])", text, re.IGNORECASE), text


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Also where only case tells the two apart; nothing is written."""
    lay(tmp_path, {"docs/a.md": "# a\n", "docs/B.md": "# b\n"})
    before = snapshot(tmp_path)
    for to in ("B.md", "b.md"):
        with pytest.raises(ToolError, match=r"exists|the same name"):
            TOOLS["rename.apply"].run(Workspace(tmp_path, {"path": "docs/a.md", "to": to}), {})
    assert snapshot(tmp_path) == before


def test_the_check_finds_what_a_rename_must_not_do(tmp_path: Path) -> None:
    """A changed word, a link left behind, a file that nobody asked for: each is named."""
    lay(tmp_path, {"docs/Old.md": "# Old\n\nText.\n", "README.md": "See [it](docs/Old.md).\n"})
    before = snapshot(tmp_path)
    params = {"renames": [{"old": "docs/Old.md", "new": "docs/new.md"}]}
    (tmp_path / "docs/Old.md").rename(tmp_path / "docs/new.md")
    known = {"docs/Old.md": base64.b64encode(before["docs/Old.md"]).decode(), "docs/new.md": None}
    check = TOOLS["rename.check"].run
    found = check(Workspace(tmp_path, params), {"before": known})
    assert found["problems"] == [
        "README.md: line 1: 'docs/Old.md' meant docs/Old.md, and 'docs/Old.md' does not mean docs/new.md"
    ]
    (tmp_path / "README.md").write_text("See [that](docs/new.md).\n")
    known["README.md"] = base64.b64encode(before["README.md"]).decode()
    assert "changed in more than" in check(Workspace(tmp_path, params), {"before": known})["problems"][0]
    (tmp_path / "README.md").write_text("See [it](docs/new.md).\n")
    assert check(Workspace(tmp_path, params), {"before": known})["ok"]
    (tmp_path / "more.md").write_text("x\n")
    assert "nothing asked" in check(Workspace(tmp_path, params), {"before": {**known, "more.md": None}})["problems"][0]


def test_the_thing_that_a_page_is_called_after_is_renamed_only_when_asked(tmp_path: Path) -> None:
    """`names`: where the old name stands as a name, in the file and in those that refer to it; words stay words."""
    page = "# The old-tool-name plugin\n\nRun `old-tool-name`. See 'old'.\n"
    files = {"docs/old-tool-name.md": page, "docs/old.md": "# Old\n\nThe old way, `old`.\n",
             "README.md": "[old-tool-name](docs/old-tool-name.md) is old; `old` is not linked.\n",
             "other.md": "old-tool-name is named here alone.\n"}  # fmt: skip
    lay(tmp_path, dict(files))
    params = {"renames": [{"old": "docs/old-tool-name.md", "new": "docs/new.md"}]}
    rename(tmp_path, params)
    assert (tmp_path / "docs/new.md").read_text() == page
    rename(tmp_path, {"renames": [{"old": "docs/new.md", "new": "docs/old-tool-name.md"}]})
    rename(tmp_path, {**params, "names": True})
    assert (tmp_path / "docs/new.md").read_text() == page.replace("old-tool-name", "new")
    assert (tmp_path / "README.md").read_text() == "[new](docs/new.md) is old; `old` is not linked.\n"
    assert (tmp_path / "other.md").read_text() == files["other.md"]
    rename(tmp_path, {"renames": [{"old": "docs/old.md", "new": "docs/fresh.md"}], "names": True})
    assert (tmp_path / "docs/fresh.md").read_text() == "# Old\n\nThe old way, `fresh`.\n"


def test_the_kit_finds_links_that_died_and_none_after_a_rename(tmp_path: Path) -> None:
    """What the kit counts by patterns of its own: it sees a link die, and a rename leaves none."""
    from tests import rename_kit  # it takes its way of renaming from here

    for name in ("sphinx", "moved-folder"):
        lay(tmp_path / name, dict(TREES[name][0]))
        assert rename_kit.one(tmp_path / name, random.Random(name))[1] == set()
    assert rename_kit.dead(tmp_path / "moved-folder") == set()
    (tmp_path / "moved-folder/docs/c.md").unlink()
    assert rename_kit.dead(tmp_path / "moved-folder") == {("a.md", "c.md")}
