"""Whatever the bytes: refused with the file untouched, or every promise holds."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pantheon_git.tools import TOOLS
from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.frontmatter.document import parse
from pantheon_git.tools.protocol import ToolError, Workspace

PIECES = """---|--- |...|+++|{|}|# Title|title: A thing|title:|title: [|tags: [a, b]|tags: a, b|description: ''|- item
  indented text|key: &a value|other: *a|x: 1\t# c|# comment|title = "T"|n = 1|[table]|"title": "T",|"n": 1|? x|%YAML 1.1
This tutorial shows you how to build a small boat.|```|<div>|{{ x }}|y: {{ x }}/a|a: b: c|\ufeff|
日本語のセッションは、データを共有するために使用します。|description: >|weight: 007|date: 2020-01-02|title: yes
title: 404
""".replace("\n", "|").split("|")
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=14)
BYTES = st.one_of(
    st.tuples(TEXTS, st.sampled_from(["\n", "\r\n"])).map(lambda t: t[1].join(t[0]).encode("utf-8", "surrogatepass")),
    st.tuples(TEXTS, TEXTS).map(lambda t: "\n".join(["---", *t[0], "---", *t[1]]).encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@given(raw=BYTES, form=st.sampled_from(["keep", "yaml"]), said=st.one_of(st.none(), st.text(max_size=60)))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_refused_untouched_or_written_with_every_promise_kept(
    folder: Path, raw: bytes, form: str, said: str | None
) -> None:
    """Refused: same bytes. Written: body kept, no key lost, check passes, and a second call changes nothing."""
    workspace = Workspace(folder, {"format": form, "tags_in_use": ["boats"]})
    path = folder / "some-page.md"
    path.write_bytes(raw)
    arguments = {"path": "some-page.md"} | ({"description": said, "tags": [said]} if said is not None else {})
    try:
        result = TOOLS["frontmatter.write"].run(workspace, arguments)
    except ToolError:
        assert path.read_bytes() == raw
        return
    written = path.read_bytes()
    assert result["changed"] == (written != raw)
    before, after = parse(raw), parse(written)
    assert after.body in (before.body, before.eol + before.body)
    assert set(before.values) <= set(after.values)
    verdict = TOOLS["frontmatter.check"].run(
        workspace, {"path": "some-page.md", "before": base64.b64encode(raw).decode()}
    )
    assert verdict["ok"], verdict["problems"]
    assert TOOLS["frontmatter.write"].run(workspace, arguments)["changed"] is False
    assert path.read_bytes() == written
    assert TOOLS["frontmatter.inspect"].run(workspace, {"path": "some-page.md"})["needs"] in ([], ["tags"])


@given(raw=BYTES)
@settings(max_examples=200, deadline=None)
def test_reading_loses_no_byte(raw: bytes) -> None:
    """Parts put together again and encoded are the bytes that were read, unless something had to be mended."""
    try:
        doc = parse(raw)
    except ToolError:
        return
    if not doc.repairs:
        assert doc.encode(doc.text) == raw


@given(value=st.text(min_size=1, max_size=40))
@settings(max_examples=400, deadline=None)
def test_what_is_said_in_yaml_is_read_back_by_two_readers(value: str) -> None:
    """ruamel (1.2) and PyYAML (1.1) both read the very same string, alone and within a list."""
    import yaml

    said, listed = yamltext.say(value), yamltext.say_list([value, "x"])
    text = f"k: {said}\nl: {listed}\n"
    read = yamltext.read(text)
    assert read.values == {"k": value, "l": [value, "x"]}
    assert yaml.safe_load(text) == read.values
