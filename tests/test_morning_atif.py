"""The export in ATIF v1.7: valid for every kind of job, complete, and honest about what it cannot show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.ledger import read
from pantheon_git.morning.atif import trajectory
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.atif_schema import faults
from tests.cli_support import cli, put
from tests.night_kit import commit, night, queued_repo, task
from tests.test_night_best_of import run as run_best_of

pytestmark = pytest.mark.jail


def exported(repo: Path, which: str) -> dict[str, Any]:
    done = cli(repo, "trace", which, "--atif", check=True)
    document: dict[str, Any] = json.loads(done.out)
    assert faults(document) == []
    return document


def by_id(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["trajectory_id"]: one for one in document["subagent_trajectories"]}


def test_a_job_is_a_valid_trajectory_with_every_agent_in_it(tmp_path: Path) -> None:
    """One step a node, with its verdict; the specialist's prompts, answers, calls and results word for word as in the
    signed artifact; tokens sum to those of the job."""
    repo = queued_repo(tmp_path / "repo", 1)
    night(repo)
    document = exported(repo, "t000")
    steps = document["steps"]
    assert steps[0] | {"timestamp": ""} == {
        "step_id": 1, "source": "user", "message": "Front matter of docs/d000.md", "timestamp": "",
    }  # fmt: skip
    assert [step["tool_calls"][0]["function_name"] for step in steps[1:]] == [
        "plan.validate", "doc.frontmatter", "check.frontmatter", "check.acceptance", "review.peerA", "review.peerB",
        "agree", "merge-gate",
    ]  # fmt: skip
    assert document["session_id"].endswith("/t000.1")
    agents = by_id(document)
    assert list(agents) == ["t000.1:write", "t000.1:peer-a", "t000.1:peer-b"]
    write = agents["t000.1:write"]
    found = Git.discover(repo)
    entry = read.job(found, Objects(found), "t000")
    files = read.artifact(Objects(found), entry.node("write"))
    lines = [json.loads(line) for line in files["tool_calls.jsonl"].decode().splitlines()]
    calls = [call for step in write["steps"] for call in step.get("tool_calls", ())]
    assert [(c["function_name"], c["arguments"]) for c in calls] == [
        (x["tool"], x["args"]) for x in lines if "tool" in x
    ]
    answers = [step for step in write["steps"] if step.get("llm_call_count") == 1]
    assert [step["message"] for step in answers] == [line["answer"] for line in lines if "answer" in line]
    prompts = [
        step["message"] for step in write["steps"] if "turn" in step.get("extra", {}) and step["source"] == "user"
    ]
    assert len(prompts) == len(answers) > 0
    assert all(prompt in files["llm_prompt.txt"].decode() and "<|im_start|>" in prompt for prompt in prompts)
    assert "notes" not in write
    assert sum(step["metrics"]["completion_tokens"] for step in answers) == entry.summary["tokens"]["out"]
    assert document["final_metrics"]["total_completion_tokens"] == entry.summary["tokens"]["out"]
    assert write["agent"]["extra"]["digest"] == entry.node("write").details["agent"]["digest"]


def test_out_writes_the_file_and_one_node_stands_alone(tmp_path: Path) -> None:
    """`--out` writes what is otherwise printed; with :NODE it is that agent's document, and a check has none."""
    repo = queued_repo(tmp_path / "repo", 1)
    night(repo)
    whole = exported(repo, "t000")
    done = cli(repo, "trace", "t000", "--atif", "--out", "t.json", check=True)
    assert json.loads((repo / "t.json").read_text()) == whole
    assert done.err.startswith("t.json: t000.1, ATIF-v1.7, 9 steps")
    assert exported(repo, "t000:peer-a") == by_id(whole)["t000.1:peer-a"]
    assert "is a check" in cli(repo, "trace", "t000:gate", "--atif").err
    assert "--out goes with --atif" in cli(repo, "trace", "t000", "--out", "x").err


def test_a_refused_job_and_candidates_are_valid_too(tmp_path: Path) -> None:
    """A job that stopped has its skipped nodes and no reviewer; of a node with `best-of` every candidate is there, and
    the chosen one is marked."""
    repo = queued_repo(tmp_path / "repo", 1)
    put(repo / "docs/bad.md", '---\ntitle: "open\ntags: [x\n---\n\nText.\n')
    put(repo / ".pantheon/queue/bad.toml", task("docs/bad.md", flow="doc.frontmatter"))
    commit(repo, "Bad")
    run_best_of(repo, 3)
    bad = exported(repo, "bad")
    assert (bad["extra"]["ending"], list(by_id(bad))) == ("refused", ["bad.1:write"])
    assert bad["steps"][3]["observation"]["results"][0]["content"].startswith("skip: ")
    agents = by_id(exported(repo, "t000"))
    assert list(agents)[:3] == ["t000.1:write", "t000.1:write+2", "t000.1:write+3"]
    assert [agents[name]["extra"]["candidate"] for name in list(agents)[:3]] == [1, 2, 3]


def test_a_prompt_that_was_taken_out_is_said_to_be_missing(tmp_path: Path) -> None:
    """Where llm_prompt.txt is not what was recorded (redacted), no other text is passed off as the prompt."""
    repo = queued_repo(tmp_path / "repo", 1)
    night(repo)
    found = Git.discover(repo)
    objects = Objects(found)
    entry = read.job(found, objects, "t000")
    files = {node.name: dict(read.artifact(objects, node)) for node in entry.nodes}
    prompt = files["write"]["llm_prompt.txt"]
    files["write"]["llm_prompt.txt"] = prompt.replace(b"bees", b"[redacted]")
    document = trajectory(entry, files)
    assert faults(document) == []
    write = by_id(document)["t000.1:write"]
    assert "these are left out" in write["notes"]
    assert {step["message"] for step in write["steps"] if "state" in step.get("extra", {})} == {""}


def test_the_schema_of_these_tests_finds_faults() -> None:
    """A test that cannot fail proves nothing: each of these is refused."""
    good: dict[str, Any] = {"schema_version": "ATIF-v1.7", "agent": {"name": "a", "version": "1"},
                            "steps": [{"step_id": 1, "source": "user", "message": "hello"}]}  # fmt: skip
    assert faults(good) == []
    step = good["steps"][0]
    agent = {**step, "source": "agent"}
    call = {"tool_call_id": "c", "function_name": "f", "arguments": {}}
    result = {"results": [{"source_call_id": "other", "content": ""}]}
    for bad in (
        {**good, "schema_version": "ATIF-v9"},
        {**good, "surprise": 1},
        {**good, "steps": []},
        {**good, "steps": [{**step, "step_id": 2}]},
        {**good, "steps": [{**step, "metrics": {}}]},
        {**good, "steps": [{**step, "timestamp": "yesterday"}]},
        {**good, "steps": [{**agent, "llm_call_count": 0, "metrics": {}}]},
        {**good, "steps": [{**agent, "tool_calls": [call], "observation": result}]},
        {**good, "steps": [{**agent, "tool_calls": [{"tool_call_id": "c"}]}]},
        {**good, "subagent_trajectories": [good]},
        {**good, "subagent_trajectories": [{**good, "trajectory_id": "x"}, {**good, "trajectory_id": "x"}]},
    ):
        assert faults(bad), bad
