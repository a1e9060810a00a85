"""`best-of`: candidates in jails of their own, judged by the flow's checks and reviewers, all kept, and replayable."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.agent.stock import stock_flows
from pantheon_git.engines.control import ControlEngine
from pantheon_git.engines.protocol import Engine, Score
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry, NodeEntry
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.night.replay import replay
from pantheon_git.night.run import NightOptions, Wiring, run_night
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, git, put
from tests.night_kit import commit, queued_repo, task

pytestmark = pytest.mark.jail
FLOW = stock_flows() / "doc.frontmatter.toml"


AGENT = """\
schema = 1
name = "words"
version = "1"
description = "Asks once for a description: in a control night candidate N takes the Nth computed one."
runtime.origin = "local"
start = "start"
[states.start.tools]
"frontmatter.inspect" = "seen"
[states.seen.tools]
"frontmatter.write" = "written"
[states.written]
final = true
[tools."frontmatter.inspect"]
bind = { path = "task.path" }
[tools."frontmatter.write"]
bind = { path = "task.path" }
ask = ["description"]
draft = { description = "result.frontmatter.inspect.descriptions" }
"""


class Likes(ControlEngine):
    """The control's answers, and probabilities: the likelier where the words, which the document has once, stand
    beside it once more."""

    name = "likes"

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word
        self.model = replace(self.model, digest="sha256:" + "1" * 64)

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        gain = 0.0 if key.endswith("-alone") else 3.0 + ((prompt + text).count(self.word) > 1)
        return Score((gain - 9.0,) * 4, self.model.digest)


def flow(number: int) -> str:
    text = FLOW.read_text().replace('"doc.frontmatter"', '"words"')
    return text.replace('needs = ["validate"]', f'needs = ["validate"]\nbest-of = {number}')


def run(repo: Path, number: int, more: str = "", engine: Engine | None = None) -> JobEntry:
    """One job through the stock flow with so many candidates."""
    put(repo / ".pantheon/flows/many.toml", flow(number))
    put(repo / "agents/words/agent.toml", AGENT)
    put(repo / "agents/words/prompt.md", "Describe the document.\n")
    put(repo / ".pantheon/queue/t000.toml", task("docs/d000.md", flow="many") + more)
    commit(repo, "Ask")
    found = Git.discover(repo)
    wiring = Wiring(engine=lambda opened: engine or opened)
    asyncio.run(run_night(found, NightOptions(engine="control"), lambda event: None, wiring))
    assert [*(paths.state_dir(found) / "jobs").iterdir()] == []
    assert summarise(verify(found, TrustedKeys.load(paths.trust_file()))).exit_code == 0
    return read.job(found, Objects(found), "t000")


def node(entry: JobEntry, name: str = "write") -> NodeEntry:
    return next(node for node in entry.nodes if node.name == name)


def files(repo: Path, entry: JobEntry) -> dict[str, bytes]:
    return dict(read.artifact(Objects(Git.discover(repo)), node(entry)))


def candidates(entry: JobEntry) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = node(entry).details["best_of"]["candidates"]
    return found


def require_same_again(repo: Path) -> None:
    found = asyncio.run(replay(Git.discover(repo), "t000"))
    assert found.same, "\n".join(map(str, [one for one in found.nodes if not one.same]))


def test_all_candidates_are_kept_and_the_greedy_one_wins_a_tie(tmp_path: Path) -> None:
    """Three candidates that differ, nothing speaks for one of them: the first goes on, exactly as without `best-of`;
    each other's prompt, calls and diff are in the signed artifact, and what each judge said of it."""
    repo = queued_repo(tmp_path / "repo", 1)
    entry = run(repo, 3)
    assert entry.ending == "pr", entry.reason
    said = candidates(entry)
    assert [one["number"] for one in said] == [1, 2, 3]
    assert len({one["tree"] for one in said}) >= 2
    assert node(entry).details["best_of"]["chosen"] == 1
    assert node(entry).reason.startswith("candidate 1 of 3: ")
    assert set(said[0]["judges"]) == {"check", "accept", "peer-a", "peer-b"}
    kept = files(repo, entry)
    assert json.loads(kept["candidates.json"]) == node(entry).details["best_of"]
    assert json.loads(kept["candidate-2-input.json"])["candidate"] == 2
    assert kept["candidate-2-diff.patch"] != kept["diff.patch"]
    assert "review.json" in {name.rpartition("-")[2] for name in kept}
    assert node(entry).details["tokens"]["out"] > json.loads(kept["metrics.json"])["tokens_out"]
    require_same_again(repo)
    shown = cli(repo, "trace", "t000:write", check=True)
    assert "── candidates.json ──" in shown.out
    assert "── candidate-2-" not in shown.out
    named = shown.err.rpartition("--file ")[2].strip()
    assert cli(repo, "trace", "t000:write", "--file", named, check=True).out == kept[named].decode()
    alone = run(repo, 1, "priority = 1\n")
    assert git(repo, "show", f"{alone.commit}:docs/d000.md") == git(repo, "show", f"{entry.commit}:docs/d000.md")


