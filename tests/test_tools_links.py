"""Whatever the bytes of a tree: a rename changes names and nothing else, and a second call changes nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pantheon_git.tools.links.find import Finder, apply, decode, encode
from pantheon_git.tools.links.own import own
from pantheon_git.tools.links.tree import Tree
from pantheon_git.tools.rename import names
from tests.test_tools_rename import lay, rename, snapshot

OLD, NEW = "docs/Old Page.md", "docs/new-page.md"
PIECES = """[a](docs/Old%20Page.md)|[b](<Old Page.md> "t")|[c]: Old%20Page.md|<a href="/docs/Old%20Page">|> quote
- item|    indented|```|`code`|`docs/Old Page.md`|![i](Old%20Page.md#x)|---|nav:|  - x: Old Page.md|"Old Page.md",
{{< ref "Old Page.md" >}}|| a | [t](Old%20Page.md) ||<!-- Old Page.md -->|[x](other.md)|\ufeff|\\[no](Old%20Page.md)
[[w]]|key: 'Old Page.md'|link: /docs/Old Page|.. toctree::|   Old Page|:doc:`Old Page`|import x from './Old Page.md'
https://x.org/docs/Old%20Page/|\x0b|\x85|\u2028|a\tb|[a]()
""".replace("\n", "|").split("|")
TEXTS = st.tuples(
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
).map(lambda parts: parts[1].join(parts[0]).encode("utf-8", "surrogatepass"))
BYTES = st.one_of(TEXTS, st.binary(max_size=40), st.tuples(TEXTS, st.binary(max_size=6)).map(b"".join))
NAMES = st.sampled_from(["README.md", "docs/a.mdx", "mkdocs.yml", "docs/index.rst", "sidebars.js", "a.toml", "x.html",
                         "data.json", "_redirects", "docs/b.md", "notes.txt"])  # fmt: skip


@given(page=BYTES, others=st.dictionaries(NAMES, BYTES, max_size=3), named=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_is_renamed_with_every_byte_kept_but_the_references(
    page: bytes, others: dict[str, bytes], named: bool
) -> None:
    """Applied twice, the same tree; the check agrees; taking the new name out of the new text and the old one out of
    the old leaves the same bytes, since nothing but mentions changed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lay(root, {OLD: page, **others})
        before = snapshot(root)
        rename(root, {"renames": [{"old": OLD, "new": NEW}], "names": named})
        after = snapshot(root)
        for path, data in before.items():
            new = after[NEW if path == OLD else path]
            assert new.count(b"\n") == data.count(b"\n")
            assert _bare(new) == _bare(data)


def _bare(data: bytes) -> bytes:
    """Without either name, and without what writing one of them may ask for around it."""
    for name in (b"docs/Old%20Page", b"docs/Old Page", b"docs/new-page", b"Old%20Page", b"Old Page", b"old page",
                 b"old%20page", b"new-page"):  # fmt: skip
        data = data.replace(name, b"")
    return data


@given(raw=st.one_of(st.binary(max_size=200), st.text().map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_reading_loses_no_byte(raw: bytes) -> None:
    """What is read as text is written as the same bytes, whatever its encoding."""
    text = decode(raw)
    assert text is None or encode(text) == raw
    assert text is None or apply(text, ()) == text


@pytest.mark.parametrize(
    ("title", "name", "wanted"),
    [
        ("Cache API", "cache_api.md", "cache-api.md"),
        ("Appwrite & Astro", "appwriteio.md", "appwrite.md"),
        ("Enforcing your code of conduct", "conduct.md", "code-of-conduct.md"),
        ("Step 3: Packaging", "setup.rst", "packaging.rst"),
        ("Überblick", "Übersicht Seite.md", "ubersicht-seite.md"),
        ("Old post", "2020-01-02-Old_Post.md", "2020-01-02-old-post.md"),
        ("Install", "01_Install Guide.mdx", "01-install-guide.mdx"),
        ("Home", "README.md", "README.md"),
        ("設定", "設定.md", ""),
    ],
)
def test_a_name_is_computed_from_old_name_and_title(title: str, name: str, wanted: str) -> None:
    """A name that is not kebab-case keeps its words, a poor one gives way to the title's; what cannot be said in Latin
    letters has none."""
    found = names.candidates(f"docs/{name}", [title])
    assert found[:1] == ([wanted] if wanted else [])
    assert all(names.is_fine(each) for each in found)


def test_an_address_that_a_page_gives_itself_follows_only_where_it_was_made_of_its_path() -> None:
    """A slug of a person's own choice stays, and old addresses do."""
    text = "---\nslug: old-page\npermalink: /x/old-page/\nurl: /chosen/\naliases: [/old-page/]\nlang: de\n---\n"
    assert [said for _, said in own(text, "x/old-page.md", "x/new.md")] == ["new", "/x/new/"]
    assert [said for _, said in own(text, "de/a.md", "at/a.md")] == ["at"]


def test_a_link_is_rewritten_only_where_the_result_means_the_file() -> None:
    """A file that would be caught by another of the same address is left, and told."""
    files = {"_docs/a.md": b"", "_data/nav.yml": b"docs:\n  - a\n"}
    found = Finder(files, files.__getitem__, {"_docs/a.md": "other/place/b.md"}).find()
    assert found.edits == {}
    assert [(one.path, one.line, one.text) for one in found.left] == [("_data/nav.yml", 2, "a")]
    assert Tree(files).folders == {"", "_docs", "_data"}
