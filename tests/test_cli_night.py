"""A night from the command line: queue, run, report, review, merge; the first candidate in the model's place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli_support import Done, git, make_repo, program_on_path, put, sh

pytestmark = pytest.mark.jail

BEES = """\
# Keeping bees in the city

City bees find more flowers than their cousins between fields of maize, and their honey is often darker. This guide
describes where to place a hive, how to register it, and what the neighbours need to know before the first swarm.

## Where to place the hive

The entrance faces south-east, away from paths. A hedge or a fence of two metres makes the bees climb before they
cross a pavement, which spares everybody a meeting. Water has to be near, or they will use the neighbour's pool.
"""
BROKEN = '---\ntitle: a: b: "c\ntags: [x\n---\n\nText that nobody will see in front matter, since it is broken.\n'


@dataclass(frozen=True)
class World:
    """One home and one repository after one night; the tests of this module look at it and change it in order."""

    repo: Path
    env: dict[str, str]
    ran: Done

    def __call__(self, *words: str, check: bool = True) -> Done:
        return sh(self.repo, "pantheon-git", *words, env=self.env, check=check)

    def json(self, *words: str) -> object:
        return json.loads(self(*words, "--json").out)

    def jobs(self, ending: str) -> list[str]:
        rows = self.json("log")
        assert isinstance(rows, list)
        return [row["job"] for row in rows if row["ending"] == ending]


def snapshot(repo: Path) -> tuple[str, str, bytes]:
    """What a night may not touch: HEAD, status, the index byte for byte."""
    return git(repo, "rev-parse", "HEAD"), git(repo, "status", "--porcelain"), (repo / ".git/index").read_bytes()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    home = folder / "home"
    home.mkdir()
    env = program_on_path(folder / "bin") | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"),
                                             "XDG_STATE_HOME": str(home / "state")}  # fmt: skip
    files = {"bees.md": BEES, "town/bees.md": BEES.replace("city", "town"), "ponds/bees.md": BEES, "broken.md": BROKEN}
    repo = make_repo(folder / "r", files)

    def type_(*words: str) -> Done:
        return sh(repo, "pantheon-git", *words, env=env)

    type_("init")
    type_("add", "doc.frontmatter", ".")
    git(repo, "add", "-A")
    sh(repo, "git", "commit", "-qm", "Queue", env=env)
    put(repo / "bees.md", BEES + "\nA line that is not committed.\n")
    before = snapshot(repo)
    ran = type_("run", "--engine=control")
    assert snapshot(repo) == before, "the night touched the checkout or its index"
    git(repo, "checkout", "-q", "bees.md")
    return World(repo, env, ran)


def test_a_plan_says_what_would_run_and_why(world: World) -> None:
    """After the night nothing is left to run, and each line says why."""
    done = world("run", "--dry-run")
    assert "0 of 4 tasks would run" in done.out
    assert "its PR" in done.out


def test_run_says_what_came_of_it(world: World) -> None:
    """One line on standard output; progress and the next command on standard error."""
    assert world.ran.out.startswith("night 2")
    assert "accepted" in world.ran.out
    assert "next: pantheon-git report" in world.ran.err
    assert len([line for line in world.ran.err.splitlines() if "bees-" in line]) == 3


def test_a_second_run_has_nothing_to_do(world: World) -> None:
    """Done exactly once: no second night is recorded."""
    before = git(world.repo, "for-each-ref", "refs/pantheon/runs")
    assert "nothing to run" in world("run", "--engine=control").out
    assert git(world.repo, "for-each-ref", "refs/pantheon/runs") == before


def test_the_night_is_verified_and_reported(world: World) -> None:
    """The report's numbers are the log's; the headline says that the night was verified."""
    report = world.json("report")
    assert isinstance(report, dict)
    assert report["verified"] is True
    assert report["counts"]["accepted"] == len(world.jobs("pr")) == 3
    assert report["counts"]["refused"] + report["counts"]["stopped"] == 1
    assert world("verify").code == 0


def test_stock_git_shows_the_notes(world: World) -> None:
    """Plain `git log --notes=pantheon` reads well: at most fourteen lines a job."""
    (first, *_) = world.jobs("pr")
    note = git(world.repo, "notes", "--ref=pantheon", "show", f"pantheon/pr/{first}")
    assert 2 <= len(note.splitlines()) <= 14
    assert all(first in line for line in note.splitlines())


def test_every_next_command_of_the_report_works(world: World) -> None:
    """Each command on the report's lines is typed, but for those that decide about a PR."""
    lines = [line.strip() for line in world("report").out.splitlines() if line.strip().startswith("pantheon-git ")]
    look = [line for line in lines if " merge " not in line and " reject " not in line]
    assert len(look) >= 4
    for line in dict.fromkeys(look):
        done = sh(world.repo, "bash", "-c", line, env=world.env, check=False)
        assert done.code == 0, f"{line}\n{done.both}"


