"""Everything in `examples/` is run, and so is every command that the demo prints."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from pantheon_git.day.demo import begin
from pantheon_git.engines import models
from pantheon_git.ledger.anchor import marks_file, write_marks
from pantheon_git.repo.git import Git
from tests.cli_support import CHECKOUT, Done, cli, git, make_repo, program_on_path, sh
from tests.night_kit import commit, night

EXAMPLES = CHECKOUT / "examples"


def printed_commands(text: str) -> list[str]:
    """The indented lines after `What to type next`, without their comments."""
    after = text.split("What to type next:")[1]
    return [line.split("  #")[0].strip() for line in after.splitlines() if line.startswith("  ")]


def paste(commands: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """All of them into one shell, as a person would paste them; stops at the first that fails."""
    script = "set -e\n" + "\n".join(f"echo '$ '{json.dumps(line)}; {line}" for line in commands)
    return subprocess.run(
        ["bash", "-c", script], env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder, and an environment of its own with `pantheon-git` on the PATH, shared by the tests of one demo."""
    folder = tmp_path_factory.mktemp("demo")
    env = program_on_path(folder / "bin")
    home = folder / "home"
    home.mkdir()
    return folder, {**env, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home / "state"),
                    "GIT_CONFIG_GLOBAL": str(home / "gitconfig")}  # fmt: skip


@pytest.fixture(scope="module")
def demo(workshop: tuple[Path, dict[str, str]]) -> Done:
    """The demo with the first computed candidate in place of the model: seconds instead of minutes. No git identity."""
    folder, env = workshop
    return sh(folder, "pantheon-git", "demo", str(folder / "scratch"), "--engine=control", env=env)


@pytest.mark.jail
def test_the_demo_passes_and_shows_what_it_types(demo: Done) -> None:
    """Every step is a command that a person could type, with its output."""
    typed = [line[2:] for line in demo.out.splitlines() if line.startswith("$ ")]
    for word in ("git init", "pantheon-git init", "pantheon-git add", "pantheon-git run", "pantheon-git verify"):
        assert any(line.startswith(word) for line in typed), typed
    assert "accepted" in demo.out


@pytest.mark.jail
def test_every_command_that_the_demo_prints_succeeds_when_pasted(
    demo: Done, workshop: tuple[Path, dict[str, str]]
) -> None:
    """In the printed order, in one shell: list, diff, merge, reject, why one stopped."""
    commands = printed_commands(demo.out)
    assert commands[0].startswith("cd ")
    assert any("pr merge" in line for line in commands)
    done = paste(commands, workshop[1])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.jail
def test_the_demo_is_safe_to_run_again(demo: Done, workshop: tuple[Path, dict[str, str]]) -> None:
    """A folder that has something in it is left alone; the next number is taken."""
    folder, env = workshop
    before = git(folder / "scratch", "for-each-ref")
    again = sh(folder, "pantheon-git", "demo", str(folder / "scratch"), "--engine=control", env=env)
    assert str(folder / "scratch-2") in again.err
    assert git(folder / "scratch", "for-each-ref") == before


def test_a_demo_where_another_was_before_begins_without_its_marks(tmp_path: Path) -> None:
    """Heads that `verify` remembers of a scratch repository that was removed are not missed in the next one there."""
    repo = make_repo(tmp_path)
    cli(repo, "init", check=True)
    marks = marks_file(Git.discover(repo))
    write_marks(marks, {"refs/pantheon/runs/20260101T230000Z": git(repo, "rev-parse", "HEAD").strip()})
    missed = cli(repo, "verify")
    assert missed.code == 2
    assert f"made this repository anew: rm {marks}" in missed.err
    begin(repo)
    assert cli(repo, "verify", check=True).out == "good: the ledger holds no job yet\n"


@pytest.mark.jail
@pytest.mark.model
def test_the_demo_with_the_real_model(tmp_path: Path) -> None:
    """At least eight documents end as open PRs whose signatures verify; what is printed can be pasted."""
    if models.list_models()[0].path is None:
        pytest.skip("the embedded model is not here: pantheon-git model fetch")
    env = program_on_path(tmp_path / "bin")
    done = sh(tmp_path, "pantheon-git", "demo", str(tmp_path / "scratch"), env=env)
    report = json.loads(cli(tmp_path / "scratch", "report", "--json", check=True).out)
    assert report["counts"]["accepted"] >= 8
    assert report["counts"]["errors"] == 0
    assert report["verified"] is True
    assert report["shares"]["description"].get("model", 0) > 0
    pasted = paste(printed_commands(done.out), env)
    assert pasted.returncode == 0, pasted.stdout + pasted.stderr


