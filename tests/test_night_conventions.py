"""What a repository does already is read from plain lines; hostile documents cost nothing and break nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pantheon_git.night import matter, schema, tagger
from pantheon_git.night.conventions import Conventions, learned


@pytest.mark.parametrize(
    ("head", "tags"),
    [
        (b"---\ntitle: x\ntags: [git, 'local first', \"ci\"]\n---\n", ("git", "local first", "ci")),
        (b"---\r\ntags:\r\n  - git\r\n  - ci\r\nx: 1\r\n---\r\n", ("git", "ci")),
        (b"---\ntags:\n- a-b\n- c\n---\n", ("a-b", "c")),
        (b'+++\ntags = ["one", "two"]\n+++\n', ("one", "two")),
        (b"\xef\xbb\xbf---\ntags: [bom]\n---\n", ("bom",)),
        (b"---\ntags: [&a !!python/object:os.system, ok]\n---\n", ("ok",)),
    ],
)
def test_tags_of_every_kind_of_list(head: bytes, tags: tuple[str, ...]) -> None:
    """Flow and block lists of YAML and arrays of TOML, whatever the line ends."""
    found = matter.read(head)
    assert found is not None
    assert found.tags == tags


@pytest.mark.parametrize("head", [b"# none\ntags: [x]\n---\n", b"---\ntags: [open\n", b"", b"----\ntags: [x]\n---\n"])
def test_what_is_not_closed_front_matter_is_none(head: bytes) -> None:
    """A rule, an open fence and plain text count for nothing."""
    assert matter.read(head) is None


def test_lines_say_how_they_are_written() -> None:
    """Quotes, lists with their indent, comments left out; what spans lines is not looked into."""
    found = matter.read(b"---\nt: 'it''s' \na: \"x\"\nb: plain # why\nc:\n  - 1\nd: |\n  text\ne:\n  f: 1\n---\nbody\n")
    assert found is not None
    lines = {key: (line.value, line.quote, line.shape, line.indent) for key, line in found.keys.items()}
    assert lines["t"] == ("it's", "single", "scalar", 0)
    assert lines["a"] == ("x", "double", "scalar", 0)
    assert lines["b"] == ("plain", "plain", "scalar", 0)
    assert lines["c"] == ("", "plain", "block", 2)
    assert lines["d"][2] == lines["e"][2] == "other"
    assert matter.body(b"---\nt: x\n---\nbody\n") == "body\n"


@given(st.binary(max_size=200).map(lambda b: b"---\ntags:" + b))
def test_no_document_breaks_it(head: bytes) -> None:
    """Any bytes give short words, or nothing."""
    found = matter.read(head)
    assert found is None or all(0 < len(tag) <= 40 for tag in found.tags)


def page(number: int, **more: str) -> bytes:
    keys = {"layout": "docs", "title": f'"The Boat {number}"', "permalink": f"/boats/boat-{number}/", **more}
    lines = "".join(f"{key}: {value}\n" for key, value in keys.items() if value)
    return f"---\n{lines}tags:\n- oar\n- boat-{number % 3}\n---\n\nA boat with {number} oars.\n".encode()


BOATS = {f"docs/boats/boat-{n}.md": page(n, author="Ada" if n % 2 else "Bo") for n in range(12)}


def schema_for(documents: dict[str, bytes], target: str) -> dict[str, object]:
    found = learned(documents, {target: b"# New\n\nText.\n"}).of([target])
    schemas: list[dict[str, object]] = found["schemas"]
    return schemas[found["documents"][target]["schema"]]


def test_the_schema_is_what_nearly_all_documents_of_the_folder_have() -> None:
    """Order, quotes, lists; constants and values that the path gives; who wrote a document is nobody's constant."""
    found = schema_for(BOATS, "docs/boats/new.md")
    assert found["order"] == ["layout", "title", "permalink", "author", "tags"]
    assert found["fill"] == {"layout": "docs", "permalink": "/boats/{stem}/"}
    assert found["quote"] == {"author": "plain", "layout": "plain", "permalink": "plain", "title": "double"}
    assert (found["lists"], found["indent"], found["tags"]) == ("block", 0, [2, 2])
    assert found["unused"] == ["description"]
    assert found["case"] == "title"
    assert found["templates"] == {"title": "The {}"}


def test_a_key_that_some_have_is_not_added_to_the_others() -> None:
    """Seven of twelve are no habit; neither is a constant claimed of a document by a name, a date or an address."""
    some = {path: page(n, toc="true" if n < 7 else "", date="2024-01-01") for n, path in enumerate(BOATS)}
    found = schema_for(some, "docs/boats/new.md")
    assert found["fill"] == {"layout": "docs", "permalink": "/boats/{stem}/"}


