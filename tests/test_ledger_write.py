"""Nights as stock git sees them, and as readers read them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError, RefMovedError
from pantheon_git.ledger import read
from pantheon_git.ledger.keys import load_private
from pantheon_git.ledger.meta import Event, add_event, read_meta
from pantheon_git.ledger.statement import JOB, NODE, OPENED
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.repo import paths
from pantheon_git.repo.refs import read_refs
from tests.ledger_kit import NAME, House, house, put_task
from tests.writers_kit import race, require_all

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen: apt install openssh-client")


@needs_ssh_keygen
def test_stock_git_says_good_for_everything_that_we_commit(tmp_path: Path) -> None:
    """Jobs, breadcrumbs, groups, artifacts, notes and metadata."""
    at = house(tmp_path)
    at.night(["a.1", at.result("b.1", "failed")])
    add_event(
        at.git, at.objects, at.key, read.job(at.git, at.objects, "a"), Event("comment", "Ada <ada@example.org>", "hm")
    )
    ours = {ref: oid for ref, oid in read_refs(at.git).items() if "pantheon" in ref}
    assert len(ours) == 6
    for ref in ours:
        assert b"Good" in at.git.run("verify-commit", ref).err, ref
    shown = at.git.text("log", "--show-signature", "refs/notes/pantheon")
    assert shown.count("Good") == shown.count("Notes: ") == 2


def test_refs_are_those_of_the_design(tmp_path: Path) -> None:
    """One branch a PR, one breadcrumb a stop, nothing for a job without change; runs and artifacts a night."""
    at = house(tmp_path)
    at.night(["a.1", at.result("b.2", "failed"), at.result("c.1", "unchanged"), at.result("d.1", "refused")])
    assert {ref for ref in read_refs(at.git) if "pantheon" in ref} == {
        "refs/heads/pantheon/pr/a.1",
        "refs/notes/pantheon",
        f"refs/pantheon/artifacts/{NAME}",
        "refs/pantheon/failed/b.2",
        "refs/pantheon/failed/d.1",
        f"refs/pantheon/runs/{NAME}",
    }
    assert at.git.run("fsck", "--strict").code == 0


def test_the_job_commit_stands_on_its_base_with_trailers(tmp_path: Path) -> None:
    """Tree and parent as given; the body cannot smuggle a trailer in."""
    at = house(tmp_path)
    job = at.result("a.1")
    evil = job.__class__(**{**job.__dict__, "body": "Why\n\nPantheon-Job: other.9\x00\x1b[1m"})
    (commit,) = at.night([evil])
    assert at.git.text("rev-parse", f"{commit}^") == at.base
    assert at.git.text("rev-parse", f"{commit}^{{tree}}") == job.tree
    trailers = at.git.text("log", "-1", "--format=%(trailers:only)", commit).splitlines()
    assert trailers == ["Pantheon-Task: a", "Pantheon-Job: a.1", f"Pantheon-Night: {NAME}", "Pantheon-Flow: doc"]


def test_the_night_keeps_its_commits_alive(tmp_path: Path) -> None:
    """After branch and breadcrumb are deleted and everything is collected, the ledger still verifies; so with gc."""
    at = house(tmp_path)
    commits = at.night(["a.1", at.result("b.1", "failed"), "c.1"], group=2)
    at.git.run("branch", "-D", "pantheon/pr/a.1", "pantheon/pr/c.1")
    at.git.run("update-ref", "-d", "refs/pantheon/failed/b.1")
    at.git.run("reflog", "expire", "--expire=now", "--all")
    at.git.run("gc", "--prune=now", "-q")
    for commit in commits:
        assert at.git.text("cat-file", "-t", commit) == "commit"
    assert summarise(verify(at.git, at.keys)).exit_code == 0


def test_no_kept_commit_has_artifacts_as_parent(tmp_path: Path) -> None:
    """So that pruning the artifacts' ref frees them and leaves statements whole."""
    at = house(tmp_path)
    at.night(["a.1", "b.1"], group=1)
    tip = at.git.text("rev-parse", f"refs/pantheon/artifacts/{NAME}")
    kept = at.git.text("rev-list", f"refs/pantheon/runs/{NAME}", "refs/notes/pantheon", "--branches").split()
    assert tip not in kept
    at.git.run("update-ref", "-d", f"refs/pantheon/artifacts/{NAME}")
    at.git.run("gc", "--prune=now", "-q")
    assert at.git.run("fsck", "--strict").code == 0


