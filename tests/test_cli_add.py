"""`add`: one well-formed task file for each path, and nothing queued twice."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from pantheon_git.day.queue import make_tasks
from pantheon_git.night.work import subjects
from pantheon_git.spec.globs import Globs
from pantheon_git.spec.task import Goal, Scope, Task
from tests.cli_support import add_agent, cli, git, make_repo, put

FILES = {
    "docs/a.md": "# A\n",
    "docs/deep/b.md": "# B\n",
    "docs/[slug].md": "# S\n",
    "docs/überblick.md": "# Ü\n",
    "src/x.py": "x = 1\n",
    "README.md": "# R\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "r", FILES)


def queued(repo: Path) -> dict[str, dict[str, object]]:
    return {p.stem: tomllib.loads(p.read_text()) for p in sorted((repo / ".pantheon/queue").glob("*.toml"))}


def test_a_folder_gives_its_documents(repo: Path) -> None:
    """One task for each tracked document; ids are readable and end in a random part."""
    cli(repo, "add", "doc.frontmatter", "docs", check=True)
    tasks = queued(repo)
    assert len(tasks) == 4
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*-[0-9a-f]{6}", name) for name in tasks)
    scopes = {task["scope"]["paths"][0] for task in tasks.values()}  # type: ignore[index]
    assert scopes == {"docs/a.md", "docs/deep/b.md", "docs/[[]slug].md", "docs/überblick.md"}


def test_what_it_writes_passes_the_check(repo: Path) -> None:
    """Also for names that look like patterns."""
    cli(repo, "add", "doc.frontmatter", ".", check=True)
    assert cli(repo, "check").code == 0


def test_patterns_are_gits_own(repo: Path) -> None:
    """A quoted pattern crosses folders, as it does for `git add`."""
    cli(repo, "add", "doc.frontmatter", "docs/*.md", check=True)
    assert len(queued(repo)) == 4


def test_paths_are_relative_to_where_one_stands(repo: Path) -> None:
    """From a folder, as with git."""
    cli(repo / "docs", "add", "doc.frontmatter", "a.md", check=True)
    assert [task["scope"] for task in queued(repo).values()] == [{"paths": ["docs/a.md"]}]


def test_a_second_run_queues_nothing(repo: Path) -> None:
    """What has a task of that agent is skipped and named; `--again` queues it nevertheless."""
    cli(repo, "add", "doc.frontmatter", "docs", check=True)
    done = cli(repo, "add", "doc.frontmatter", "docs", check=True)
    assert "queued 0 tasks, 4 already queued" in done.err
    assert len(queued(repo)) == 4
    cli(repo, "add", "doc.frontmatter", "docs/a.md", "--again", check=True)
    assert len(queued(repo)) == 5


def test_a_dry_run_writes_nothing(repo: Path) -> None:
    """It names what it would write."""
    done = cli(repo, "add", "--dry-run", "doc.frontmatter", "docs", check=True)
    assert len(done.out.splitlines()) == 4
    assert not (repo / ".pantheon").exists()


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["nothing.md"], "nothing.md: matches no tracked file"),
        (["new.md"], "new.md: not tracked by git"),
        (["src"], "src: 1 tracked files, none of them for doc.frontmatter"),
        (["/etc/passwd"], "/etc/passwd: "),
    ],
)
def test_an_argument_that_selects_nothing_is_an_error(repo: Path, paths: list[str], said: str) -> None:
    """And then nothing at all is queued, not even the arguments that were fine."""
    put(repo / "new.md", "# N\n")
    done = cli(repo, "add", "doc.frontmatter", "docs", *paths)
    assert done.code == 1
    assert said in done.err
    assert not (repo / ".pantheon").exists()


def test_an_unknown_agent_names_the_nearest(repo: Path) -> None:
    """With the list of those that are known."""
    done = cli(repo, "add", "doc.frontmater", "docs")
    assert done.code == 1
    assert "did you mean 'doc.frontmatter'?" in done.err
    assert cli(repo, "add", "review.peerA", "docs").code == 1, "a reviewer takes no tasks"


def test_options_land_in_the_file(repo: Path) -> None:
    """Goal, acceptance, parameters (as TOML where they are TOML), needs and priority."""
    cli(
        repo, "add", "doc.frontmatter", "docs/a.md", "--goal", "Do {path}", "--accept", "It reads well",
        "--priority", "5",
        "--param", "format=yaml", "--param", 'fields=["title"]', "--needs", "other-task", check=True,
    )  # fmt: skip
    (task,) = queued(repo).values()
    assert task == {
        "schema": 1,
        "agent": "doc.frontmatter",
        "params": {"format": "yaml", "fields": ["title"]},
        "scope": {"paths": ["docs/a.md"]},
        "goal": {"summary": "Do docs/a.md", "acceptance": [{"text": "It reads well"}]},
        "priority": 5,
        "needs": ["other-task"],
    }


def test_a_need_that_is_no_id_is_said(repo: Path) -> None:
    """Before anything is written."""
    done = cli(repo, "add", "doc.frontmatter", "docs", "--needs", "Not An Id")
    assert done.code == 1
    assert "needs" in done.err


def test_json_names_id_path_and_file(repo: Path) -> None:
    """For scripts that go on with the ids."""
    (told,) = json.loads(cli(repo, "add", "doc.frontmatter", "README.md", "--json", check=True).out)
    assert told["path"] == "README.md"
    assert (repo / told["file"]).is_file()


def test_names_in_no_encoding_are_refused(repo: Path) -> None:
    """TOML is UTF-8, so such a path cannot be named in a task; it is said, not mangled."""
    name = b"docs/\xff.md".decode("utf-8", "surrogateescape")
    (repo / name).write_text("# X\n")
    git(repo, "add", "-A")
    done = cli(repo, "add", "doc.frontmatter", "docs")
    assert done.code == 1
    assert "not UTF-8" in done.err


def test_ids_never_collide() -> None:
    """A thousand tasks for one name have a thousand ids, none of them taken, and each scope is its path alone."""
    template = Task(scope=Scope(paths=("x",)), goal=Goal(summary="s"))
    seen: set[str] = set()
    made = make_tasks(["a/Ünïcode Näme*.md"] * 1000, lambda name: name in seen, template)
    assert len({task.id for task in made}) == 1000
    assert all(task.id.startswith("unicode-name-") for task in made)
    assert "a/Ünïcode Näme*.md" in Globs(made[0].task.scope.paths)
    assert "a/Ünïcode Nämex.md" not in Globs(made[0].task.scope.paths)


MODULES = """
[queue]
suffixes = [".py"]
exclude = ["**/test_*.py"]
scope = ["{dir}test_{stem}.py"]