def test_folders_have_their_own_habits_and_small_ones_the_habit_above() -> None:
    """Five documents make a habit; a folder with fewer follows the folder above it, and without any there is none."""
    notes = {f"notes/n{n}.md": b"+++\ntitle = 'x'\nkind = 'note'\n+++\ntext\n" for n in range(5)}
    found = learned({**BOATS, **notes}, {"notes/new.md": b"x", "docs/few/new.md": b"x", "other.md": b"x"})
    number = {path: about["schema"] for path, about in found.documents.items()}
    assert found.schemas[number["notes/new.md"]]["format"] == "toml"
    assert found.schemas[number["docs/few/new.md"]]["folder"] == "docs"
    assert found.schemas[number["other.md"]]["folder"] == "."
    few = dict(list(BOATS.items())[:4])
    assert "schemas" not in learned(few, {"docs/boats/new.md": b"x"}).of(["docs/boats/new.md"])


def test_a_job_is_told_of_its_own_files_and_the_same_whatever_else_the_night_does() -> None:
    """So that a replay of one job comes to the same parameters; a job on other files is told nothing."""
    both = learned(BOATS, {"docs/boats/a.md": b"boat", "docs/b.md": b"boat"})
    alone = learned(BOATS, {"docs/b.md": b"boat"})
    assert both.of(["docs/b.md"]) == alone.of(["docs/b.md"])
    assert list(both.of(["docs/b.md"])["documents"]) == ["docs/b.md"]
    assert both.of(["src/x.py"]) == Conventions().of(["docs/b.md"]) == {}
    assert both.digest != alone.digest == learned(BOATS, {"docs/b.md": b"boat"}).digest


def test_the_ranker_learns_what_this_repository_tags() -> None:
    """Here a tag is what the text says in code, never what the title says: the fitted weights turn round."""
    words = ["oak", "pine", "ash", "elm", "birch", "cedar"]
    documents = {}
    for n in range(36):
        loud, quiet = words[n % 6], words[(n + 1) % 6]
        text = f"# About {loud} wood\n\nThe {loud} is loud, {loud} and {loud}.\n\nBuilt with [{quiet}](x), no more.\n"
        documents[f"d{n}.md"] = f"---\ntitle: About {loud} wood\ntags: [{quiet}]\n---\n\n{text}".encode()
    ranker = learned(documents, {"new.md": b"x"}).shared["ranker"]
    assert ranker["weights"]["in_title"] < tagger.WEIGHTS["in_title"]
    assert ranker["weights"]["linked"] > tagger.WEIGHTS["linked"]
    assert ranker["by"].startswith("scikit-learn")


def test_neighbours_are_the_documents_that_say_the_same() -> None:
    """Tags of the likest ones, by likeness; the document itself does not count."""
    kinds = [("hive", "bee honey wax"), ("boat", "oar mast sail")]
    some = [tagger.Tagged(f"{n}.md", "", (kinds[n % 2][0],), kinds[n % 2][1]) for n in range(20)]
    near = tagger.Neighbours(some).near("1.md", "", "oar mast sail")
    assert near == {"boat": 1.0}


def test_without_the_library_the_shipped_weights_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core install has the schema and the tags in use, and neither ranker nor neighbours."""
    monkeypatch.setattr(tagger, "available", lambda: False)  # the environment of the tests has it
    found = learned(BOATS, {"docs/boats/new.md": b"x"}).of(["docs/boats/new.md"])
    assert "ranker" not in found
    assert found["tags_in_use"][0] == ["oar", 12.0]
    assert found["documents"]["docs/boats/new.md"] == {"schema": 0}


def test_learning_grows_with_the_documents_and_not_faster() -> None:
    """Ten times as many documents take at most some twenty times as long: one pass, and a bounded fit."""

    def seconds(number: int) -> float:
        documents = {f"docs/boats/boat-{n}.md": page(n) for n in range(number)}
        started = time.process_time()
        schema.learn({p: m for p, d in documents.items() if (m := matter.read(d))}, documents)
        return time.process_time() - started

    seconds(50)
    assert seconds(2000) < 20 * seconds(200) + 0.5


@given(st.dictionaries(st.sampled_from(["a.md", "d/b.md", "d/c.md"]), st.binary(max_size=300), max_size=3))
@settings(max_examples=50, deadline=None)
def test_no_repository_breaks_it(documents: dict[str, bytes]) -> None:
    """Whatever bytes the documents are, parameters come out that are plain data."""
    import json

    json.dumps(learned(documents, documents).of(list(documents)))
