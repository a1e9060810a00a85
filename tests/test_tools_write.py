"""The tools as the agent calls them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import ToolError, Workspace

BODY = (
    "# Build a boat\n\nThis tutorial shows you how to build a small rowing boat from oak planks. Oak is strong.\n\n"
    "## Cut the oak planks\n\nCut the planks with a saw. A rowing boat needs twelve planks.\n"
)


def call(folder: Path, tool: str, params: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    jsonschema.validate(arguments, TOOLS[tool].input)
    return TOOLS[tool].run(Workspace(folder, params or {}), arguments)


def put(folder: Path, text: str, name: str = "boat.md") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_every_card_is_complete() -> None:
    """Name, one line, and an example whose arguments its own schema takes: what is bound need not be among them."""
    for name, tool in TOOLS.items():
        assert tool.name == name
        assert "\n" not in tool.summary
        jsonschema.Draft202012Validator.check_schema(tool.input)
        jsonschema.validate(tool.example, {**tool.input, "required": []})


def test_importing_the_tools_is_cheap() -> None:
    """The host inside the jail does it for every job: no file parser is loaded before it is used."""
    code = "import sys, pantheon_git.tools; print(*sorted(m for m in sys.modules if m.split('.')[0] in "
    code += "{'ruamel', 'tomlkit', 'pydantic', 'click', 'dulwich', 'jsonschema', 'difflib'}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""


def test_inspect_tells_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    """Drafts pass the gate that write applies; nothing is written."""
    path = put(tmp_path, "---\nlayout: post\n---\n" + BODY)
    found = json.loads(json.dumps(call(tmp_path, "frontmatter.inspect", path="boat.md")))
    assert found["needs"] == ["title", "description", "tags"]
    assert found["ask"] == ["description"]
    assert found["title"] == "Build a boat"
    assert found["description"] == "Learn how to build a small rowing boat from oak planks."
    assert found["headings"] == ["Build a boat", "Cut the oak planks"]
    assert found["language"] == "en"
    assert {"boat", "planks"} == set(found["tags"])
    assert "oak" in found["tag_candidates"]
    assert path.read_text() == "---\nlayout: post\n---\n" + BODY


def test_write_takes_good_words_and_says_whose_they_are(tmp_path: Path) -> None:
    """`model` for words that pass, `tool` where none were given."""
    path = put(tmp_path, BODY)
    words = "Build a rowing boat from strong oak planks with a saw."
    result = call(tmp_path, "frontmatter.write", path="boat.md", description=words)
    assert result["authorship"] == {"title": "tool", "description": "model", "tags": "tool"}
    assert f"\ndescription: {words}\n" in path.read_text()
    assert path.read_text().endswith("---\n\n" + BODY)


def test_write_replaces_words_that_fail_the_gate_and_says_why(tmp_path: Path) -> None:
    """The computed draft is written as a `fallback`, with the reasons."""
    put(tmp_path, BODY)
    result = call(tmp_path, "frontmatter.write", path="boat.md", description="Learn about 99 submarines from Atlantis.")
    assert result["authorship"]["description"] == "fallback"
    assert result["written"]["description"].startswith("Learn how to build")
    assert any("99" in reason for reason in result["reasons"]["description"])


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """Given words do not replace a person's; a complete document stays byte for byte."""
    text = "---\ntitle: Mine\ndescription: short\ntags: [One Tag]\n---\n" + BODY
    path = put(tmp_path, text)
    result = call(tmp_path, "frontmatter.write", path="boat.md", title="Theirs", description="Build a boat of oak.")
    assert result["changed"] is False
    assert set(result["authorship"].values()) == {"kept"}
    assert path.read_text() == text


def test_one_string_of_tags_becomes_a_list_and_a_doubtful_one_is_refused(tmp_path: Path) -> None:
    """Commas part tags; blanks may or may not."""
    path = put(tmp_path, "---\ntitle: T\ndescription: D\ntags: Oak Planks, Rowing\n---\n" + BODY)
    call(tmp_path, "frontmatter.write", path="boat.md")
    assert "\ntags: [oak-planks, rowing]\n" in path.read_text()
    put(tmp_path, "---\ntags: oak planks\n---\n" + BODY)
    with pytest.raises(ToolError, match="one tag or several"):
        call(tmp_path, "frontmatter.write", path="boat.md")


