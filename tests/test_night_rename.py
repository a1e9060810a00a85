"""Renames by day and by night: the scope that `add` computes, jobs that keep to it, PRs that git calls renames."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import git, inside, make_repo, put
from tests.night_kit import commit, night, trusted_key

LONG = "".join(f"Line {number} of a page that is long enough to be known again.\n" for number in range(30))
FILES = {
    "docs/Old_Page.md": f"---\ntitle: An old page\nslug: old-page\n---\n# An old page\n\n[up](../README.md)\n{LONG}",
    "docs/other.md": "See [it](Old_Page.md#top) and [far](<My Notes/Deep One.md>).\n",
    "docs/My Notes/Deep One.md": "# Deep one\n\n[old](../Old_Page.md) ![i](i.png)\n" + LONG,
    "docs/My Notes/i.png": "picture",
    "docs/fine-name.md": "# Fine name\n",
    "README.md": "[page](docs/Old_Page.md)\n[notes](docs/My%20Notes/Deep%20One.md)\n",
    "mkdocs.yml": "nav:\n  - Old: Old_Page.md\n",
    ".github/CONTRIBUTING.md": "Read [this](../docs/Old_Page.md).\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    trusted_key()
    return make_repo(tmp_path / "repo", FILES)


def tasks(repo: Path) -> dict[str, dict[str, object]]:
    return {path.stem: tomllib.loads(path.read_text()) for path in sorted((repo / ".pantheon/queue").glob("*.toml"))}


def entries(repo: Path, name: str) -> list[JobEntry]:
    found = Git.discover(repo)
    return sorted(read.jobs(found, Objects(found), name), key=lambda entry: entry.job)


def add(repo: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, dict[str, object]]:
    """The task that `add` makes: its id, and what it says."""
    done = inside(repo, "add", "doc.rename", *words, "--json", capsys=capsys, check=True)
    (made,) = json.loads(done.out)
    return made["id"], tasks(repo)[made["id"]]


def test_add_looks_up_what_refers_to_the_file(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Old path, new ones, and the files that name it; what no job may change is left out, named and told."""
    done = inside(repo, "add", "doc.rename", "docs/Old_Page.md", "--param", "to=new-page", capsys=capsys, check=True)
    (task,) = tasks(repo).values()
    assert task["params"] == {"path": "docs/Old_Page.md", "to": "new-page", "leave": [".github/CONTRIBUTING.md"]}
    wanted = ["docs/Old_Page.md", "docs/new-page.md", "README.md", "docs/My Notes/Deep One.md", "docs/other.md"]
    assert task["scope"] == {"paths": [*wanted, "mkdocs.yml"]}
    assert "by hand: ../docs/new-page.md" in done.err
    assert inside(repo, "check", capsys=capsys).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["docs/fine-name.md"], "its name says what the document is"),
        (["docs/Old_Page.md", "--param", "to=fine-name.md"], "docs/fine-name.md exists"),
        (["docs/Old_Page.md", "--param", "to=Fine-Name.md"], "where case does not count"),
        (["docs/Old_Page.md", "--param", "to=../../x.md"], "not a path within the repository"),
    ],
)
def test_add_says_by_day_what_no_night_could_do(
    repo: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A taken name, a path outside, a name that needs no other: nothing is queued."""
    done = inside(repo, "add", "doc.rename", *words, capsys=capsys)
    assert done.code == 1
    assert said in done.err
    assert tasks(repo) == {}


def test_names_on_the_same_files_are_one_task(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder means what is badly named in it; files that refer to several make them one task with all names in it."""
    _, task = add(repo, capsys, "docs")
    renames = [("docs/My Notes/Deep One.md", "docs/My Notes/deep-one.md"), ("docs/Old_Page.md", "docs/old-page.md")]
    assert task["params"]["renames"] == [{"old": old, "new": new} for old, new in renames]  # type: ignore[index]
    assert "already queued" in inside(repo, "add", "doc.rename", "docs", capsys=capsys).err


def test_the_example_task_is_what_add_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example passes `check`, and its scope is the one that `add` computes for the shipped documents."""
    examples = Path(__file__).parent.parent / "examples"
    repo = make_repo(tmp_path / "repo")
    shutil.copytree(examples / "docs" / "notes", repo / "notes")
    commit(repo, "Notes")
    _, made = add(repo, capsys, "notes/tide-tables.md", "--param", "to=reading-tide-tables")
    example = tomllib.loads((examples / "queue/rename-tides.toml").read_text())
    assert made["scope"] == example["scope"]
    assert {**made["params"], "names": False} == example["params"]  # type: ignore[dict-item]
    put(repo / ".pantheon/queue/rename-tides.toml", (examples / "queue/rename-tides.toml").read_text())
    assert inside(repo, "check", capsys=capsys).code == 0


@pytest.mark.jail
def test_a_night_renames_what_was_asked_and_nothing_else(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A PR that git shows as renames, every link right; what refers to the file outside the scope stops the job."""
    first, _ = add(repo, capsys, "docs/Old_Page.md", "--param", "to=guides/new-page.md")
    put(repo / ".pantheon/policy.toml", "schema = 1\n[plants]\nshare = 0\n")
    commit(repo, "Queue")
    result = night(repo)
    assert result.night is not None
    (entry,) = entries(repo, result.night)
    assert entry.ending == "pr", entry.summary
    branch = f"pantheon/pr/{first}.1"
    shown = git(repo, "diff", "-M", "--name-status", "main", branch, "--", "docs", "guides", "README.md", "mkdocs.yml")
    assert [line.split("\t")[0][:1] for line in shown.splitlines()] == ["M", "M", "M", "R", "M"]
    at = {path: git(repo, "show", f"{branch}:{path}") for path in ("README.md", "docs/other.md", "mkdocs.yml")}
    assert at["README.md"] == "[page](guides/new-page.md)\n[notes](docs/My%20Notes/Deep%20One.md)\n"
    assert at["docs/other.md"].startswith("See [it](../guides/new-page.md#top) and")
    assert at["mkdocs.yml"] == "nav:\n  - Old: ../guides/new-page.md\n"
    moved = git(repo, "show", f"{branch}:guides/new-page.md")
    assert moved == FILES["docs/Old_Page.md"].replace("old-page", "new-page")


@pytest.mark.jail
def test_a_folder_moves_as_a_whole_and_a_scope_that_is_too_small_stops_the_job(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pictures and all; and a file that came to refer to it after the scope was computed is named."""
    whole, task = add(repo, capsys, "docs/My Notes", "--param", "to=docs/my-notes")
    assert task["params"] == {"path": "docs/My Notes/", "to": "docs/my-notes"}
    late, _ = add(repo, capsys, "docs/Old_Page.md")
    put(repo / "later.md", "[new](docs/Old_Page.md)\n")
    put(repo / ".pantheon/policy.toml", "schema = 1\n[plants]\nshare = 0\n")
    commit(repo, "Queue, and one more reference")
    result = night(repo, only=(late,))
    assert result.night is not None
    (entry,) = entries(repo, result.night)
    assert (entry.ending, entry.stopped_at) == ("failed", "check")
    reason = str(next(node for node in entry.nodes if node.name == "check").reason)
    assert "later.md" in reason.partition("outside the task's scope")[2]
    assert night(repo, only=(whole,)).night is not None
    assert git(repo, "ls-tree", "-r", "--name-only", f"pantheon/pr/{whole}.1", "docs/").splitlines() == [
        "docs/Old_Page.md", "docs/fine-name.md", "docs/my-notes/Deep One.md", "docs/my-notes/i.png", "docs/other.md",
    ]  # fmt: skip
