"""Whole nights in real repositories and real jails: what they record, what they leave alone, and how they stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.trust import TrustedKeys
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.night.events import Event, GroupCommitted, JobEnded, NightOpened, NodeEnded, Said
from pantheon_git.night.lease import LeaseHeldError, lease
from pantheon_git.night.replay import replay
from pantheon_git.night.run import NightResult
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import CHECKOUT, git, put
from tests.night_kit import State, children, commit, night, queued_repo, start_night, task

pytestmark = pytest.mark.jail


def entries(repo: Path) -> dict[str, JobEntry]:
    """The latest entry of each task."""
    found = Git.discover(repo)
    objects = Objects(found)
    nights = read.nights(found, objects)
    return {entry.task: entry for n in nights for entry in read.jobs(found, objects, n.night)}


def require_good(repo: Path) -> None:
    summary = summarise(verify(Git.discover(repo), TrustedKeys.load(paths.trust_file())))
    assert summary.exit_code == 0, str(summary.first)


def test_a_night_makes_signed_prs_and_touches_nothing_else(tmp_path: Path) -> None:
    """Eight signed nodes a job, a branch whose tree is the base's with front matter and without the task file; the
    checkout, its index and an edit of the person's own are as before; stock git says that the commit is good."""
    repo = queued_repo(tmp_path / "a repo", 3)
    put(repo / "docs/d001.md", "# An edit of my own\n")
    before = State.of(repo)
    events: list[Event] = []
    result = night(repo, events.append)
    assert result.endings == {"pr": 3}
    assert State.of(repo) == before
    for id_, entry in entries(repo).items():
        assert [node.name for node in entry.nodes] == [
            "validate",
            "write",
            "check",
            "accept",
            "peer-a",
            "peer-b",
            "agree",
            "gate",
        ]
        changed = git(repo, "diff", "--name-status", "main", entry.commit or "").split()
        assert changed == ["D", f".pantheon/queue/{id_}.toml", "M", f"docs/d{id_[1:]}.md"]
        assert git(repo, "rev-parse", f"pantheon/pr/{id_}.1").strip() == entry.commit
        assert entry.summary["diffstat"]["files"] == 1
        assert entry.summary["cpu"]["jail"] > 0
    require_good(repo)
    assert [type(event) for event in events[:2]] == [Said, NightOpened]  # the first says which queue it is
    assert sum(isinstance(event, NodeEnded) for event in events) == 24
    assert sum(isinstance(event, JobEnded) for event in events) == 3
    committed = [job for event in events if isinstance(event, GroupCommitted) for job in event.jobs]
    assert sorted(committed) == ["t000.1", "t001.1", "t002.1"]


def test_a_second_night_does_nothing_and_records_nothing(tmp_path: Path) -> None:
    """Done exactly once: the same revision never runs again by itself; an edited task is a new revision."""
    repo = queued_repo(tmp_path / "repo", 2)
    night(repo)
    assert night(repo).night is None
    put(repo / ".pantheon/queue/t001.toml", task("docs/d001.md", flow="doc.frontmatter") + "priority = 5\n")
    commit(repo, "Edited")
    result = night(repo)
    assert [job.context.job for job in result.jobs] == ["t001.2"]
    require_good(repo)


def test_only_and_limit_choose_and_say_what_waits(tmp_path: Path) -> None:
    """`only` runs just those, an unknown id is an error with the next command, `limit` puts the rest off."""
    repo = queued_repo(tmp_path / "repo", 4)
    with pytest.raises(PantheonError, match=r"no such task in the queue at .*: ghost"):
        night(repo, only=("ghost",))
    assert [job.context.task for job in night(repo, only=("t002",)).jobs] == ["t002"]
    result = night(repo, limit=1)
    assert [job.context.task for job in result.jobs] == ["t000"]
    assert [(p.id, p.why) for p in result.put_off] == [
        (id_, "not reached: the limit of 1 jobs") for id_ in ("t001", "t003")
    ]


def test_a_deadline_that_is_over_reaches_nothing(tmp_path: Path) -> None:
    """Nothing starts, everything stays queued, and the ledger says why on the base commit's note."""
    repo = queued_repo(tmp_path / "repo", 2)
    result = night(repo, until=time.time() - 1)
    assert (len(result.jobs), len(result.put_off)) == (0, 2)
    note = git(repo, "notes", "--ref=pantheon", "show", "main")
    assert "t000.1 00-job not run: not reached: no time left before the deadline" in note
    assert night(repo).endings == {"pr": 2}
    require_good(repo)


def test_two_tasks_on_one_file(tmp_path: Path) -> None:
    """The first becomes a PR; the second waits for it, tonight and tomorrow, and says so."""
    repo = queued_repo(tmp_path / "repo", 1)
    put(repo / ".pantheon/queue/u.toml", task("docs/d000.md", flow="doc.frontmatter"))
    commit(repo, "Another")
    result = night(repo)
    assert [job.context.task for job in result.jobs] == ["t000"]
    assert [(p.id, p.why) for p in result.put_off] == [("u", "waits for the PR t000.1 of this night on the same files")]
    assert [(p.id, p.why) for p in night(repo).put_off] == [("u", "waits for the open PR t000.1 on the same files")]