def test_replay_comes_out_the_same(world: World) -> None:
    """A recorded job, from its recorded answers, in a fresh jail."""
    done = world("replay", world.jobs("pr")[0])
    assert "came out the same" in done.out


def test_a_pr_is_listed_shown_and_its_diff_is_gits(world: World) -> None:
    """Card, verdicts, who wrote what; the diff is base..tip and hides nothing."""
    first = world.jobs("pr")[0]
    listed = world.json("pr", "list")
    assert isinstance(listed, list)
    assert {row["job"] for row in listed} == set(world.jobs("pr"))
    shown = world("pr", "show", first).out
    assert "written by:" in shown
    assert "would merge now" in shown
    assert "+description:" in world("pr", "diff", first).out


def test_merge_reject_and_retry(world: World) -> None:
    """One is merged beside a dirty file of one's own, one is rejected and queued again, and the ledger agrees."""
    first, second, _ = world.jobs("pr")
    assert world("pr", "merge", "--dry-run", first).out == f"{first}: would merge\n"
    put(world.repo / "mine.txt", "not yet committed\n")
    world("pr", "merge", first)
    assert (world.repo / "mine.txt").read_text() == "not yet committed\n"
    assert "Pantheon-Job: " + first in git(world.repo, "log", "-1", "--format=%B")
    assert git(world.repo, "status", "--porcelain") == "?? mine.txt\n"
    assert sh(world.repo, "git", "verify-commit", "HEAD", env=world.env, check=False).code == 0
    without = world("pr", "reject", second, check=False)
    assert (without.code, "--reason" in without.err) == (1, True)
    world("pr", "reject", second, "--reason", "not the right words")
    task = second.rpartition(".")[0]
    assert world("retry", task).out == f"queued again: {task}, attempt 2\n"
    assert "1 of " in world("run", "--dry-run").out
    states = {row["job"]: row["state"] for row in world.json("log")}  # type: ignore[attr-defined]
    assert (states[first], states[second]) == ("merged", "rejected")
    assert world("verify").code == 0


def test_a_broken_file_in_the_queue_is_listed_and_the_rest_runs(world: World) -> None:
    """Exit code 1, the fault with its place, and the retried task was run nevertheless."""
    put(world.repo / ".pantheon/queue/broken.toml", "nonsense = 1\n")
    git(world.repo, "add", ".pantheon")
    git(world.repo, "commit", "-qm", "Broken", "--no-verify")
    done = world("run", "--engine=control", check=False)
    assert done.code == 1
    assert ".pantheon/queue/broken.toml:1:1: nonsense: unknown key" in done.err
    assert "accepted" in done.out


def test_a_changed_artifact_is_found(world: World, tmp_path: Path) -> None:
    """A clone in which one byte of the record was changed: exit code 2, and the first wrong thing is named."""
    clone = tmp_path / "clone.git"
    git(tmp_path, "clone", "-q", "--mirror", str(world.repo), str(clone))
    (ref,) = git(clone, "for-each-ref", "--format=%(refname)", "--sort=refname", "refs/pantheon/runs").split()[:1]
    assert sh(clone, "pantheon-git", "verify", env=world.env).code == 0
    first = world.jobs("pr")[0]
    git(clone, "update-ref", f"refs/heads/pantheon/pr/{first}", "HEAD", check=False)
    older = git(clone, "rev-parse", f"{ref}^").strip()
    git(clone, "update-ref", ref, older)
    done = sh(clone, "pantheon-git", "verify", env=world.env, check=False)
    assert done.code != 0
    assert done.both.strip()