def test_the_documents_are_varied() -> None:
    """At least fourteen, in several states: what the demo is meant to show."""
    texts = {path.name: path.read_bytes() for path in (EXAMPLES / "docs").rglob("*.md")}
    assert len(texts) >= 14
    assert sum(text.startswith(b"---") for text in texts.values()) >= 4
    assert any(text.startswith(b"\xef\xbb\xbf") for text in texts.values())
    assert any(b"\r\n" in text for text in texts.values())
    assert any(text.startswith(b"+++") for text in texts.values())
    assert any(text.startswith(b"{") for text in texts.values())


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    """A repository with the example documents, set up."""
    repo = tmp_path / "garden"
    shutil.copytree(EXAMPLES / "docs", repo)
    make_repo(repo, {})
    cli(repo, "init", check=True)
    return repo


def test_the_readme_of_the_examples_works(garden: Path, tmp_path: Path) -> None:
    """Its shell lines, from a repository beside the examples, end with a good check."""
    shutil.copytree(EXAMPLES, garden / "examples", ignore=shutil.ignore_patterns("docs"))
    block = re.search(r"```sh\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.DOTALL)
    assert block
    done = sh(garden, "sh", "-ec", block.group(1), env=program_on_path(tmp_path / "bin"))
    assert done.out.splitlines()[-1].startswith("ok: 1 tasks, 1 flows")


@pytest.mark.jail
def test_the_nightly_script_runs_the_example_task_and_flow(garden: Path, tmp_path: Path) -> None:
    """One unattended night: the task goes through the flow of one's own, and the report is written."""
    for folder, name in (("queue", "describe-composting.toml"), ("flows", "careful.toml")):
        target = garden / ".pantheon" / folder / name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(EXAMPLES / folder / name, target)
    git(garden, "add", "-A")
    git(garden, "commit", "-qm", "Queue", "--no-verify")
    env = program_on_path(tmp_path / "bin")
    sh(tmp_path, str(EXAMPLES / "nightly.sh"), str(garden), "report.md", "--engine=control", env=env)
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# Night 2")
    assert "describe-composting.1" in text
    (job,) = json.loads(cli(garden, "report", "--json", check=True).out)["jobs"]
    assert job["nodes"]["acceptance"] in ("pass", "fail")


@pytest.mark.jail
def test_the_example_that_renames_becomes_a_rename(garden: Path) -> None:
    """As it stands, in a night of its own."""
    shutil.copyfile(EXAMPLES / "queue/rename-tides.toml", garden / ".pantheon/queue/rename-tides.toml")
    commit(garden, "Queue")
    night(garden)
    said = git(garden, "show", "-M", "--name-status", "--format=", "pantheon/pr/rename-tides.1")
    assert "R100\tnotes/tide-tables.md\tnotes/reading-tide-tables.md" in said


def test_the_pre_commit_configuration_names_a_hook_that_we_ship() -> None:
    """Id, entry and files are those of `.pre-commit-hooks.yaml`."""
    yaml = pytest.importorskip("yaml")
    (shipped,) = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())
    (local,) = yaml.safe_load((EXAMPLES / "pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {key: shipped[key] for key in ("id", "entry", "files")} == {
        key: local[key] for key in ("id", "entry", "files")
    }


IMPORTED = (
    "spec.md",
    "board.md",
    "tasks.jsonl",
    "task-1 - Describe-the-runbooks.md",
    "task-2 - Describe-the-workshop.md",
)
"""Run by tests/test_cli_import.py and tests/test_cli_plan.py."""


def test_every_example_is_named_in_its_readme_and_here() -> None:
    """A new file in `examples/` needs a line in the README and a test."""
    here = Path(__file__).read_text()
    readme = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.rglob("*"):
        if path.is_file() and "docs" not in path.parts and path.name not in ("README.md", ".gitattributes"):
            assert path.name in readme
            assert path.name in here


def test_this_repository_uses_its_own_tool() -> None:
    """Its `.pantheon/` passes its own check, and its policy is the one that ships."""
    assert cli(CHECKOUT, "check").code == 0
    assert tomllib.loads((CHECKOUT / ".pantheon/policy.toml").read_text())["schema"] == 1
