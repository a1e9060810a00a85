"""`suggest`: what repeats is found by the specialists' own manifests, grouped, ranked by signed nights, queued on
demand."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from pantheon_git.day import clusters
from pantheon_git.day.findings import Finding
from pantheon_git.day.success import Success, record
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests import night_kit
from tests.cli_support import Done, add_agent, git, inside, make_repo
from tests.test_day_intents import AGENTS

GUIDE = "# Guide {n}\n\nHow to do the thing number {n}.\n\n## Before\n\n- one\n- two\n\n## After\n\nText.\n"
POEM = "Roses are {n},\nviolets are blue,\n\nand so on and on,\nin lines without end.\n"
TABLE = "| flag | meaning |\n|---|---|\n| -{n} | x |\n\n> Seen {n} times.\n\n```sh\nls -{n}\n```\n\n1. first\n2. then\n"
HAS = "---\ntitle: There\n---\n\n# There\n"
HEADED = (
    '[queue]\nsuffixes = [".js"]\n[queue.find]\nwhat = "modules without a licence"\nlacks = "SPDX-"\nusual = true\n'
)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files = {
        **{f"docs/guides/g{n}.md": GUIDE.format(n=n) for n in range(6)},
        **{f"docs/poems/p{n}.md": POEM.format(n=n) for n in range(4)},
        "docs/has.md": HAS, "docs/empty.md": "", "src/a.js": "export const a = 1\n", "src/b.js": "// SPDX-x\n",
        "src/b.test.js": "x\n", "src/data.js": "\0binary",
    }  # fmt: skip
    made = make_repo(tmp_path / "r", files)
    (made / "docs/link.md").symlink_to("guides/g0.md")
    add_agent(made, "code.stubs", AGENTS["code.stubs"], over="params.module")
    add_agent(made, "code.licence", HEADED)
    git(made, "add", "-A")
    git(made, "commit", "-qm", "Agents")
    return made


@pytest.fixture
def run(repo: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return lambda *words, **more: inside(repo, *words, capsys=capsys, **more)


@pytest.fixture(params=[True, False], ids=["learned", "by-folder"])
def extra(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With the extra `learn`, and as if it were not installed."""
    if request.param:
        pytest.importorskip("sklearn")
    else:
        monkeypatch.setattr(clusters, "known", lambda: False)
    return bool(request.param)


def test_what_is_alike_is_one_suggestion(run: Callable[..., Done], extra: bool) -> None:
    """The stock specialist and two that only this repository has; links, empty and binary files need nobody."""
    told = json.loads(run("suggest", "--json", "--limit", "99", check=True).out)
    mine = {"doc.frontmatter", "code.stubs", "code.licence"}  # other stock ones may find something too
    found = {(one["what"], one["agent"], len(one["paths"])) for one in told if one["agent"] in mine}
    assert found == {
        ("documents without front matter in docs/guides/", "doc.frontmatter", 6),
        ("documents without front matter in docs/poems/", "doc.frontmatter", 4),
        ("modules without tests in src/", "code.stubs", 1),
        ("modules without a licence in src/", "code.licence", len({"src/a.js", "src/b.test.js"})),
    }
    assert [one["worth"] for one in told] == sorted((one["worth"] for one in told), reverse=True)
    said = run("suggest", check=True)
    assert " 1  6 documents without front matter in docs/guides/  → doc.frontmatter\n    not tried here yet" in said.out
    assert (clusters.INSTALL in said.err) is not extra


