"""The computed rule at work: a night whose records say that a reviewer is no better than chance goes on without it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.agent.stock import stock_dir, stock_flows
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.keys import load_private
from pantheon_git.ledger.ledger import Ledger
from pantheon_git.ledger.records import PlantResult
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, git, make_repo, put
from tests.night_kit import BODY, commit, night, task, trusted_key

pytestmark = pytest.mark.jail
POLICY = "schema = 1\n[gate]\nreviewers = {least}\nescaped-defects = 0.2\n[plants]\nshare = 0\n"


def grumbling(repo: Path, least: int = 1) -> Path:
    """A repository whose second reviewer asks for more than any description has, and so fails everything."""
    trusted_key()
    make_repo(repo, {f"docs/d{n}.md": BODY.format(name=f"number {n}") for n in range(3)})
    shutil.copytree(stock_dir() / "review.peerB", repo / "agents/review.grumbler")
    manifest = repo / "agents/review.grumbler/agent.toml"
    text = manifest.read_text().replace('"review.peerB"', '"review.grumbler"')
    manifest.write_text(text.replace("min_description_share = 0.25", "min_description_share = 9.9"))
    flow = (stock_flows() / "doc.frontmatter.toml").read_text().replace("review.peerB", "review.grumbler")
    put(repo / ".pantheon/flows/doc.frontmatter.toml", flow)
    put(repo / ".pantheon/policy.toml", POLICY.format(least=least))
    return repo


def run(repo: Path, number: int) -> JobEntry:
    put(repo / f".pantheon/queue/t{number}.toml", task(f"docs/d{number}.md", flow="doc.frontmatter"))
    commit(repo, "Queue")
    night(repo)
    at = Git.discover(repo)
    return read.job(at, Objects(at), f"t{number}")


def remember(repo: Path, entry: JobEntry, count: int = 30) -> None:
    """A night that planted `count` bad and as many good changes: A was always right, the grumbler failed them all."""
    at = Git.discover(repo)
    ledger = Ledger(at, Objects(at), load_private(paths.night_key()))
    reviews = {node.uses: node for node in entry.nodes if node.kind == "review"}

    def said(uses: str, verdict: str) -> dict[str, Any]:
        details = reviews[uses].details
        return {"node": uses, "uses": uses, "verdict": verdict, "agent": details["agent"], "model": details["model"]}

    plants = [
        PlantResult(night="20990101T000000Z", job=entry.job, base=entry.context.base, bad=bad, sort="x",
                    kind="frontmatter", says="", tree=f"{n:040x}", patch=b"", started=1.8e9, seconds=0.1,
                    reviews=[said("review.peerA", "fail" if bad else "pass"), said("review.grumbler", "fail")])
        for n in range(count) for bad in (True, False)
    ]  # fmt: skip
    ledger.open_night("20990101T000000Z", [], {})
    ledger.close_night("20990101T000000Z", {}, plants=[ledger.sign_plant(plant) for plant in plants])


def test_who_is_no_better_than_chance_stops_nothing(tmp_path: Path) -> None:
    """Until it is known the grumbler stops the job, as any reviewer does; then its no is recorded, the flow goes on,
    the gate passes on A's word, and report and `gate explain` say why. Without the records it does not come out."""
    repo = grumbling(tmp_path / "repo")
    first = run(repo, 0)
    assert (first.ending, first.stopped_at) == ("failed", "peer-b")
    remember(repo, first)
    second = run(repo, 1)
    assert second.ending == "pr", second.reason
    assert {node.name: node.verdict for node in second.nodes}["peer-b"] == "fail"
    assert cli(repo, "replay", "t1").code == 0
    found = json.loads(cli(repo, "gate", "explain", "t1", "--json", check=True).out)
    said = {one["reviewer"].partition("@")[0]: (one["required"], one["has_vote"]) for one in found["reviews"]}
    assert said == {"review.peerA": (True, True), "review.grumbler": (False, False)}
    assert not found["acceptance"]["cold"]
    assert found["acceptance"]["escaped"] <= found["acceptance"]["budget"]
    assert "NO VOTE: no better than chance" in cli(repo, "report", check=True).out
    assert "good: 2 of 2 jobs" in cli(repo, "verify", "--gate", check=True).out
    git(repo, "update-ref", "-d", "refs/pantheon/runs/20990101T000000Z")
    done = cli(repo, "gate", "explain", "t1")
    assert done.code == 1
    assert "20990101T000000Z, which is not as it was, or not here" in done.out


def test_never_fewer_than_the_policy_says(tmp_path: Path) -> None:
    """Where two must pass in any case, a reviewer without a vote is not replaced by nobody: nothing is accepted."""
    repo = grumbling(tmp_path / "repo", least=2)
    remember(repo, run(repo, 0))
    entry = run(repo, 1)
    assert (entry.ending, entry.stopped_at) == ("failed", "gate")
    assert "1 of 2 different reviewers pass; 1 are no better than chance and have no vote" in entry.reason


def test_a_job_that_never_came_to_its_gate_has_nothing_to_explain(tmp_path: Path) -> None:
    """One line, where it ended, and the next command."""
    repo = grumbling(tmp_path / "repo")
    run(repo, 0)
    done = cli(repo, "gate", "explain", "t0")
    assert done.code == 1
    assert "t0.1 never came to a gate: it ended at peer-b" in done.err
    assert "pantheon-git trace t0.1" in done.err
