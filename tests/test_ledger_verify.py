"""Verification of what is honest but unusual, in several processes, and of clones that lack something."""

from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError
from pantheon_git.ledger import notes, verify_pool
from pantheon_git.ledger.anchor import marks_file, write_marks
from pantheon_git.ledger.layout import ARTIFACTS, RUNS
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.repo.refs import ANY, RefUpdate, read_refs, update_refs
from tests.cli_support import cli
from tests.ledger_forge import NEXT, faults, filled, restore
from tests.ledger_kit import NAME, House, house
from tests.standalone_kit import load


def alone(at: House, trust: Path, *words: str) -> int:
    """The exit code of the file that stands alone."""
    return int(load().main([str(at.git.path), "--keys", str(trust), "--json", *words]))


@pytest.fixture
def trust_file() -> Path:
    from pantheon_git.repo import paths

    return paths.trust_file()


def test_processes_say_what_one_process_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same verdicts in the same order, of a good ledger and of one with faults."""
    at = house(tmp_path)
    at.night([f"t{number}.1" for number in range(120)], group=40)
    for tampered in (False, True):
        if tampered:
            update_refs(at.git, [RefUpdate("refs/heads/pantheon/pr/t7.1", at.base, ANY)])
        here = list(verify(at.git, at.keys, processes=1))
        with monkeypatch.context() as patch:
            patch.setattr(verify_pool, "_SMALL", 1)
            assert list(verify(at.git, at.keys, processes=2)) == here
        assert summarise(here).exit_code == (2 if tampered else 0)
        assert summarise(here).jobs == 120


def test_a_process_that_was_killed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a verdict short: what was not verified is not good."""
    at = house(tmp_path)
    at.night([f"t{number}.1" for number in range(60)], group=30)
    monkeypatch.setattr(verify_pool, "_SMALL", 1)
    start = verify_pool.Pool._start

    def killed(self: verify_pool.Pool) -> object:
        process, pipe = start(self)
        process.kill()
        process.join()
        return process, pipe

    monkeypatch.setattr(verify_pool.Pool, "_start", killed)
    with pytest.raises(PantheonError, match="was killed"):
        list(verify(at.git, at.keys, processes=2))


def test_a_group_that_was_cut_off_is_incomplete_and_not_tampered(tmp_path: Path, trust_file: Path) -> None:
    """A kill between the run ref and the others leaves the last group's notes and artifacts behind. In a night that was
    closed the same is tampering."""
    at = house(tmp_path)
    results = [at.result(job) for job in ("a.1", "b.1")]
    at.ledger.open_night(NAME, [result.context for result in results], {})
    at.ledger.commit_group(NAME, results[:1])
    before = read_refs(at.git)
    at.ledger.commit_group(NAME, results[1:])
    after = read_refs(at.git)
    for ref in (notes.REF, ARTIFACTS + NAME):
        restore(at, {**after, ref: before[ref]})
        summary = summarise(verify(at.git, at.keys))
        assert summary.exit_code == alone(at, trust_file) == 1
        assert "b.1" in str(summary.first)
    restore(at, after)
    at.ledger.close_night(NAME, {})
    restore(at, {**read_refs(at.git), ARTIFACTS + NAME: before[ARTIFACTS + NAME]})
    assert summarise(verify(at.git, at.keys)).exit_code == alone(at, trust_file) == 2


def test_a_clone_without_nights_is_told_to_fetch_them(tmp_path: Path, trust_file: Path) -> None:
    """Branches of PRs without any night are no tampering: a plain clone has them. Nothing is good either."""
    at = filled(tmp_path)
    gone = [ref for ref in read_refs(at.git) if ref.startswith(("refs/pantheon/", notes.REF))]
    update_refs(at.git, [RefUpdate(ref, None, ANY) for ref in gone])
    (first,) = faults(at)
    assert (first.kind, first.where) == ("incomplete", RUNS)
    assert "pantheon-git sync" in first.problem
    assert alone(at, trust_file) == 1


def test_a_repository_that_was_made_anew_is_told_which_mark_to_remove(tmp_path: Path) -> None:
    """By the command that removes it; and it stays a fault."""
    at = house(tmp_path)
    write_marks(marks_file(at.git), {RUNS + NAME: at.base})
    (first,) = faults(at, high_water=marks_file(at.git))
    assert first.hint.endswith(f"rm {marks_file(at.git)}")
    assert first.kind == "tampered"
    assert f"rm {marks_file(at.git)}" in cli(at.git.path, "verify").err


def test_the_first_commit_of_all_may_be_amended(tmp_path: Path, trust_file: Path) -> None:
    """The reflog knows that the nights began here; where it does not, the history is said to be another one."""
    at = filled(tmp_path)
    at.git.run("commit", "-q", "--amend", "-m", "Another first")
    assert not faults(at)
    assert alone(at, trust_file) == 0
    at.git.run("reflog", "expire", "--expire=now", "--all")
    (first,) = faults(at)
    assert first.where == RUNS + NAME
    assert "another repository" in first.problem
    assert alone(at, trust_file) == 2
    head = at.git.text("rev-parse", RUNS + NEXT)
    assert summarise(verify(at.git, at.keys, at=head)).first is None  # the earlier night too, which that one followed
    assert alone(at, trust_file, "--at", head) == 0


def test_a_job_that_two_machines_ran_is_good_in_both_nights(tmp_path: Path) -> None:
    """United, the branch can stand at one of the two commits only; at a third it is tampered."""
    at = house(tmp_path)
    at.night(["a.1"])
    update_refs(at.git, [RefUpdate("refs/heads/pantheon/pr/a.1", None, ANY)])
    at.night([at.result("a.1", night=NEXT)], NEXT)
    assert not faults(at)
    update_refs(at.git, [RefUpdate("refs/heads/pantheon/pr/a.1", at.base, ANY)])
    assert {verdict.night for verdict in faults(at)} == {NAME, NEXT}