def test_what_is_suggested_can_be_queued_and_is_not_suggested_again(repo: Path, run: Callable[..., Done]) -> None:
    """The tasks are those of `add`, with scope and parameters as the manifest says, and `check` accepts them."""
    dry = run("suggest", "docs/guides", "src", "--write", "--dry-run", check=True)
    assert "would be queued: " in dry.err
    assert not (repo / ".pantheon").exists()
    run("suggest", "docs/guides", "--write", check=True)
    tasks = [tomllib.loads(file.read_text()) for file in (repo / ".pantheon/queue").glob("*.toml")]
    assert sorted(task["scope"]["paths"][0] for task in tasks) == [f"docs/guides/g{n}.md" for n in range(6)]
    assert run("check").code == 0
    again = run("suggest", "docs/guides", "--agent", "doc.frontmatter", check=True)
    assert "nothing to suggest; 6 files are queued already" in again.err
    assert "next:" not in again.err


def test_what_a_house_does_not_do_is_not_missed(repo: Path, run: Callable[..., Done]) -> None:
    """Headers are suggested while one file has one, and not when none has."""
    assert "1  2 modules without a licence in src/" in run("suggest", "--agent", "code.licence", check=True).out
    git(repo, "rm", "-q", "-f", "src/b.js")
    assert "nothing to suggest" in run("suggest", "--agent", "code.licence", check=True).err


def test_what_is_to_be_written_is_found_by_its_absence(run: Callable[..., Done]) -> None:
    """A module whose test is there needs none; scope and parameter come from the manifest."""
    (one,) = json.loads(run("suggest", "--agent", "code.stubs", "--json", check=True).out)
    assert one["paths"] == ["src/a.js"]
    (task,) = json.loads(run("suggest", "--agent", "code.stubs", "--write", "-n", "--json", check=True).out)
    assert "flow" in task["why_not"], "there is no flow for it here, and check would say so"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nowhere"], "nowhere: no tracked file"), (["--agent", "doc.nobody"], "there is no specialist 'doc.nobody'")],
)
def test_what_cannot_be_looked_at_is_one_error(run: Callable[..., Done], words: list[str], said: str) -> None:
    """And the usual exit code."""
    done = run("suggest", *words)
    assert (done.code, said in done.err) == (1, True), done.both


def test_groups_are_stars_and_do_not_depend_on_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two families of files in one folder fall apart; more files than can be compared are grouped by folder."""
    pytest.importorskip("sklearn")
    found = [Finding("a", f"d/{n}.md", (GUIDE if n % 2 else TABLE).format(n=n)) for n in range(12)]
    groups = [{one.path for one in group} for group in clusters.clusters(found)]
    assert groups == [{f"d/{n}.md" for n in range(0, 12, 2)}, {f"d/{n}.md" for n in range(1, 12, 2)}]
    assert [{one.path for one in group} for group in clusters.clusters(found[::-1])] == groups
    monkeypatch.setattr(clusters, "MOST", 3)
    assert [len(group) for group in clusters.clusters(found)] == [12]


@pytest.mark.jail
def test_signed_nights_weigh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What came through in a night that verifies counts, a PR that a person rejected does not; without a trusted key
    nothing is counted, and that is said."""
    repo = night_kit.queued_repo(tmp_path / "r", 3)
    night_kit.night(repo)
    git_ = Git.discover(repo)
    assert record(git_, Objects(git_)).of("doc.frontmatter") == Success(3, 3)
    inside(repo, "pr", "reject", "t000", "--reason", "wrong", capsys=capsys, check=True)
    assert record(git_, Objects(git_)).of("doc.frontmatter") == Success(3, 2)
    for name in ("x", "y"):
        (repo / f"docs/{name}.md").write_text(GUIDE.format(n=name))
    git(repo, "add", "docs")
    said = inside(repo, "suggest", capsys=capsys, check=True)
    assert (
        "2 documents without front matter in docs/  → doc.frontmatter\n    2 of 3 came through here; about 1"
        in said.out
    )
    assert "measured over 1 signed night" in said.err
    paths.trust_file().unlink()
    unknown = inside(repo, "suggest", "--json", capsys=capsys, check=True)
    assert json.loads(unknown.out)[0]["tried"] == 0
    assert "not counted: " in inside(repo, "suggest", capsys=capsys, check=True).err