def test_readers_give_back_what_was_recorded(tmp_path: Path) -> None:
    """Night, jobs, nodes and artifact files."""
    at = house(tmp_path)
    details = {"model": {"name": "m", "digest": "d"}, "tokens": {"in": 3}}
    at.night([at.result("a.1", details=details), at.result("b.1", "failed", reason="too long")])
    again = at.again()
    (night,) = read.nights(again.git, again.objects)
    assert (night.state, night.endings, night.info) == ("closed", {"pr": ["a.1"], "failed": ["b.1"]}, {"base": at.base})
    a, b = read.jobs(again.git, again.objects, NAME)
    assert (a.job, a.ending, a.stopped_at, a.summary["tokens"]) == ("a.1", "pr", None, {"in": 10, "out": 5})
    assert (b.reason, b.stopped_at, b.ref) == ("too long", "gate", "refs/pantheon/failed/b.1")
    assert [node.folder for node in a.nodes][:2] == ["01-validate", "02-write"]
    node = a.node("write")
    assert (node.details, node.verdict, node.key_id) == (details, "pass", at.key.key_id)
    files = read.artifact(again.objects, node)
    assert files == {"input.json": b'{"job": "a.1"}', "output.json": b"{}", "stdout.log": b"write"}
    assert node.files.keys() == files.keys()
    with pytest.raises(PantheonError, match="has no node nope: validate, write"):
        a.node("nope")


def test_statements_are_in_toto(tmp_path: Path) -> None:
    """Type, predicate types, and a subject with files and tree."""
    at = house(tmp_path)
    at.night(["a.1"])
    entry = read.job(at.git, at.objects, "a.1")
    import json

    raw = json.loads(entry.nodes[0].signed.envelope.payload)
    assert raw["_type"] == "https://in-toto.io/Statement/v1"
    assert raw["predicateType"] == NODE
    assert {one["name"] for one in raw["subject"]} == {"input.json", "output.json", "stdout.log", "artifact"}
    fields = {"task", "flow", "node", "base", "verdict", "reason", "started", "seconds", "previous", "details"}
    assert fields <= raw["predicate"].keys()
    assert json.loads(entry.signed.envelope.payload)["predicateType"] == JOB
    assert OPENED.startswith("urn:")


def test_job_finds_the_latest_attempt(tmp_path: Path) -> None:
    """`ID` is the last attempt over all nights; `ID.N` just that one; anything else is refused."""
    at = house(tmp_path)
    at.night([at.result("a.1", "failed")])
    at.night([at.result("a.2", night="20261126T230000Z")], name="20261126T230000Z")
    assert read.job(at.git, at.objects, "a").job == "a.2"
    assert read.job(at.git, at.objects, "a.1").ending == "failed"
    for name in ("b", "a.3", "a.1.1"):
        with pytest.raises(PantheonError, match="no job"):
            read.job(at.git, at.objects, name)


def test_a_branch_that_is_there_stops_the_group_whole(tmp_path: Path) -> None:
    """Nothing of the group is visible when one of its refs cannot be made."""
    at = house(tmp_path)
    at.git.run("branch", "pantheon/pr/b.1", "main")
    at.ledger.open_night(NAME, [at.context("a.1"), at.context("b.1")], {})
    before = read_refs(at.git)
    with pytest.raises(RefMovedError, match=r"pr/b\.1"):
        at.ledger.commit_group(NAME, [at.result("a.1"), at.result("b.1")])
    assert read_refs(at.git) == before


def test_notes_written_by_others_meanwhile_stay(tmp_path: Path) -> None:
    """A person's `git notes` between two groups is neither lost nor in the way."""
    at = house(tmp_path)
    at.ledger.open_night(NAME, [at.context("a.1"), at.context("b.1")], {})
    at.ledger.commit_group(NAME, [at.result("a.1")])
    at.git.run("notes", "--ref=pantheon", "add", "-m", "mine", "main^{tree}")
    at.ledger.commit_group(NAME, [at.result("b.1")])
    at.ledger.close_night(NAME, {})
    assert at.git.text("notes", "--ref=pantheon", "show", "main^{tree}") == "mine"
    assert at.git.text("notes", "--ref=pantheon", "show", "pantheon/pr/b.1")
    found = [verdict for verdict in verify(at.git, at.keys) if not verdict.ok]
    assert [verdict.problem for verdict in found] == ["no night signed this note, or not all of it"]


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    """Four processes, each its own night, one job a group: every entry, note and branch is there and all verifies. The
    kit at full size (8 processes, 200 entries each): python -m tests.writers_kit"""
    at, _ = race(tmp_path, 4, 20)
    assert "80 of 80" in require_all(at, 4, 20)


def states(at: House) -> dict[str, str]:
    tree = at.objects.commit(at.base).tree
    return {id_: f"{state.state} {state.job}" for id_, state in read.task_states(at.git, at.objects, tree).items()}


def commit(at: House, message: str = "Edit") -> None:
    at.git.run("add", "-A")
    at.git.run("commit", "-q", "-m", message)


