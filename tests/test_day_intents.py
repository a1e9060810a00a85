"""What a line means: the specialist by its manifest, the files by what git tracks, or a reason why not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pantheon_git.cli.context import Here
from pantheon_git.cli.intake import opened
from pantheon_git.day.intents import NotUnderstoodError, Roster, understand
from pantheon_git.day.wish import Wish
from tests.cli_support import add_agent, git, make_repo

FILES = {
    "docs/a.md": "# A\n",
    "docs/Old Name.md": "# Old\n",
    "docs/deep/b.md": "---\ntitle: B\n---\n# B\n",
    "src/a.js": "export const a = 1\n",
    "src/b.js": "export const b = 2\n",
    "src/b.test.js": "test\n",
    "lib/b.js": "x\n",
    "README.md": "# R\n",
}
AGENTS = {
    "code.stubs": """
[queue]
suffixes = [".js"]
exclude = ["**/*.test.js"]
scope = ["{dir}{stem}.test.js"]
asked = ['\\btests?\\b.{0,20}\\b(?:for|of)\\b']
[queue.params]
module = "{path}"
[queue.find]
what = "modules without tests"
new = true
unless = ["spec/{name}"]
""",
    "code.symbol": """
[queue]
asked = ['rename [`"]?(?P<old>\\w+)[`"]? to [`"]?(?P<to>\\w+)[`"]?']
""",
    "doc.names": """
[queue]
asked = ['rename', 'kebab']
[queue.find]
what = "names with capitals or spaces"
name = '(?:^|/)[a-z0-9.-]+$|README'
""",
}


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Roster:
    repo = make_repo(tmp_path_factory.mktemp("intents"), FILES)
    for name, tables in AGENTS.items():
        add_agent(repo, name, tables, over="params.module" if "module" in tables else "scope")
    git(repo, "add", "-A")
    found = opened(Here(str(repo)), {"guide": "doc.frontmatter"})[1]
    return replace(found, agents={name: found.agents[name] for name in ("doc.frontmatter", *AGENTS)})


def meant(roster: Roster, text: str, **more: object) -> tuple[str, list[str], dict[str, str]]:
    found = understand(Wish("x:1", "k", text, **more), roster)  # type: ignore[arg-type]
    return found.agent.name, list(found.paths), found.params


@pytest.mark.parametrize(
    ("text", "agent", "paths"),
    [
        ("Add front matter to docs/", "doc.frontmatter", ["docs/Old Name.md", "docs/a.md"]),
        ("Front-matter in the docs folder", "doc.frontmatter", ["docs/Old Name.md", "docs/a.md"]),
        ("Frontmatter for all documents", "doc.frontmatter", ["README.md", "docs/Old Name.md", "docs/a.md"]),
        ("Front matter: `docs/deep/b.md`, though it has some", "doc.frontmatter", ["docs/deep/b.md"]),
        ("A description for [the deep one](docs/deep/b.md#x).", "doc.frontmatter", ["docs/deep/b.md"]),
        ("Tags for [[Old Name|that page]]", "doc.frontmatter", ["docs/Old Name.md"]),
        ("Write tests for src/a.js.", "code.stubs", ["src/a.js"]),
        ("Unit tests for the modules in src", "code.stubs", ["src/a.js"]),
        ("Rename `docs/Old Name.md` please", "doc.names", ["docs/Old Name.md"]),
        ("Rename everything in docs to kebab case", "doc.names", ["docs/Old Name.md"]),
        ("front matter for docs/*.md", "doc.frontmatter", ["docs/Old Name.md", "docs/a.md"]),
        ("code.stubs: `a.js`", "code.stubs", ["src/a.js"]),
    ],
)
def test_words_decide_the_specialist_and_git_the_files(roster: Roster, text: str, agent: str, paths: list[str]) -> None:
    """Folders give the files that need the work; a file that is named stands for itself."""
    assert meant(roster, text)[:2] == (agent, paths)


def test_named_groups_become_parameters(roster: Roster) -> None:
    """The longest match decides between two who rename, and brings what it caught."""
    assert meant(roster, "Rename `alpha` to `beta` in src/a.js") == (
        "code.symbol", ["src/a.js"], {"old": "alpha", "to": "beta"},
    )  # fmt: skip


def test_labels_and_fields_go_before_words(roster: Roster) -> None:
    """An agent's full name, the end of it, or a label that the person gave a meaning."""
    for more in ({"agent": "doc.names"}, {"labels": ("x", "doc.names")}, {"labels": ("names",)}):
        assert meant(roster, "Front matter for docs/a.md", **more)[0] == "doc.names"
    assert meant(roster, "See to docs/a.md", labels=("guide",))[0] == "doc.frontmatter"
    assert meant(roster, "See to it", labels=("guide",), paths=("docs/a.md",))[1] == ["docs/a.md"]
    assert meant(roster, "Front matter", details="of docs/a.md")[1] == ["docs/a.md"]


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("The description of the API in docs/a.md stays", {}, "no specialist is asked for in these words"),
        ("Fix the login page docs/a.md", {}, "no specialist is asked for in these words"),
        ("Front matter for docs/x.md", {}, "no tracked file matches docs/x.md"),
        ("Front matter", {}, "names no file or folder of this repository for doc.frontmatter"),
        ("Front matter for src/a.js", {}, "asks for doc.frontmatter, which is not meant for src/a.js"),
        ("Tests for b.js", {}, "no file or folder"),
        ("Front matter for docs/deep", {}, "none needs it (documents without front matter)"),
        ("See to docs/a.md", {"agent": "doc.name"}, "there is no specialist 'doc.name'; did you mean 'doc.names'?"),
        ("Front matter for .", {"paths": ("gone/",)}, "no tracked file matches gone/"),
    ],
)
def test_what_is_not_understood_says_why(roster: Roster, text: str, more: dict[str, object], said: str) -> None:
    """In words for whoever wrote the line; nothing is guessed, not even between two files of one name."""
    with pytest.raises(NotUnderstoodError) as caught:
        meant(roster, text, **more)
    assert said in str(caught.value)