[queue.params]
module = "{path}"
"""


def test_an_agent_says_which_files_it_is_for_and_what_a_task_may_change(repo: Path) -> None:
    """Suffixes, exclusions, scope and parameters come from its manifest; a module is queued once, and a person's
    `--scope` and `--param` win."""
    add_agent(repo, "code.mine", MODULES, over="params.module")
    put(repo / "src/test_x.py", "")
    git(repo, "add", "-A")
    cli(repo, "add", "code.mine", ".", check=True)
    (task,) = queued(repo).values()
    assert (task["scope"], task["params"]) == ({"paths": ["src/test_x.py"]}, {"module": "src/x.py"})
    assert "queued 0 tasks, 1 already queued" in cli(repo, "add", "code.mine", "src/x.py", check=True).err
    cli(repo, "add", "code.mine", "src/x.py", "--again", "--scope", "t/{name}", "--param", "module=y.py", check=True)
    other = next(each for each in queued(repo).values() if each != task)
    assert (other["scope"], other["params"]) == ({"paths": ["t/x.py"]}, {"module": "y.py"})


@pytest.mark.parametrize(
    ("over", "once_for"),
    [
        ("scope", ("a.md", "b.md")),
        ("task", ("",)),
        ("params.one", ("x.py",)),
        ("params.two", ("y.py", "z.py")),
        ("params.none", ()),
    ],
)
def test_what_an_agents_loop_goes_over(over: str, once_for: tuple[str, ...]) -> None:
    """The files of the scope, the task as a whole, or the paths of a parameter, each once and in order."""
    params = {"one": "x.py", "two": ["y.py", "z.py", "y.py"]}
    assert subjects(over, {"b.md", "a.md"}, params) == once_for


def test_documents_totals_by_key_are_said(tmp_path: Path) -> None:
    """What the repository's documents have, and what the queued ones lack of it; a key that few have is not missed."""
    have = {f"docs/{n}.md": f"---\nlayout: page\ntitle: N\ntags: [x]\n{'odd: 1' if n % 2 else 'o: 1'}\n---\nText.\n"
            for n in range(12)}  # fmt: skip
    repo = make_repo(
        tmp_path / "r", {**have, "docs/new.md": "# New\n", "docs/part.md": "---\ntitle: Part\n---\nText.\n"}
    )
    said = cli(repo, "add", "doc.frontmatter", "docs/new.md", "docs/part.md", check=True).err
    assert "13 of 14 documents have front matter: title 13, layout 12, tags 12, o 6, odd 6\n" in said
    assert "the 2 queued lack: tags 2, layout 2, title 1\n" in said
