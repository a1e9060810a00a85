"""The flow `code`: a small change, judged by the task's own commands, in real jails."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pantheon_git.engines.control import ControlEngine
from pantheon_git.engines.protocol import Completion, Request
from pantheon_git.ledger import read
from pantheon_git.night.run import NightOptions, Wiring, run_night
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, git, make_repo, put
from tests.night_kit import commit, trusted_key

pytestmark = pytest.mark.jail
WRONG = "def total(prices):\n    result = 0\n    for price in prices:\n        result -= price\n    return result\n"
CHECK = "import sys; sys.path.insert(0, 'src'); from shop import total; assert total([1, 2]) == 3, total([1, 2])\n"


class Answers(ControlEngine):
    """A model that says what it is given, one answer after another: which edits come out is not what is tested."""

    def __init__(self, *edits: tuple[str, str]) -> None:
        super().__init__()
        self.edits, self.prompts = list(edits), list[str]()

    async def complete(self, request: Request) -> Completion:
        self.prompts.append(request.prompt)
        old, new = self.edits.pop(0)
        whole = json.dumps({"tool": "code.edit", "args": {"old": old, "new": new}}, separators=(",", ":"))
        said = whole.removeprefix('{"tool":"code.edit","args":{"old":"')
        return Completion(said, "stop", 1, 1, 0.0, 0.0, 0.0, self.model.digest)


def night(repo: Path, engine: ControlEngine) -> dict[str, str]:
    found = Git.discover(repo)
    asyncio.run(run_night(found, NightOptions(engine="control"), lambda event: None, Wiring(engine=lambda _: engine)))
    objects = Objects(found)
    last = read.nights(found, objects)[-1].night
    return {entry.job: entry.ending for entry in read.jobs(found, objects, last)}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """One wrong function, and a task with a command that shows it; one candidate, to keep the test short."""
    trusted_key()
    repo = make_repo(tmp_path, {"src/shop.py": WRONG})
    put(repo / "checks/shop.py", CHECK)
    flow = (Path(__file__).parent.parent / ".pantheon/flows/code.toml").read_text().replace("best-of = 3\n", "")
    put(repo / ".pantheon/flows/code.toml", flow)
    commit(repo, "Shop")
    cli(repo, "add", "codegen", "src/shop.py", "--goal", "total adds the prices up", "--check",
        "python3 checks/shop.py", check=True)  # fmt: skip
    commit(repo, "Ask")
    return repo


def test_an_edit_that_fails_the_tests_is_followed_by_another_that_sees_why(repo: Path) -> None:
    """The failing command's words are in the prompt each time; the change that passes is what the branch has."""
    engine = Answers(
        ("        result -= price", "        result *= price"), ("        result *= price", "        result += price")
    )
    (outcome,) = night(repo, engine).values()
    assert len(engine.prompts) == 2
    assert "AssertionError: -3" in engine.prompts[0]
    assert "AssertionError: 0" in engine.prompts[1]
    assert "total adds the prices up" in engine.prompts[0]
    branch = git(repo, "branch", "--list", "pantheon/pr/*", "--format=%(refname)")
    assert outcome == "pr"
    assert "result += price" in git(repo, "show", f"{branch.strip()}:src/shop.py")


def test_a_change_outside_the_scope_never_becomes_a_pr(repo: Path) -> None:
    """The model cannot aim the edit elsewhere: the file is bound. What passes already is left alone."""
    put(repo / "src/shop.py", WRONG.replace("-=", "+="))
    commit(repo, "Mended by hand")
    (outcome,) = night(repo, Answers()).values()
    assert outcome == "unchanged"


def test_a_task_without_a_command_is_said_to_be_no_task_for_it(repo: Path) -> None:
    """Before the night, by check, with what to add."""
    cli(repo, "add", "codegen", "src/shop.py", "--again", "--goal", "Make it nicer", check=True)
    commit(repo, "Ask for more")
    said = cli(repo, "check")
    assert said.code == 1
    assert "add … --check" in said.out + said.err
