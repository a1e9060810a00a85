"""The text and the tree of notes, beside stock git."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pantheon_git.ledger import notes
from pantheon_git.ledger.lines import MOST_LINES, note, plain
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FILE, FOLDER, Entry
from pantheon_git.repo.refs import RefUpdate, update_refs
from pantheon_git.repo.writer import Writer
from tests.ledger_kit import NAME, House, house


def names(count: int) -> list[str]:
    return [hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest() for number in range(count)]


def set_notes(at: House, tree: str, old: str | None = None, new: str | None = None) -> str:
    writer = Writer(at.objects)
    commit = new or writer.commit(tree, [old] if old else [], "A <a@b> 0 +0000", "Notes\n")
    writer.flush()
    update_refs(at.git, [RefUpdate(notes.REF, commit, old)])
    return commit


def grown(at: House, count: int, batch: int) -> str:
    """A notes tree of `count` notes, added in batches."""
    tree: str | None = None
    found = names(count)
    for start in range(0, count, batch):
        writer = Writer(at.objects)
        tree = notes.add_notes(writer, tree, {name: f"note {name}\n".encode() for name in found[start : start + batch]})
        writer.flush()
    assert tree is not None
    return tree


@pytest.mark.parametrize(("count", "batch"), [(1, 1), (60, 7), (300, 50), (5000, 500)])
def test_stock_git_reads_our_notes_and_would_write_the_same_tree(tmp_path: Path, count: int, batch: int) -> None:
    """`git notes show` finds each; after stock git has added and removed one, the tree is ours again."""
    at = house(tmp_path)
    tree = grown(at, count, batch)
    tip = set_notes(at, tree)
    for name in names(count)[:: max(1, count // 10)]:
        assert notes.read_note(at.objects, tree, name) == f"note {name}\n".encode()
    assert dict(notes.all_notes(at.objects, tree)).keys() == set(names(count))
    listed = at.git.text("notes", "--ref=pantheon", "list").splitlines()
    assert {line.split()[1] for line in listed} == set(names(count))
    at.git.run("notes", "--ref=pantheon", "add", "-m", "by hand", at.base)
    at.git.run("notes", "--ref=pantheon", "remove", at.base)
    assert at.git.text("rev-parse", f"{notes.REF}^{{tree}}") == tree
    assert tip != at.git.text("rev-parse", notes.REF)


def test_git_notes_show_prints_a_note_of_a_split_tree(tmp_path: Path) -> None:
    """With real commits among 300 others."""
    at = house(tmp_path)
    tree = grown(at, 300, 100)
    writer = Writer(at.objects)
    tree = notes.add_notes(writer, tree, {at.base: b"a line\n"})
    writer.flush()
    set_notes(at, tree)
    assert at.git.text("notes", "--ref=pantheon", "show", at.base) == "a line"
    assert at.git.run("fsck", "--strict").code == 0


def test_twenty_thousand_notes_split_twice_as_git_splits_them(tmp_path: Path) -> None:
    """The second level of folders follows the same rule, and only changed folders are written."""
    at = house(tmp_path)
    tree = grown(at, 25_000, 25_000)
    set_notes(at, tree)
    at.git.run("notes", "--ref=pantheon", "add", "-m", "by hand", at.base)
    writer = Writer(at.objects)
    ours = notes.add_notes(writer, tree, {at.base: b"by hand\n"})
    assert at.git.text("rev-parse", f"{notes.REF}^{{tree}}") == ours
    assert any(path.count(b"/") == 2 for path, _ in at.objects.walk(tree))
    assert len(writer.objects) <= 4  # one text, at most three levels of folders


def test_what_is_no_note_stays_and_a_note_is_replaced(tmp_path: Path) -> None:
    """Files that somebody keeps in the notes tree are theirs."""
    at = house(tmp_path)
    writer = Writer(at.objects)
    odd = [
        Entry(FILE, b"README", writer.blob(b"hello")),
        Entry(FOLDER, b"zz", writer.tree([Entry(FILE, b"x", writer.blob(b""))])),
    ]
    tree = notes.add_notes(writer, writer.tree(odd), dict.fromkeys(names(200), b"old\n"))
    tree = notes.add_notes(writer, tree, {names(200)[7]: b"new\n"})
    assert {b"README", b"zz"} <= {entry.name for entry in writer.reader.tree(tree)}
    assert notes.read_note(writer.reader, tree, names(200)[7]) == b"new\n"
    assert notes.read_note(writer.reader, tree, names(201)[200]) is None
    assert len(list(notes.all_notes(writer.reader, tree))) == 200


def test_log_shows_at_most_fourteen_lines_a_job(tmp_path: Path) -> None:
    """A flow of forty nodes too; those that did not pass are among them, and the last line says how many are not."""
    at = house(tmp_path)
    many = [f"n{number}" for number in range(40)]
    commit, failed = at.night([at.result("big.1", nodes=many), at.result("bad.1", "failed", nodes=many)])
    for oid in (commit, failed):
        lines = at.git.text("notes", "--ref=pantheon", "show", oid).splitlines()
        assert len(lines) <= MOST_LINES
        assert lines[0].startswith(f"{NAME} b")
        assert " 00-job " in lines[0]
        assert lines[-1].split(" ", 2)[2].startswith("99-more 28 more nodes")
    assert any(" 40-n39 fail: " in line for line in lines)


def test_lines_say_night_job_and_node_and_stand_alone(tmp_path: Path) -> None:
    """On the job's commit one line a node; on the base commit one a task, whatever its ending."""
    at = house(tmp_path)
    endings = {"good.1": "pr", "bad.1": "failed", "odd.1": "refused", "same.1": "unchanged", "dead.1": "error"}
    at.night([at.result(job, ending) for job, ending in endings.items()])  # type: ignore[arg-type]
    shown = at.git.text("log", "--notes=pantheon", "-1", "--format=%N", "main").splitlines()
    assert [line.split()[1] for line in shown] == sorted(endings)
    for line in shown:
        night, job, node, said, *_ = line.split()
        assert (night, node) == (NAME, "00-job")
        assert said.rstrip(":") == endings[job]
    for line in at.git.text("notes", "--ref=pantheon", "show", "pantheon/pr/good.1").splitlines():
        assert line.startswith(f"{NAME} good.1 0")
        assert " | SHA256:" in line