def test_a_vocabulary_may_be_a_file_of_the_repository(tmp_path: Path) -> None:
    """Its spelling is used as it is; tags that it does not have are not written."""
    (tmp_path / "tags.json").write_text('[["Rowing Boat", 3], "Oak", "Submarine"]')
    put(tmp_path, BODY)
    result = call(tmp_path, "frontmatter.write", {"vocabulary": "tags.json"}, path="boat.md", tags=["Submarine car"])
    assert sorted(result["written"]["tags"]) == ["Oak", "Rowing Boat"]
    assert result["authorship"]["tags"] == "fallback"


def test_only_the_fields_of_the_task_are_touched(tmp_path: Path) -> None:
    """`fields` limits what is written."""
    path = put(tmp_path, BODY)
    call(tmp_path, "frontmatter.write", {"fields": ["title"]}, path="boat.md")
    assert path.read_text() == "---\ntitle: Build a boat\n---\n\n" + BODY


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("boat.md", "---\ntitle: a\ntitle: b\n---\n" + BODY, "twice"),
        ("boat.md", "---\ntitle: x\n---\n", "nothing to make a description of"),
        ("boat.py", BODY, "not a Markdown"),
        ("boat.md", "---\ntitle: [a, b]\n---\n" + BODY, "neither text nor empty"),
    ],
)
def test_refusals_leave_every_byte(tmp_path: Path, name: str, text: str, why: str) -> None:
    """A reason for the person, and the file as it was."""
    path = put(tmp_path, text, name)
    with pytest.raises(ToolError, match=why) as refusal:
        call(tmp_path, "frontmatter.write", path=name)
    assert refusal.value.code == "refused"
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        ("---\ntitle: Build a boat\n---\n\nOther\n", "body"),
        ("---\ntitle: Other\nkey: v\n---\n" + BODY, "overwritten"),
        ("---\ntitle: Mine\n---\n" + BODY, "'key' is lost"),
        ("---\ntitle: Mine\nkey: w\n---\n" + BODY, "another value"),
        ("---\ntitle: Mine\nkey: v\nnew: 1\n---\n" + BODY, "'new' was added"),
        ("---\ntitle: Mine\nkey: v\ntags: [A B]\n---\n" + BODY, "kebab-case"),
        ("---\ntitle: Mine\nkey: v\ndescription: Short.\n---\n" + BODY, "at least 40"),
        ("---\ntitle: Mine\nkey: v\n---\n" + BODY, "description: missing"),
        (BODY, "no front matter"),
    ],
)
def test_check_names_what_is_wrong(tmp_path: Path, after: str, problem: str) -> None:
    """Against the bytes before, and in itself."""
    put(tmp_path, after)
    before = base64.b64encode(("---\ntitle: Mine\nkey: v\n---\n" + BODY).encode()).decode()
    verdict = call(tmp_path, "frontmatter.check", path="boat.md", before=before)
    assert verdict["ok"] is False
    assert any(problem in found for found in verdict["problems"]), verdict["problems"]


@pytest.mark.parametrize("path", ["../x.md", "/etc/passwd", "a/../../b", ".git/config", "link.md", "folder", "none.md"])
def test_paths_that_cannot_be_meant_are_refused(tmp_path: Path, path: str) -> None:
    """Outside, git's own, links, folders, and what does not exist."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.md").symlink_to("/etc/hostname")
    with pytest.raises(ToolError):
        call(tmp_path, "file.read", path=path)


def test_a_pipe_in_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    """Neither reading nor writing waits for the other end."""
    os.mkfifo(tmp_path / "boat.md")
    with pytest.raises(ToolError):
        call(tmp_path, "frontmatter.write", path="boat.md")


def test_files_can_be_listed_and_read_in_parts(tmp_path: Path) -> None:
    """Sorted, without git's own, with offset and limit in characters."""
    (tmp_path / "docs").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x").touch()
    put(tmp_path / "docs", "äöü and more", "a.md")
    assert call(tmp_path, "file.list") == {"paths": ["docs/a.md"], "truncated": False}
    part = call(tmp_path, "file.read", path="docs/a.md", offset=1, limit=2)
    assert (part["text"], part["total"], part["truncated"]) == ("öü", 12, True)
