"""An attacker with every right on the repository and without the key: what they change is found and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import notes
from pantheon_git.ledger.anchor import marks_file, read_marks, write_marks
from pantheon_git.ledger.keys import generate
from pantheon_git.ledger.layout import ARTIFACTS, META, RUNS, job_path
from pantheon_git.ledger.trust import NIGHT, PERSON, TrustedKeys, trust
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.repo.objects import Entry
from pantheon_git.repo.refs import ANY, RefUpdate, read_refs, update_refs
from pantheon_git.repo.writer import Writer
from tests.ledger_forge import NEXT, faults, filled, forge, restore, with_file
from tests.ledger_kit import NAME, house


def test_untouched_it_is_good(tmp_path: Path) -> None:
    """Every job and night good; what is not proven is said."""
    at = filled(tmp_path)
    summary = summarise(verify(at.git, at.keys))
    assert (summary.jobs, summary.good, summary.exit_code) == (5, 5, 0)
    assert summary.remarks == ("freshness not proven: no anchor; give one with --at OID",)


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (RUNS + NAME, "JOB/job.json"),
        (RUNS + NAME, "JOB/03-check/statement.json"),
        (RUNS + NAME, "open.json"),
        (RUNS + NAME, "close.json"),
        (ARTIFACTS + NAME, "JOB/02-write/output.json"),
    ],
)
def test_a_removed_file_is_found(tmp_path: Path, ref: str, path: str) -> None:
    """Nothing can be left out."""
    at = filled(tmp_path)
    forge(at, ref, with_file(path.replace("JOB", job_path("a.1").decode()).encode(), None))
    assert faults(at)


def without_job(job: str) -> Callable[[Writer, str], str]:
    return lambda writer, tree: writer.edit_tree(tree, {job_path(job): None})


def test_a_removed_entry_is_named(tmp_path: Path) -> None:
    """The close knows the job, and its note and branch are still there."""
    at = filled(tmp_path)
    forge(at, RUNS + NAME, without_job("a.1"))
    text = "\n".join(str(verdict) for verdict in faults(at))
    assert "refs/heads/pantheon/pr/a.1" in text
    assert "no night has signed it" in text


def test_a_removed_note_is_named(tmp_path: Path) -> None:
    """Of a job and of a base commit."""
    at = filled(tmp_path)
    refs = read_refs(at.git)
    for commit in (refs["refs/heads/pantheon/pr/a.1"], at.base):
        at.git.run("notes", "--ref=pantheon", "remove", commit)
        (first,) = faults(at)
        assert first.where == f"{notes.REF}:{commit}"
        restore(at, refs)


def test_lines_added_to_a_note_are_named(tmp_path: Path) -> None:
    """On a job's commit, also in the name of another night, and on a base commit."""
    at = filled(tmp_path)
    refs = read_refs(at.git)
    for commit in (refs["refs/heads/pantheon/pr/a.1"], at.base):
        for line in (f"{NAME} x.1 00-job pr: Forged", f"{NEXT} a.1 00-job pr: Forged", f"{NAME} a.1 99-x pass"):
            at.git.run("notes", "--ref=pantheon", "append", "-m", line, commit)
            assert f"{notes.REF}:{commit}" in {verdict.where for verdict in faults(at)}, line
            restore(at, refs)


def test_a_merged_job_may_be_the_base_of_the_next_night(tmp_path: Path) -> None:
    """After a fast-forward its commit's note holds its own lines and those of the night that began there."""
    at = house(tmp_path)
    (commit,) = at.night(["a.1"])
    at.git.run("merge", "-q", "--ff-only", "pantheon/pr/a.1")
    assert at.base == commit
    at.night([at.result(job, night=NEXT) for job in ("b.1", "c.1")], NEXT)
    assert len(at.git.text("notes", "--ref=pantheon", "show", commit).splitlines()) == 10
    assert not faults(at)
    assert not faults(at, night=NAME)
    assert not faults(at, night=NEXT)
    forged = at.git.text("notes", "--ref=pantheon", "show", commit).replace("c.1 00-job pr", "c.1 00-job bad")
    at.git.run("notes", "--ref=pantheon", "add", "-f", "-m", forged, commit)
    assert [verdict.where for verdict in faults(at)] == [f"{notes.REF}:{commit}"]


def test_a_moved_branch_is_named(tmp_path: Path) -> None:
    """Of a PR, of a breadcrumb, and a new one in our name that no night made."""
    at = filled(tmp_path)
    refs = read_refs(at.git)
    for ref in ("refs/heads/pantheon/pr/a.1", "refs/pantheon/failed/b.1", "refs/heads/pantheon/pr/evil.1"):
        update_refs(at.git, [RefUpdate(ref, at.base, ANY)])
        (first,) = faults(at)
        assert (first.where, first.kind) == (ref, "tampered")
        restore(at, refs)


def test_an_entry_replayed_elsewhere_is_found(tmp_path: Path) -> None:
    """The signed entry of one job in the place of another, of one night in another, and metadata of another job."""
    at = filled(tmp_path)
    refs = read_refs(at.git)
    for source, job in ((RUNS + NAME, "c.1"), (RUNS + NEXT, "d.1")):
        folder = at.objects.find(at.objects.commit(refs[source]).tree, job_path(job))
        assert folder is not None

        def swap(writer: Writer, tree: str, folder: Entry = folder) -> str:
            has = writer.reader.find(tree, job_path("a.1"))
            return writer.edit_tree(tree, {job_path("a.1"): folder}) if has else tree

        forge(at, RUNS + NAME, swap)
        assert any("replayed here" in verdict.problem and verdict.job == "a.1" for verdict in faults(at))
        restore(at, refs)
    update_refs(at.git, [RefUpdate(META + "d.1", refs[META + "a.1"], None)])
    assert any("metadata of another job" in verdict.problem for verdict in faults(at))