def test_an_agent_that_is_not_local_stops_the_night_before_its_first_job(tmp_path: Path) -> None:
    """Agent, field and value are named, and no night is recorded."""
    repo = queued_repo(tmp_path / "repo", 1)
    stock = (CHECKOUT / "agents/review.peerA/agent.toml").read_text()
    put(repo / "agents/review.peerA/agent.toml", stock.replace('origin = "local"', 'origin = "cloud"'))
    put(repo / "agents/review.peerA/prompt.md", "x\n")
    commit(repo, "Agent")
    with pytest.raises(PantheonError, match=r"review.peerA/agent.toml: runtime.origin: 'cloud'"):
        night(repo)
    assert git(repo, "for-each-ref", "refs/pantheon") == ""


def test_a_broken_file_in_the_queue_hides_nothing(tmp_path: Path) -> None:
    """The good task runs, the broken one is listed with place and fault, and the exit code is 1."""
    repo = queued_repo(tmp_path / "repo", 1)
    put(repo / ".pantheon/queue/broken.toml", "schemaa = 1\n")
    commit(repo, "Broken")
    result = night(repo)
    assert (result.endings, result.exit_code) == ({"pr": 1}, 1)
    assert any("did you mean 'schema'" in fault for fault in result.broken[0].faults)


def test_a_second_runner_is_told_who_runs(tmp_path: Path) -> None:
    """While one holds the lease the other ends at once, with process and start."""
    repo = queued_repo(tmp_path / "repo", 1)
    with lease(paths.state_dir(Git.discover(repo)), "the first"), pytest.raises(LeaseHeldError, match=str(os.getpid())):
        night(repo)


def test_sigterm_commits_what_is_done_and_leaves_the_rest_queued(tmp_path: Path) -> None:
    """The runner ends by itself with 130, the night is closed, and the next one does the rest, exactly once."""
    repo = queued_repo(tmp_path / "repo", 30)
    alive = children()
    runner = start_night(repo, "--jobs=2")
    deadline = time.monotonic() + 60
    while not git(repo, "for-each-ref", "refs/heads/pantheon") and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(30) == 130
    assert children() == alive
    found = Git.discover(repo)
    (first,) = read.nights(found, Objects(found))
    assert first.state == "closed"
    assert first.closing is not None
    assert first.closing["interrupted"]
    done = len(entries(repo))
    assert 0 < done < 30
    assert len(night(repo).jobs) == 30 - done
    assert sorted(entries(repo)) == [f"t{n:03}" for n in range(30)]
    require_good(repo)


def test_a_replay_comes_out_the_same_and_writes_nothing(tmp_path: Path) -> None:
    """A PR and a job that was refused, whole and by node; refs and objects are as before, also after a merge."""
    repo = queued_repo(tmp_path / "repo", 1)
    put(repo / "docs/bad.md", '---\ntitle: "open\ntags: [x\n---\n\nText of the page.\n')
    put(repo / ".pantheon/queue/bad.toml", task("docs/bad.md", flow="doc.frontmatter"))
    commit(repo, "Bad")
    result = night(repo)
    assert sorted(job.ending for job in result.jobs) == ["pr", "refused"]
    git(repo, "merge", "-q", "--no-edit", "pantheon/pr/t000.1")
    refs, count = git(repo, "for-each-ref"), git(repo, "count-objects", "-v")
    for which, nodes in (("t000", 8), ("bad.1", 8), ("bad:write", 1)):
        found = asyncio.run(replay(Git.discover(repo), which))
        assert found.same, found
        assert len(found.nodes) == nodes
    assert (git(repo, "for-each-ref"), git(repo, "count-objects", "-v")) == (refs, count)
    for which in ("ghost", "t000:ghost"):
        with pytest.raises(PantheonError, match="ghost"):
            asyncio.run(replay(Git.discover(repo), which))


def test_a_night_in_a_bare_repository(tmp_path: Path) -> None:
    """Without a work tree the night is the same: it never needed one."""
    repo = queued_repo(tmp_path / "repo", 1)
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    assert night(tmp_path / "bare.git").endings == {"pr": 1}


@pytest.mark.model
def test_a_night_with_the_real_model(tmp_path: Path) -> None:
    """Model, digest and tokens are in the signed record, and the replay of its answers gives the same tree."""
    repo = queued_repo(tmp_path / "repo", 2)
    result: NightResult = night(repo, engine="openvino")
    assert len(result.jobs) == 2
    assert set(result.endings) <= {"pr", "failed"}
    for entry in entries(repo).values():
        write = next(node for node in entry.nodes if node.name == "write")
        assert write.details["model"]["digest"].startswith("sha256:")
        assert entry.summary["tokens"]["out"] > 0
        found = asyncio.run(replay(Git.discover(repo), entry.job))
        assert found.same, [node for node in found.nodes if not node.same]
    require_good(repo)
