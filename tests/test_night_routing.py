"""The router's model: it chooses among the flows that rules leave, by likelihood, says why, and can be asked again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pantheon_git.day.check import check
from pantheon_git.day.snapshot import of_commit
from pantheon_git.engines.control import ControlEngine
from pantheon_git.engines.protocol import Engine, ModelInfo, Score
from pantheon_git.ledger import read
from pantheon_git.ledger.keyring import trusted
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.night.options import NightOptions, Wiring
from pantheon_git.night.plan import Plan, make_plan
from pantheon_git.night.replay import replay
from pantheon_git.night.routing import route_tasks
from pantheon_git.night.run import run_night
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests import atif_schema
from tests.agent_doubles import ListedEngine
from tests.cli_support import inside, make_repo, put
from tests.night_kit import BODY, commit, trusted_key

TASK = 'schema = 1\nscope.paths = ["docs/a.md"]\ngoal.summary = "{goal}"\n'
Scores = Callable[[str, str], Sequence[float]]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """One task, whose goal says in nobody's words what is wanted."""
    trusted_key()
    repo = make_repo(tmp_path / "repo", {"docs/a.md": BODY.format(name="a")})
    put(repo / ".pantheon/queue/t.toml", TASK.format(goal="Tidy this page"))
    commit(repo, "Queue")
    return repo


def plan(repo: Path) -> Plan:
    git = Git.discover(repo)
    return make_plan(git, Objects(git), "refs/heads/main")


def favours(described: str, by: float) -> Scores:
    """Given a task, this description gains `by` nats in all, others nothing."""
    return lambda prompt, text: [by if "Tidy" in prompt and described in text else 0.0, -1.0]


def chosen(repo: Path, engine: Engine) -> tuple[str | None, str]:
    """The flow, else None; and the reason."""
    found = plan(repo)
    decided, unsure = asyncio.run(route_tasks(found.tasks, found.agents, lambda name: engine))
    return (decided[0].flow.name, decided[0].route) if decided else (None, unsure[0].why)


def test_the_best_is_taken_only_where_it_stands_clear(repo: Path) -> None:
    """By the margin of the manifest; else, and in a control night, the task waits and the person is told to choose."""
    (task,) = plan(repo).tasks
    assert {"doc.frontmatter", "doc.rename"} <= {flow.name for flow in task.candidates}
    described = plan(repo).flows["doc.rename"].flow.description
    name, why = chosen(repo, ListedEngine(scores=favours(described, 3.5)))
    assert (name, "3.5 nats before" in why) == ("doc.rename", True)
    for engine, word in (
        (ListedEngine(scores=favours(described, 2.5)), "but only 2.5 nats"),
        (ControlEngine(), "no model"),
    ):
        name, why = chosen(repo, engine)
        assert name is None
        assert word in why
        assert why.endswith("; name a flow")


def test_words_of_the_manifest_and_the_policy_come_first(repo: Path) -> None:
    """A goal that asks for an agent needs no model; where the policy has none, `check` and the plan name a fault."""
    git = Git.discover(repo)
    assert not check(of_commit(git, "HEAD")).faults
    put(repo / ".pantheon/policy.toml", 'schema = 1\n[night]\nrouter = "rules"\n')
    commit(repo, "Rules alone")
    assert not plan(repo).tasks
    assert "name a flow in the task" in plan(repo).broken[0].faults[0]
    assert "name a flow in the task" in check(of_commit(git, "HEAD")).faults[0]
    put(repo / ".pantheon/queue/t.toml", TASK.format(goal="Rename this page"))
    commit(repo, "In the agent's words")
    (task,) = plan(repo).tasks
    assert (task.flow.name, task.candidates) == ("doc.rename", ())
    assert "the one asked for (Rename)" in task.route


class Weighing(ControlEngine):
    """The control engine, but that it has a model's likelihoods for the router."""

    name = "weighing"

    def __init__(self, scores: Scores) -> None:
        super().__init__()
        self.model = ModelInfo("weighing", Path(), "sha256:" + "1" * 64, 8192)
        self.scores = scores

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        return Score(tuple(self.scores(prompt, text)), self.model.digest)


@pytest.mark.jail
def test_the_choice_is_a_signed_node_that_trace_shows_and_replay_repeats(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`00-route` comes before the flow's own nodes and holds scores, candidates and reason; a rule's choice has one
    too, a task that names its flow has none."""
    put(repo / "docs/b.md", BODY.format(name="b"))
    put(repo / "docs/c.md", BODY.format(name="c"))
    put(repo / ".pantheon/queue/u.toml", TASK.format(goal="Front matter, please").replace("/a.", "/b."))
    put(repo / ".pantheon/queue/v.toml", TASK.format(goal="Tidy").replace("/a.", "/c.") + 'flow = "doc.frontmatter"\n')
    commit(repo, "More")
    git = Git.discover(repo)
    described = plan(repo).flows["doc.frontmatter"].flow.description
    wiring = Wiring(engine=lambda engine: Weighing(favours(described, 9.0)))
    options = NightOptions(engine="control", jobs=3)
    asyncio.run(run_night(git, options, wiring=wiring))
    objects = Objects(git)
    nodes = {name: read.job(git, objects, name).nodes for name in "tuv"}
    first = nodes["t"][0]
    assert (first.folder, first.verdict, first.details["router"]) == ("00-route", "pass", "model")
    assert json.loads(read.artifact(objects, first)["output.json"])["nats"]["doc.frontmatter"] == 9.0
    assert [nodes["u"][0].details.get("router"), nodes["v"][0].name] == ["rules", "validate"]
    assert "doc.frontmatter fits best" in inside(repo, "trace", "t:route", capsys=capsys, check=True).out
    exported = json.loads(inside(repo, "trace", "t", "--atif", capsys=capsys, check=True).out)
    assert atif_schema.faults(exported) == []
    assert exported["steps"][1]["tool_calls"][0]["function_name"] == "route"
    assert summarise(verify(git, trusted(git, objects).keys)).first is None
    again = asyncio.run(replay(git, "t"))
    assert again.nodes[0].name == "route"
    assert again.same
