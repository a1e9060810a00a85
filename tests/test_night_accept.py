"""A task's acceptance commands through the stock flow: in the jail, judged by the gate, told in the breadcrumb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pantheon_git.gate.facts import from_ledger
from pantheon_git.gate.rules import evaluate
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import cli, git, put
from tests.night_kit import commit, night, queued_repo, task

pytestmark = pytest.mark.jail


def run(repo: Path, *checks: str) -> JobEntry:
    """The stock flow on `docs/d000.md`, with these acceptance commands."""
    criteria = "".join(f"[[goal.acceptance]]\ntext = 'criterion {n}'\ncheck = {json.dumps(check)}\n"
                       for n, check in enumerate(checks))  # fmt: skip
    put(repo / ".pantheon/queue/t000.toml", task("docs/d000.md", flow="doc.frontmatter") + criteria)
    commit(repo, "Ask")
    night(repo)
    return entry_of(repo)


def entry_of(repo: Path) -> JobEntry:
    found = Git.discover(repo)
    return read.job(found, Objects(found), "t000")


def files(repo: Path, entry: JobEntry, name: str) -> dict[str, bytes]:
    node = next(node for node in entry.nodes if node.name == name)
    return read.artifact(Objects(Git.discover(repo)), node)


def verdict(entry: JobEntry, name: str) -> str:
    return next(node.verdict for node in entry.nodes if node.name == name)


def test_a_task_with_commands_passes_the_stock_flow(tmp_path: Path) -> None:
    """They see what the agent wrote, each is in the artifact with its exit code and output, and the job becomes a PR
    whose gate says the same from the ledger alone."""
    repo = queued_repo(tmp_path / "repo", 1)
    entry = run(repo, "head -1 docs/d000.md", "grep -q ^description: docs/d000.md || { echo no >&2; exit 4; }")
    assert (entry.ending, verdict(entry, "accept")) == ("pr", "pass"), entry.reason
    found = files(repo, entry, "accept")
    assert found["stdout.log"].startswith(b"$ head -1 docs/d000.md\n---\n")
    ran = json.loads(found["output.json"])["commands"]
    assert [(one["command"][:4], one["code"], one["timed_out"]) for one in ran] == [
        ("head", 0, False),
        ("grep", 0, False),
    ]
    git_ = Git.discover(repo)
    again = evaluate(from_ledger(Objects(git_), TrustedKeys.load(paths.trust_file()), entry))
    assert again.passed
    assert "accepted" in again.rules
    assert cli(repo, "replay", "t000").code == 0


def test_without_a_command_the_node_is_skipped_and_the_rest_goes_on(tmp_path: Path) -> None:
    """The note says that nothing was asked; no file is written for it, and the job still becomes a PR."""
    repo = queued_repo(tmp_path / "repo", 1)
    night(repo)
    entry = entry_of(repo)
    assert (entry.ending, verdict(entry, "accept")) == ("pr", "skip")
    assert files(repo, entry, "accept") == {}
    assert "04-accept skip: no criterion has a command" in git(
        repo, "notes", "--ref=pantheon", "show", "pantheon/pr/t000.1"
    )


def test_a_failing_command_stops_the_job_with_its_output(tmp_path: Path) -> None:
    """The breadcrumb names criterion, command, exit code and the end of its output; no reviewer is asked, and what the
    agent wrote is kept under the failed job's ref."""
    repo = queued_repo(tmp_path / "repo", 1)
    entry = run(repo, "true", "seq 1 20; echo 'the tail' >&2; exit 7")
    assert (entry.ending, entry.stopped_at) == ("failed", "accept")
    assert entry.reason == "criterion 1: `seq 1 20; echo 'the tail' >&2; exit 7` exited with 7; it said: the tail"
    assert [verdict(entry, name) for name in ("peer-a", "peer-b", "gate")] == ["skip"] * 3
    message = git(repo, "log", "-1", "--format=%B", "refs/pantheon/failed/t000.1")
    assert "Output ends:\n> 13\n> 14\n" in message
    assert "> the tail\n" in message
    assert "pantheon-git replay t000.1:accept" in message
    assert json.loads(files(repo, entry, "accept")["output.json"])["commands"][1]["code"] == 7
    assert entry.summary["diffstat"]["files"] == 1


def test_commands_share_the_nodes_time_and_cannot_leave_the_jail(tmp_path: Path) -> None:
    """A command that outlives the node's time is killed and named; what a command writes is not part of the change."""
    repo = queued_repo(tmp_path / "repo", 1, flow="short")
    put(repo / ".pantheon/flows/short.toml",
        'schema = 1\n[nodes.accept]\nuses = "check.acceptance"\ntimeout = 1\n')  # fmt: skip
    criteria = "[[goal.acceptance]]\ntext = 'quick'\ncheck = 'touch docs/dropping; sleep 60'\n"
    put(repo / ".pantheon/queue/t000.toml", task("docs/d000.md", flow="short") + criteria)
    commit(repo, "Ask")
    night(repo)
    entry = entry_of(repo)
    assert entry.ending == "failed"
    assert "`touch docs/dropping; sleep 60` ran out of time after" in entry.reason
    assert entry.summary["diffstat"]["files"] == 0
    assert entry.seconds < 10


def test_add_queues_a_command_that_must_succeed(tmp_path: Path) -> None:
    """`--check` becomes an acceptance criterion with its command; `check` finds the task well-posed."""
    repo = queued_repo(tmp_path / "repo", 1)
    done = cli(repo, "add", "doc.frontmatter", "docs/d000.md", "--again", "--check", "grep -q x docs/d000.md")
    assert done.code == 0, done.both
    file = done.out.split()[0]
    assert 'check = "grep -q x docs/d000.md"' in (repo / file).read_text()
    assert cli(repo, "check").code == 0