def test_cat_sort_uniq_changes_nothing(tmp_path: Path) -> None:
    """Merging the notes with a copy of themselves, as two machines do, leaves every byte as it was."""
    at = house(tmp_path)
    at.night(["a.1", "b.1"])
    before = at.git.text("rev-parse", f"{notes.REF}^{{tree}}")
    text = at.git.text("notes", "--ref=pantheon", "show", "main")
    at.git.run("notes", "--ref=other", "add", "-m", "\n".join(reversed(text.splitlines())), "main")
    at.git.run("notes", "--ref=pantheon", "merge", "-s", "cat_sort_uniq", "refs/notes/other")
    assert at.git.text("rev-parse", f"{notes.REF}^{{tree}}") == before


def test_a_reason_cannot_forge_a_line() -> None:
    """Line breaks, control and bidirectional characters, halves of surrogates: one printable line remains."""
    evil = "ok\n20261125T230000Z x.1 00-job pr\x1b[31m\u202etxt\udc80\x00 tail" + "x" * 200
    line = plain(evil)
    assert line == "ok 20261125T230000Z x.1 00-job pr[31mtxt tail" + "x" * 54 + "…"
    assert note(["b", "a", "b"]) == b"a\nb\n"


def test_jobs_that_did_not_run_have_a_line_with_the_reason(tmp_path: Path) -> None:
    """The reason that the close gives, else that the night ended."""
    at = house(tmp_path)
    contexts = [at.context(job) for job in ("late.1", "done.1", "put.1")]
    at.ledger.open_night(NAME, contexts, {})
    at.ledger.commit_group(NAME, [at.result("done.1")])
    at.ledger.close_night(NAME, {"put_off": {"put": "no time left"}})
    shown = at.git.text("notes", "--ref=pantheon", "show", "main").splitlines()
    assert [line.split(" ", 1)[1].partition(" | ")[0] for line in shown] == [
        "done.1 00-job pr: Describe done.1",
        "late.1 00-job not run: the night ended before its turn",
        "put.1 00-job not run: no time left",
    ]


def test_config_lets_plain_git_log_show_the_notes(tmp_path: Path) -> None:
    """`init` sets notes.displayRef; set twice it stands once, and what a person set stays."""
    at = house(tmp_path)
    house_again = Git(tmp_path)
    assert house_again.text("config", "--get-all", "notes.displayRef") == "refs/notes/pantheon"
    at.night(["a.1"])
    assert "Notes (pantheon)" in at.git.text("log", "-1", "main")
