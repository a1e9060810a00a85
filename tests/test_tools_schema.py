"""Front matter written as the repository writes it, from the parameters that its own documents gave."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.night.conventions import learned
from pantheon_git.tools import TOOLS
from pantheon_git.tools.frontmatter import schema
from pantheon_git.tools.frontmatter.document import parse
from pantheon_git.tools.frontmatter.safe import why_unsafe
from pantheon_git.tools.protocol import Workspace
from tests.test_agent_checklist import failed

TEXT = "This guide shows you how to row a heavy boat with two oars on a calm lake. Oars are made of ash.\n"


def page(number: int) -> bytes:
    head = f"layout: docs\ntoc: true\ntitle: 'Boat {number} & Oars'\ndescription: \"A boat.\"\n"
    more = f"permalink: /boats/boat-{number}/\ntags:\n  - oar\n  - Big Boat\n"
    return f"---\n{head}{more}---\n\nA boat with an oar.\n".encode()


BOATS = {f"docs/boats/boat-{n}.md": page(n) for n in range(12)}


def done(folder: Path, text: str, path: str = "docs/boats/row.md", documents: dict[str, bytes] | None = None,
         **task: Any) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """The document as `write` leaves it, checked, and written again without a change."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    found = learned(BOATS if documents is None else documents, {path: text.encode()})
    workspace = Workspace(folder, {**found.of([path]), **task})
    result = TOOLS["frontmatter.write"].run(workspace, {"path": path})
    after = file.read_bytes()
    before = base64.b64encode(text.encode()).decode()
    assert TOOLS["frontmatter.check"].run(workspace, {"path": path, "before": before})["problems"] == []
    assert TOOLS["frontmatter.write"].run(workspace, {"path": path})["changed"] is False
    assert file.read_bytes() == after
    return after.decode(), result


def test_a_bare_document_gets_what_nearly_all_have_in_their_order_and_style(tmp_path: Path) -> None:
    """Keys, quotes, list style, the folder's own wording of a title, and tags in the spelling that is in use."""
    after, result = done(tmp_path, TEXT)
    lines = after.split("\n---\n")[0].split("\n")
    assert lines[:4] == ["---", "layout: docs", "toc: true", "title: 'Row & Oars'"]
    assert lines[4].startswith('description: "Row a heavy boat')
    assert lines[5:] == ["permalink: /boats/row/", "tags:", "  - Big Boat", "  - oar"]
    assert after.endswith(f"---\n\n{TEXT}")
    assert result["authorship"]["permalink"] == "tool"
    assert result["written"]["toc"] == "true"


def test_what_is_there_keeps_its_bytes_and_what_is_missing_takes_its_place(tmp_path: Path) -> None:
    """Another key order, another quote, a comment and a key that nobody else has: all stay."""
    before = f"---\n# mine\nextra: 1\ntitle: Rowing\ntoc: false # not here\ntags: [Big Boat]\n---\n{TEXT}"
    after, result = done(tmp_path, before)
    for line in before.split("\n"):
        assert line in after.split("\n")
    assert "extra: 1\nlayout: docs\ntitle: Rowing\ndescription: " in after or "layout: docs" in after
    assert result["authorship"]["title"] == "kept"
    assert "toc" not in result["written"]
    assert parse(after.encode()).values["permalink"] == "/boats/row/"


def test_a_task_that_names_its_fields_gets_these_alone(tmp_path: Path) -> None:
    """Asked for a title, the tool adds no layout."""
    after, _ = done(tmp_path, TEXT, fields=["title"])
    assert after == f"---\ntitle: 'Row & Oars'\n---\n\n{TEXT}"


def test_fields_that_the_repository_does_without_are_not_invented(tmp_path: Path) -> None:
    """Twelve documents with a title alone: the thirteenth gets one too, and no more; fewer than ten prove nothing."""
    plain = {f"d/{n}.md": b"---\ntitle: One Word\n---\n\nText.\n" for n in range(12)}
    after, _ = done(tmp_path, TEXT, "d/row.md", plain)
    assert after == f"---\ntitle: Row\n---\n\n{TEXT}"
    few, _ = done(tmp_path, TEXT, "d/row.md", dict(list(plain.items())[:9]))
    assert "description: " in few
    assert "tags: " in few