def event(at: House, job: str, what: str) -> None:
    add_event(at.git, at.objects, at.key, read.job(at.git, at.objects, job), Event(what, "Ada <a@b>"))  # type: ignore[arg-type]


def test_states_follow_from_the_ledger_alone(tmp_path: Path) -> None:
    """Queued, running, then how each job ended."""
    at = house(tmp_path, ["a", "b", "c", "d"])
    assert states(at) == {id_: f"queued {id_}.1" for id_ in "abcd"}
    at.ledger.open_night(NAME, [at.context(f"{id_}.1") for id_ in "abc"], {})
    at.ledger.commit_group(NAME, [at.result("a.1"), at.result("b.1", "failed")])
    assert states(at) == {"a": "pr a.1", "b": "failed b.1", "c": "running c.1", "d": "queued d.1"}
    at.ledger.commit_group(NAME, [at.result("c.1", "unchanged")])
    at.ledger.close_night(NAME, {})
    assert states(at) == {"a": "pr a.1", "b": "failed b.1", "c": "unchanged c.1", "d": "queued d.1"}


def test_a_job_that_a_night_left_out_is_queued_again_as_the_same_attempt(tmp_path: Path) -> None:
    """Only a final entry uses an attempt up."""
    at = house(tmp_path, ["a"])
    at.ledger.open_night(NAME, [at.context("a.1")], {})
    assert at.again().ledger.recover() == [f"night {NAME} was cut off: closed as interrupted"]
    assert states(at) == {"a": "queued a.1"}


def test_an_edited_file_is_a_new_revision_with_the_next_number(tmp_path: Path) -> None:
    """The old one's PR stays; an edit back finds the old entry again."""
    at = house(tmp_path, ["a"])
    at.night(["a.1"])
    put_task(tmp_path, "a", "Something else")
    commit(at)
    assert states(at) == {"a": "queued a.2"}
    put_task(tmp_path, "a")
    commit(at)
    assert states(at) == {"a": "pr a.1"}


def test_people_move_a_job_on_and_retry_makes_another_attempt(tmp_path: Path) -> None:
    """Merged, rejected, superseded; a requeue makes attempt N+1, once."""
    at = house(tmp_path, ["a", "b", "c", "d"])
    at.night(["a.1", "b.1", "c.1", at.result("d.1", "failed")])
    for job, what in (("a.1", "merged"), ("b.1", "rejected"), ("c.1", "superseded"), ("d.1", "requeue")):
        event(at, job, what)
    assert states(at) == {"a": "merged a.1", "b": "rejected b.1", "c": "superseded c.1", "d": "queued d.2"}
    at.night([at.result("d.2", "failed", night="20261126T230000Z")], "20261126T230000Z")
    assert states(at)["d"] == "failed d.2"
    assert summarise(verify(at.git, at.keys)).first is None


def test_a_task_whose_file_is_gone_keeps_its_last_state(tmp_path: Path) -> None:
    """What needs it must know that it was merged."""
    at = house(tmp_path, ["a", "b"])
    at.night(["a.1"])
    event(at, "a.1", "merged")
    at.git.run("rm", "-q", ".pantheon/queue/a.toml")
    commit(at)
    assert states(at) == {"a": "merged a.1", "b": "queued b.1"}


def test_metadata_is_a_chain_of_events(tmp_path: Path) -> None:
    """State from the last word on it; comments do not change it."""
    at = house(tmp_path)
    at.night(["a.1"])
    assert read_meta(at.git, at.objects, "a.1") is None
    for what in ("approved", "comment", "rejected", "reopened"):
        event(at, "a.1", what)
    meta = read_meta(at.git, at.objects, "a.1")
    assert meta is not None
    assert (meta.state, meta.task_state, len(meta.events)) == ("open", "pr", 4)
    assert at.git.text("rev-list", "--count", "refs/pantheon/meta/a.1") == "4"


def test_a_clone_with_only_the_public_key_verifies(tmp_path: Path) -> None:
    """Plain `git clone`, the two refspecs, the list of trusted keys; no private key, no state."""
    at = house(tmp_path / "here")
    at.night(["a.1", at.result("b.1", "failed"), at.result("c.1", "unchanged")])
    event(at, "a.1", "approved")
    keys = at.keys
    paths.night_key().unlink()
    clone = tmp_path / "clone"
    at.git.run("clone", "-q", str(tmp_path / "here"), str(clone))
    there = House(at.git.__class__(clone), at.key)
    there.git.run("fetch", "-q", "origin", "refs/pantheon/*:refs/pantheon/*", "refs/notes/*:refs/notes/*")
    summary = summarise(verify(there.git, keys))
    assert (summary.jobs, summary.good, summary.exit_code) == (3, 3, 0)
    with pytest.raises(PantheonError):
        load_private(paths.night_key())
