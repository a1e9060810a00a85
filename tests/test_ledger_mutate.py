"""Single bytes changed at random, objects and refs rewritten to fit: each change is found and named."""

from __future__ import annotations

import random
from pathlib import Path

from pantheon_git.ledger import notes
from pantheon_git.ledger.layout import ARTIFACTS, META, RUNS
from pantheon_git.repo.refs import read_refs
from pantheon_git.repo.writer import Writer
from tests.ledger_forge import faults, filled, forge, put, restore, with_file
from tests.ledger_kit import House


def targets(at: House) -> list[tuple[str, bytes, str]]:
    """Every file of the ledger: ref, path, blob."""
    found = []
    for ref, oid in sorted(read_refs(at.git).items()):
        if ref.startswith((RUNS, ARTIFACTS, META, notes.REF)):
            found += [(ref, path, entry.oid) for path, entry in at.objects.walk(at.objects.commit(oid).tree)]
    return found


def test_any_changed_byte_in_any_file_is_found_and_named(tmp_path: Path) -> None:
    """A few hundred random single-byte changes in statements, openings, closes, artifacts, notes and metadata: each is
    found, and the file is named (a note by its commit)."""
    at = filled(tmp_path)
    refs, chance, all_files = read_refs(at.git), random.Random(11), targets(at)
    kinds = {ref.split("/")[2] if ref.startswith("refs/pantheon/") else "notes" for ref, _, _ in all_files}
    assert kinds == {"runs", "artifacts", "meta", "notes"}
    for number in range(300):
        ref, path, oid = all_files[number % len(all_files)]
        data = bytearray(at.objects.blob(oid)) or bytearray(b" ")
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        forge(at, ref, with_file(path, bytes(data)))
        found = faults(at)
        assert found, (ref, path)
        named = f"{ref}:{path.replace(b'/', b'').decode() if ref == notes.REF else path.decode()}"
        assert any(verdict.kind == "tampered" and verdict.where == named for verdict in found), (named, found)
        restore(at, refs)
    assert not faults(at)


def test_any_changed_byte_of_a_commit_is_found(tmp_path: Path) -> None:
    """Tree, author, time, message and signature of every kind of commit of ours, put in its place by moving the ref."""
    at = filled(tmp_path)
    refs, chance = read_refs(at.git), random.Random(5)
    ours = sorted(ref for ref in refs if "pantheon" in ref)
    for number in range(100):
        ref = ours[number % len(ours)]
        raw = bytearray(at.objects.commit(refs[ref]).raw)
        place = chance.randrange(raw.index(b"\nauthor ") + 1, len(raw))
        raw[place] ^= 1 << chance.randrange(8)
        writer = Writer(at.objects)
        oid = put(writer, "commit", bytes(raw))
        writer.flush()
        # git itself refuses some of these; plant it as an attacker would, without asking git
        (at.git.common_dir / ref).write_text(oid + "\n")
        found = faults(at)
        assert any(ref in verdict.where for verdict in found), (ref, bytes(raw), found)
        (at.git.common_dir / ref).write_text(refs[ref] + "\n")
    assert not faults(at)