def test_the_reviewers_margin_chooses(tmp_path: Path) -> None:
    """The candidate that the reviewers find likelier becomes the change, its jail is the one that the later nodes see,
    and the choice comes out the same from the recorded answers alone."""
    repo = queued_repo(tmp_path / "repo", 1)
    run(repo, 3)
    (second,) = {line for line in files(repo, read.job(Git.discover(repo), Objects(Git.discover(repo)), "t000"))
                 ["candidate-2-diff.patch"].decode().splitlines() if line.startswith("+description")}  # fmt: skip
    word = second.split(": ", 1)[1][:30]
    entry = run(repo, 3, "priority = 1\n", Likes(word))
    assert (entry.ending, node(entry).details["best_of"]["chosen"]) == ("pr", 2), candidates(entry)
    assert word in git(repo, "show", f"{entry.commit}:docs/d000.md")
    margins = [one["margin"] for one in candidates(entry)]
    assert margins[1] > margins[0]
    assert node(entry, "check").details["tree"] == candidates(entry)[1]["tree"]
    assert "candidate-1-tool_calls.jsonl" in files(repo, entry)
    require_same_again(repo)


def test_a_candidate_that_a_check_is_against_loses(tmp_path: Path) -> None:
    """An acceptance command that only another candidate fulfils decides against the greedy one; no reviewer's time is
    spent on the one that failed."""
    repo = queued_repo(tmp_path / "repo", 1)
    first = run(repo, 3)
    (line,) = [
        line for line in git(repo, "show", f"{first.commit}:docs/d000.md").splitlines() if "description:" in line
    ]
    command = json.dumps(f"! grep -qF {json.dumps(line)} docs/d000.md")
    entry = run(repo, 3, f'goal.acceptance = [{{ text = "other words", check = {command} }}]\n')
    assert entry.ending == "pr", entry.reason
    assert node(entry).details["best_of"]["chosen"] != 1
    said = candidates(entry)[0]
    assert said["judges"]["accept"]["verdict"] == "fail"
    assert "peer-a" not in said["judges"]
    require_same_again(repo)


def test_without_any_that_passes_the_first_ones_failure_counts(tmp_path: Path) -> None:
    """Every candidate refuses a document that no tool can read: the job is refused, as without candidates."""
    repo = queued_repo(tmp_path / "repo", 1)
    put(repo / "docs/d000.md", '---\ntitle: "open\ntags: [x\n---\n\nText.\n')
    entry = run(repo, 2)
    assert (entry.ending, entry.stopped_at) == ("refused", "write")
    assert [one["verdict"] for one in candidates(entry)] == ["refused", "refused"]


def test_candidates_never_drop_what_another_specialist_wrote(tmp_path: Path) -> None:
    """Also in a flow that has no plan.validate: candidates start from the base, so the node behind another specialist
    is an error instead."""
    repo = queued_repo(tmp_path / "repo", 1)
    text = '[nodes.a]\nuses = "doc.frontmatter"\n[nodes.b]\nuses = "doc.frontmatter"\nneeds = ["a"]\nbest-of = 2\n'
    put(repo / ".pantheon/flows/two.toml", "schema = 1\n" + text)
    put(repo / ".pantheon/queue/t000.toml", task("docs/d000.md", flow="two"))
    commit(repo, "Ask")
    found = Git.discover(repo)
    asyncio.run(run_night(found, NightOptions(engine="control"), lambda event: None))
    entry = read.job(found, Objects(found), "t000")
    assert (entry.ending, entry.stopped_at) == ("error", "b")
    assert "a may write before them" in entry.reason