def test_toml_where_the_repository_writes_toml(tmp_path: Path) -> None:
    """New front matter is in the format of the others, unless the task asks for YAML."""
    toml = {f"d/{n}.md": b'+++\ntitle = "One Word"\ntags = ["x"]\n+++\n\nText.\n' for n in range(6)}
    after, _ = done(tmp_path, TEXT, "d/row.md", toml)
    assert after.startswith('+++\ntitle = "Row"\n')
    assert parse(after.encode()).kind == "toml"
    after, _ = done(tmp_path, TEXT, "d/row.md", toml, format="yaml")
    assert after.startswith("---\ntitle: Row\n")


def test_title_case_where_the_repository_writes_so(tmp_path: Path) -> None:
    """A title made of the file's name follows; one that the document has itself stays as it is."""
    cased = {f"d/{n}.md": b"---\ntitle: How to Row a Boat\n---\n\nText.\n" for n in range(6)}
    after, _ = done(tmp_path, "Text without much.\n", "d/building-of-an-oar.md", cased)
    assert "title: Building of an Oar\n" in after
    after, _ = done(tmp_path, "# My own heading\n\nText.\n", "d/oar.md", cased)
    assert "title: My own heading\n" in after


def test_nobody_is_told_to_learn_where_no_description_says_so(tmp_path: Path) -> None:
    """Ten descriptions and more that begin otherwise are a habit; one in ten that does is none."""
    plain = {f"d/{n}.md": b"---\ntitle: One\ndescription: Rows it.\n---\n\nText.\n" for n in range(12)}
    assert "\ndescription: Row a heavy boat" in done(tmp_path, TEXT, "d/row.md", plain)[0]
    some = {**plain, **{f"d/{n}x.md": b"---\ntitle: One\ndescription: Learn it.\n---\n\nText.\n" for n in range(2)}}
    assert "\ndescription: Learn how to row a heavy boat" in done(tmp_path, TEXT, "d/row.md", some)[0]


def test_titles_that_are_the_files_names_and_descriptions_without_a_stop(tmp_path: Path) -> None:
    """As manual pages have them: the name as the path spells it, and no full stop; a small folder without tags gets
    none either, where the folder above has none."""
    plain = {f"man/{n}/boat-{n}-{k}.md": f"---\ntitle: boat-{n}-{k}\ndescription: Rows it\n---\n\nText.\n".encode()
             for n in range(2) for k in range(6)}  # fmt: skip
    after, _ = done(tmp_path, TEXT, "man/1/boat-row.md", plain)
    assert after.startswith("---\ntitle: boat-row\ndescription: Row a heavy boat with two oars on a calm lake\n---\n")


@pytest.mark.parametrize("raw", ["a: b", "x # y", "@x", "- x", "", "!!python/object:os.system x", "a\nb: c", "{{ x }}"])
def test_a_pattern_that_is_no_plain_value_is_not_written(raw: str) -> None:
    """What a repository's line says is data: it cannot add a second key, a tag of YAML's own, or a template."""
    found = schema.Schema(order=("k",), fill={"k": raw}, quote={"k": "plain"}).missing({}, "d/x.md", "T")
    assert set(found) <= {"k"}
    assert all(value == raw and not why_unsafe(raw) for value in found.values())


def test_a_reviewer_turns_down_a_key_that_the_schema_does_not_give() -> None:
    """The key's value is computed again from path and title; another value, or another key, is made up."""
    given = learned(BOATS, {"docs/boats/beans.md": b"x"}).of(["docs/boats/beans.md"])
    view = {"path": "docs/boats/beans.md", "params": given, "scope": ("docs/**",)}
    good = ["title: Growing beans", "layout: docs", "permalink: /boats/beans/"]
    assert failed(good, **view) == []
    assert failed([*good[:2], "permalink: /elsewhere/"], **view) == ["added"]
    assert failed(["title: Growing beans", "draft: true"], **view) == ["added"]