def test_a_truncated_night_is_not_good(tmp_path: Path) -> None:
    """Without its close a night is incomplete at best; what was cut off is named by branch and note."""
    at = filled(tmp_path)
    refs = read_refs(at.git)
    for steps in range(1, 4):
        update_refs(at.git, [RefUpdate(RUNS + NAME, at.git.text("rev-parse", f"{RUNS}{NAME}~{steps}"), ANY)])
        found = faults(at)
        assert any(verdict.where == f"{RUNS}{NAME}:close.json" for verdict in found)
        assert any("is gone" in verdict.problem for verdict in found)  # the night after it knew its end
        restore(at, refs)


def test_a_removed_night_is_missed_by_the_next(tmp_path: Path) -> None:
    """And a removed last night by an anchor."""
    at = filled(tmp_path)
    refs = read_refs(at.git)
    write_marks(marks_file(at.git), refs)
    for night in (NAME, NEXT):
        update_refs(at.git, [RefUpdate(RUNS + night, None, ANY)])
        assert any(RUNS + night == verdict.where for verdict in faults(at, high_water=marks_file(at.git)))
        restore(at, refs)


def test_everything_rolled_back_at_once_needs_an_anchor_and_is_found_with_one(tmp_path: Path) -> None:
    """Consistent in itself, so it says that freshness is not proven; the high-water mark, an oid and a merge's trailer
    each find it."""
    at = house(tmp_path)
    at.night(["a.1"])
    old = read_refs(at.git)
    at.night([at.result("b.1", night=NEXT)], NEXT)
    head = at.git.text("rev-parse", notes.REF)
    write_marks(marks_file(at.git), read_refs(at.git))
    assert summarise(verify(at.git, at.keys, at=head, high_water=marks_file(at.git))).remarks == ()
    restore(at, old)
    assert summarise(verify(at.git, at.keys)).remarks[0].startswith("freshness not proven")
    assert summarise(verify(at.git, at.keys, at=head)).exit_code == 2
    assert summarise(verify(at.git, at.keys, high_water=marks_file(at.git))).exit_code == 2
    at.git.run("commit", "-q", "--allow-empty", "-m", f"Merge\n\nPantheon-Ledger: {head}")
    assert "rolled back" in str(summarise(verify(at.git, at.keys)).first)


def test_a_spoilt_high_water_mark_is_an_error(tmp_path: Path) -> None:
    """Never taken for none, which would launder a rollback."""
    (tmp_path / "marks").write_text("{")
    with pytest.raises(PantheonError, match="cannot be read"):
        read_marks(tmp_path / "marks")


def test_another_key_counts_for_nothing(tmp_path: Path) -> None:
    """Unknown; known for another role; known, but not yet; each named."""
    at = filled(tmp_path / "repo")
    other = generate(tmp_path / "other")
    unknown = TrustedKeys.parse(f"{NIGHT} {other.public_line}", "x")
    assert not [verdict for verdict in verify(at.git, unknown) if verdict.kind == "good"]
    assert f"unknown key {at.key.key_id}" in str(summarise(verify(at.git, unknown)).first)
    person_only = TrustedKeys.parse(f"{PERSON} {at.key.public_line}", "x")
    assert "not trusted as pantheon-night" in str(summarise(verify(at.git, person_only)).first)
    later = TrustedKeys.parse(f'pantheon-* valid-after="20991231Z" {at.key.public_line}', "x")
    assert "valid only after" in str(summarise(verify(at.git, later)).first)
    trust(tmp_path / "both", at.key.public, (NIGHT,))
    night_only = TrustedKeys.load(tmp_path / "both")
    found = [verdict for verdict in verify(at.git, night_only) if not verdict.ok]
    assert [(verdict.job, verdict.where) for verdict in found] == [("a.1", META + "a.1:meta.json")]


def test_exit_codes_tell_tampered_from_incomplete(tmp_path: Path) -> None:
    """2 and 1; the exception says the first thing that is wrong."""
    at = filled(tmp_path)
    update_refs(at.git, [RefUpdate(ARTIFACTS + NAME, None, ANY)])
    summary = summarise(verify(at.git, at.keys))
    assert summary.exit_code == 1
    with pytest.raises(PantheonError, match="artifacts are not here") as caught:
        summary.raise_first()
    assert caught.value.exit_code == 1
    update_refs(at.git, [RefUpdate("refs/heads/pantheon/pr/d.1", at.base, ANY)])
    with pytest.raises(TamperedError, match="refs/heads/pantheon/pr/d") as caught:
        summarise(verify(at.git, at.keys)).raise_first()
    assert caught.value.exit_code == 2


def test_one_night_can_be_verified_alone(tmp_path: Path) -> None:
    """Its own faults only; an unknown night is an error."""
    at = filled(tmp_path)
    update_refs(at.git, [RefUpdate("refs/heads/pantheon/pr/d.1", at.base, ANY)])
    assert summarise(verify(at.git, at.keys, night=NAME)).exit_code == 0
    assert summarise(verify(at.git, at.keys, night=NEXT)).exit_code == 2
    with pytest.raises(PantheonError, match="no night"):
        list(verify(at.git, at.keys, night="nope"))
