"""A night in a repository that has a schema: a document gets what its neighbours have, and the replay says the same."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pantheon_git.day.documents import Document
from pantheon_git.day.siblings import parts
from pantheon_git.errors import PantheonError
from pantheon_git.ledger import read
from pantheon_git.night.replay import replay
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import git, put
from tests.night_kit import commit, night, queued_repo


@pytest.mark.jail
def test_a_night_writes_the_schema_of_the_base_commit(tmp_path: Path) -> None:
    """Learned from committed bytes, handed into the jail, checked and reviewed there and here, recorded, replayed."""
    repo = queued_repo(tmp_path / "repo", 1)
    for n in range(6):
        head = f'layout: guide\ntitle: "Hive {n}"\nslug: hive-{n}\ntags:\n  - bees\n  - City Hives\n'
        put(repo / f"docs/hive-{n}.md", f"---\n{head}---\n\nA hive for bees in the city, number {n}.\n")
    commit(repo, "Documents with front matter")
    night(repo)
    found = Git.discover(repo)
    objects = Objects(found)
    entry = read.job(found, objects, "t000")
    assert entry.ending == "pr", entry.reason
    written = git(repo, "show", f"{entry.commit}:docs/d000.md").split("\n---\n")[0].split("\n")
    assert written[1:4] == ["layout: guide", 'title: "Keeping bees in the city of number 0"', "slug: d000"]
    assert written[4] == "tags:"
    assert "  - bees" in written
    told = json.loads(read.artifact(objects, next(n for n in entry.nodes if n.name == "write"))["input.json"])["params"]
    assert told["schemas"][0]["fill"] == {"layout": "guide", "slug": "{stem}"}
    assert told["tags_in_use"][0] == ["City Hives", 6.0]
    info = read.nights(found, objects)[0].info
    assert info["conventions"].startswith("sha256:")
    same = asyncio.run(replay(found, "t000"))
    assert same.same, [str(one) for one in same.nodes if not one.same]


def test_a_document_is_never_among_those_that_it_learns_from() -> None:
    """Dealt into parts: each document is done once, beside the others with people's own words, without its own."""
    documents = [Document(str(n), f"d/{n}.md", f"Text {n}.\n".encode(), {}) for n in range(11)]
    truth = [{"id": str(n), "title": f"Title {n}", "tags": ["x: y", "z"]} for n in range(10)]
    dealt = parts(documents, truth)
    assert sorted(one.id for some, _ in dealt for one in some) == sorted(one.id for one in documents)
    for some, others in dealt:
        assert {one.id for one in some}.isdisjoint(one.id for one in others)
        assert len(some) + len(others) == 11
        assert all(one.data.startswith(b"Text") for one in some)
    given = {one.id: one.data for _, others in dealt for one in others}
    assert given["3"] == b"---\ntitle: Title 3\ntags: ['x: y', z]\n---\n\nText 3.\n"
    assert given["10"] == b"Text 10.\n"
    with pytest.raises(PantheonError, match=r"truth\.jsonl"):
        parts(documents, [])
