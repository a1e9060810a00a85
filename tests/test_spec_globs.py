"""Globs mean the same to planner and gate; these are the meanings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon_git.spec.globs import Globs, escape, is_literal


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("docs/a.md", "docs/a.md", True),
        ("docs/a.md", "docs/a.md2", False),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/x/a.md", False),
        ("docs/**/*.md", "docs/a.md", True),
        ("docs/**/*.md", "docs/x/y/a.md", True),
        ("docs/**", "docs/x/y", True),
        ("docs/**", "docs", False),
        ("docs/", "docs/x/y", True),
        ("**/a.md", "a.md", True),
        ("**", "x/y", True),
        ("a?.md", "ab.md", True),
        ("a?.md", "a/.md", False),
        ("[ab].md", "b.md", True),
        ("[!ab].md", "b.md", False),
        ("[!ab].md", "c.md", True),
        ("x[!a]y", "x/y", False),
        ("app/[[]slug]/page.md", "app/[slug]/page.md", True),
        ("a.md", "aXmd", False),
        ("**/.github/**", ".github/workflows/x.yml", True),
    ],
)
def test_meaning(pattern: str, path: str, matches: bool) -> None:
    """Each wildcard means what the module's head says."""
    assert (path in Globs([pattern])) is matches


@given(st.text(alphabet="ab[]*?!^-\\/. é", min_size=1, max_size=12).filter(lambda p: not p.endswith("/")))
def test_escape_matches_only_itself(path: str) -> None:
    """An escaped path is a literal glob that matches that path."""
    glob = escape(path)
    assert is_literal(glob)
    assert path in Globs([glob])
    assert path + "x" not in Globs([glob])


@given(st.text(alphabet="ab[]*?!^-\\/.", max_size=10), st.text(alphabet="ab/.]", max_size=8))
def test_any_pattern_compiles(pattern: str, path: str) -> None:
    """No pattern, however odd, raises."""
    assert (path in Globs([pattern])) in (True, False)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("[b-a]", "a", False),
        ("x[b-a]", "x", False),
        ("[?--]", "-", False),
        ("[+--]", ",", True),
        ("[a&&b]", "&", True),
        ("[a||b~~]", "~", True),
        ("[!b-a]", "a", True),
        ("docs[+-9]x", "docs/x", False),
        ("docs[!a]x", "docs/x", False),
    ],
)
def test_classes_are_gits_and_never_hold_a_slash(pattern: str, path: str, matches: bool) -> None:
    """Ranges that run backwards, doubled signs that Python reads as set operations, and a range around the slash."""
    assert (path in Globs([pattern])) is matches
