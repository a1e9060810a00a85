"""Names in each other's place: the company that a name keeps in the document gives them away."""

from __future__ import annotations

import pytest

from pantheon_git.tools.frontmatter.claims import company, listed, misplaced
from pantheon_git.tools.frontmatter.prose import read

BODY = """# Use Bun with Astro

Bun is a runtime. Install Bun on your machine, and create an Astro project with it. Every Astro project runs on the Bun
runtime, and an Astro site builds faster with the Bun runtime. Deploy the Astro site as before.
"""
SEEN = company(read(BODY), BODY)


@pytest.mark.parametrize("line", ["Run your Astro project on the Bun runtime.", "Build an Astro site with Bun."])
def test_names_where_the_document_has_them_raise_no_doubt(line: str) -> None:
    """Whatever stands in their place would keep their company worse."""
    found = misplaced(line, SEEN)
    assert found is None or found.gain <= 0


@pytest.mark.parametrize("line", ["Run your Bun project on the Astro runtime.", "Build a Bun site with Astro."])
def test_exchanged_names_are_found_though_every_word_is_the_documents(line: str) -> None:
    """And said which."""
    found = misplaced(line, SEEN)
    assert found is not None
    assert found.gain > 1
    assert {found.said, found.other} == {"Bun", "Astro"}


def test_a_list_may_stand_either_way() -> None:
    """Nothing is said of two names between which there is a comma or an “and”."""
    assert listed("for Astro and Bun", "Astro", "Bun")
    assert listed("for Astro, Vite, and Bun", "Astro", "Bun")
    assert not listed("an Astro project with Bun", "Astro", "Bun")
    assert misplaced("Notes on Bun and Astro.", company(read("# X\n"), "# X\n")) is None


def test_a_line_without_names_raises_no_doubt() -> None:
    """There is nothing that could stand elsewhere."""
    assert misplaced("How to deploy a site.", SEEN) is None


def test_hostile_text_costs_no_more_than_plain_text() -> None:
    """A body of capitals and a line of names: bounded in names, in alternatives and in what is read."""
    body = "Aaa Bbb, Ccc " * 20_000
    line = " ".join(f"x Name{n}" for n in range(2_000))
    assert misplaced(line, company(read(body), body)) is not None
