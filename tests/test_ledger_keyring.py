"""Rotated and revoked keys: what they signed while they counted stays good, for `verify` and for stock git alike."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import key_records
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.key_change import House as Household
from pantheon_git.ledger.key_change import adopt, heads_at, revoke, rotate
from pantheon_git.ledger.key_records import KEYS, Record, revocation, rotation
from pantheon_git.ledger.keyring import apply, trusted
from pantheon_git.ledger.keys import Key, generate, load_private, load_public
from pantheon_git.ledger.signers import pin, revocation_file
from pantheon_git.ledger.trust import NIGHT, PERSON, Role, TrustedKey, TrustedKeys, trust
from pantheon_git.repo import paths
from pantheon_git.repo.objects import EMPTY_TREE
from pantheon_git.repo.refs import read_refs
from pantheon_git.repo.writer import Writer
from tests.ledger_kit import House, house

BOTH: tuple[Role, ...] = (NIGHT, PERSON)
WHO = "Ada <a@b>"


def pinned(*keys: Key, roles: tuple[str, ...] = BOTH) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key.public, roles) for key in keys))


def keys_in(folder: Path, count: int) -> list[Key]:
    return [generate(folder / f"key{number}") for number in range(count)]


def at_time(monkeypatch: pytest.MonkeyPatch, when: int) -> None:
    monkeypatch.setattr(key_records.time, "time", lambda: when)  # type: ignore[attr-defined] # records say when


def rotated(signer: Key, new: Key, roles: Sequence[Role] = BOTH, replaces: Key | None = None) -> Record:
    return rotation(signer, new.public, roles, WHO, (replaces or signer).key_id)


def test_a_new_key_counts_when_a_pinned_one_signed_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on, and the old one until then; the same second belongs to both. A chain of rotations holds."""
    one, two, three = keys_in(tmp_path, 3)
    at_time(monkeypatch, 1000)
    first = rotated(one, two)
    at_time(monkeypatch, 2000)
    ring = apply(pinned(one), [rotated(two, three), first])
    assert ring.faults == ()
    for key, good, bad in ((one, (1, 1000.9), (1001,)), (two, (1000, 2000), (999, 2001)), (three, (2000,), (1999.9,))):
        for when in good:
            assert ring.keys.require(key.key_id, NIGHT, when) == key.public
        for when in bad:
            with pytest.raises(TamperedError, match="valid only"):
                ring.keys.require(key.key_id, NIGHT, when)


def test_a_record_by_anybody_else_counts_for_nothing(tmp_path: Path) -> None:
    """An unknown key, a night's key that would make a person, a forged signature: each is a fault, and named."""
    night, person, stranger, new = keys_in(tmp_path, 4)
    trust_ = TrustedKeys((TrustedKey(night.public, (NIGHT,)), TrustedKey(person.public, (PERSON,))))
    forged = rotated(person, new, BOTH, night)
    forged = replace(forged, envelope=forged.envelope.replace(b'"sig":"', b'"sig":"A')[:-5] + b'"}]}\n')
    for record in (
        rotated(stranger, new, BOTH, night),
        rotated(night, new, (PERSON,), person),
        rotated(night, new, BOTH),
        revocation(night, person.public, 0, WHO, "", None, ()),
        forged,
    ):
        with pytest.raises(TamperedError):
            apply(trust_, [record]).keys.require(new.key_id, PERSON)
        assert len(apply(trust_, [record]).faults) == 1
    ring = apply(trust_, [rotated(person, new, (NIGHT,), night)])
    assert ring.keys.require(new.key_id, NIGHT) == new.public, "a person may replace the night's key"


def test_a_stolen_key_brings_no_new_one_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revocation reaches back: rotations that the key signed since then do not count, nor what they brought in."""
    person, night, thief = keys_in(tmp_path, 3)
    trust_ = TrustedKeys((TrustedKey(night.public, (NIGHT,)), TrustedKey(person.public, (PERSON,))))
    at_time(monkeypatch, 2000)
    theft = rotated(night, thief, (NIGHT,))
    assert apply(trust_, [theft]).keys.require(thief.key_id, NIGHT, 2001)
    at_time(monkeypatch, 3000)
    end = revocation(person, night.public, 1500, WHO, "stolen", None, ())
    ring = apply(trust_, [theft, end])
    assert [fault.ref for fault in ring.faults] == [KEYS + theft.id]
    with pytest.raises(TamperedError, match="unknown key"):
        ring.keys.require(thief.key_id, NIGHT, 2001)
    assert ring.keys.require(night.key_id, NIGHT, 1499)
    with pytest.raises(TamperedError, match="revoked since 1970-01-01T00:25:00Z"):
        ring.keys.require(night.key_id, NIGHT, 1500)


def test_an_early_date_is_no_way_around_a_revocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the ledger did not hold when the key was revoked does not count, whatever its date: entries and records."""
    person, night, thief = keys_in(tmp_path, 3)
    trust_ = TrustedKeys((TrustedKey(night.public, (NIGHT,)), TrustedKey(person.public, (PERSON,))))
    at_time(monkeypatch, 3000)
    end = revocation(person, night.public, 3000, WHO, "stolen", {"refs/pantheon/runs/N": "1" * 40}, ())
    at_time(monkeypatch, 10)
    backdated = rotated(night, thief, (NIGHT,))
    ring = apply(trust_, [backdated, end])
    assert ["not known when it was" in fault.problem for fault in ring.faults] == [True]
    seen = ring.keys.at("refs/pantheon/runs/N", lambda head: head == "1" * 40)
    assert seen.require(night.key_id, NIGHT, 10) == night.public
    for late in (
        ring.keys.at("refs/pantheon/runs/N", lambda head: False),
        ring.keys.at("refs/pantheon/runs/M", lambda head: True),
    ):
        with pytest.raises(TamperedError, match="not in the ledger"):
            late.require(night.key_id, NIGHT, 10)
        assert late.require(person.key_id, PERSON, 10), "other keys are as they were"


@pytest.mark.parametrize("seed", range(6))
def test_the_order_in_which_records_are_found_does_not_matter(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same records make the same keyring, and no chain of records ever makes a stranger's key count."""
    chance = random.Random(seed)
    keys, stranger = keys_in(tmp_path, 4), generate(tmp_path / "stranger")
    records = []
    for when in range(100, 112):
        at_time(monkeypatch, when)
        one, two = chance.sample(keys, 2)
        if chance.random() < 0.4:
            records.append(revocation(one, two.public, when - chance.choice((0, 5)), WHO, "", None, ()))
        else:
            records.append(rotated(one, two, chance.choice((BOTH, (NIGHT,), (PERSON,)))))
    records.append(rotated(stranger, chance.choice(keys)))
    rings = []
    for _ in range(4):
        chance.shuffle(records)
        rings.append(apply(pinned(keys[0]), records))
    assert all(ring == rings[0] for ring in rings)
    with pytest.raises(TamperedError, match="unknown"):
        rings[0].keys.require(stranger.key_id, NIGHT)


def signed(at: House, key: Key, when: float) -> str:
    writer = Writer(at.objects)
    oid = signed_commit(writer, key, EMPTY_TREE, [], "Signed", when)
    writer.add(EMPTY_TREE, "tree", b"")
    writer.flush()
    return oid


def agree(at: House, oid: str, key: Key, when: float) -> bool:
    """Whether the commit verifies; stock git and our keyring must say the same."""
    git_says = at.git.run("verify-commit", oid, check=False).code == 0
    try:
        trusted(at.git, at.objects).keys.require(key.key_id, NIGHT, when)
        we_say = True
    except TamperedError:
        we_say = False
    assert git_says == we_say, f"git {git_says}, we {we_say}"
    return we_say


def test_stock_git_says_the_same_after_a_rotation_and_a_revocation(tmp_path: Path) -> None:
    """Old signatures stay good, new ones by the old key do not, at the very second; a key that is revoked altogether
    has no good signature at all."""
    at = house(tmp_path / "repo")
    old, now = at.key, int(time.time())
    new, record, _ = rotate(Household(at.git, WHO), old, person=False)
    assert load_private(paths.night_key()).key_id == new.key_id != old.key_id
    cases = [(old, record.when + step, step <= 0) for step in (-9, 0, 1, 9)]
    cases += [(new, record.when + step, step >= 0) for step in (-9, -1, 0, 9)]
    for key, when, good in cases:
        assert agree(at, signed(at, key, when), key, when) is good
    revoke(Household(at.git, WHO), new, old.public, now - 100, "left in a train", heads_at(at.git, at.objects)[0])
    for when, good in ((now - 200, True), (now - 101, True), (now - 100, False), (now, False)):
        assert agree(at, signed(at, old, when), old, when) is good
    revoke(Household(at.git, WHO), new, old.public, 0, "", None)
    assert not agree(at, signed(at, old, now - 200), old, now - 200)
    assert agree(at, signed(at, new, now + 50), new, now + 50)
    assert old.public.line() in revocation_file().read_text()
    assert trusted(at.git, at.objects).faults == ()
    assert at.git.run("verify-commit", *read_refs(at.git, KEYS).values(), check=False).code in (0, 1)


def test_records_travel_with_the_ledger_and_a_deleted_one_is_no_way_back(tmp_path: Path) -> None:
    """Who trusts the old key alone comes to trust the new one, and remembers a revocation whose ref is gone."""
    at = house(tmp_path / "repo")
    old_list = paths.trust_file().read_text()
    new, _, _ = rotate(Household(at.git, WHO), at.key, person=False)
    revoke(Household(at.git, WHO), new, at.key.public, int(time.time()) + 5, "", None)
    for path in (paths.trust_file(), *key_records.local_folder().iterdir()):
        path.unlink()
    paths.trust_file().write_text(old_list)
    ring = trusted(at.git, at.objects)
    assert (len(ring.records), ring.faults) == (2, ())
    assert ring.keys.require(new.key_id, PERSON, time.time())
    assert adopt(at.git, at.objects, new)
    assert adopt(at.git, at.objects, new) == []
    for ref in read_refs(at.git, KEYS):
        at.git.run("update-ref", "-d", ref)
    assert at.key.key_id in trusted(at.git, at.objects).keys.revoked
    assert len(adopt(at.git, at.objects, new)) == 2, "and the ledger gets them back"


def test_a_record_under_another_name_or_with_a_changed_byte_is_a_fault(tmp_path: Path) -> None:
    """Each is named with its ref; the records that are left still count."""
    at = house(tmp_path / "repo")
    rotate(Household(at.git, WHO), at.key, person=False)
    (ref, oid), *_ = read_refs(at.git, KEYS).items()
    at.git.run("update-ref", KEYS + "0123456789abcdef", oid)
    writer = Writer(at.objects)
    writer.add(EMPTY_TREE, "tree", b"")
    writer.flush()
    at.git.run("update-ref", KEYS + "empty", signed(at, at.key, 5))
    faults = trusted(at.git, at.objects).faults
    assert sorted(fault.ref for fault in faults) == sorted([KEYS + "0123456789abcdef", KEYS + "empty"])
    assert ref not in {fault.ref for fault in faults}


def test_one_key_for_both_roles_is_parted(tmp_path: Path) -> None:
    """`rotate --person` makes a key for reviews; the night's keeps the night alone. Both then go on by themselves."""
    at = house(tmp_path / "repo")
    person, _, _ = rotate(Household(at.git, WHO), at.key, person=True)
    keys = trusted(at.git, at.objects).keys
    later = time.time() + 5
    assert (load_private(paths.night_key()).key_id, paths.person_key().name) == (at.key.key_id, "person")
    assert keys.require(at.key.key_id, NIGHT, later)
    assert keys.require(person.key_id, PERSON, later)
    for key, role in ((at.key, PERSON), (person, NIGHT)):
        with pytest.raises(TamperedError):
            keys.require(key.key_id, role, later)
    night, record, _ = rotate(Household(at.git, WHO), at.key, person=False)
    assert record.roles == (NIGHT,)
    assert load_public(paths.person_key().with_name("person.pub")) == person.public
    assert trusted(at.git, at.objects).keys.require(night.key_id, NIGHT, later)


KILLED = """
import os, sys
from pathlib import Path
from pantheon_git.ledger import key_change
from pantheon_git.ledger.keys import load_private
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
left = int(sys.argv[2])
def count(event, args):
    global left
    if event in ("os.rename", "os.link") and (left := left - 1) == 0:
        os._exit(9)
sys.addaudithook(count)
git = Git.discover(Path(sys.argv[1]))
key_change.rotate(key_change.House(git, "Ada <a@b>"), load_private(paths.night_key()), person=False)
"""


def test_a_rotation_that_was_killed_is_brought_to_its_end(tmp_path: Path) -> None:
    """Whatever rename it died before, the next call leaves one trusted night key, and nothing half made."""
    at = house(tmp_path / "repo")
    for step in range(1, 8):
        argv = [sys.executable, "-c", KILLED, str(at.git.path), str(step)]
        subprocess.run(argv, check=False, capture_output=True, cwd=Path(__file__).parent.parent)
        rotate(Household(at.git, WHO), load_private(paths.night_key()), person=False)
        key = load_private(paths.night_key())
        assert load_public(paths.night_key().with_name("night.pub")) == key.public
        assert trusted(at.git, at.objects).keys.require(key.key_id, NIGHT, time.time() + 2)
        assert trusted(at.git, at.objects).faults == ()
        assert not list(paths.keys_dir().glob("*.next*"))


def test_heads_are_those_of_the_commit_that_is_believed(tmp_path: Path) -> None:
    """`--at OID`: each ref as it stood then; what came later is left out. Anything that is no ledger's is refused."""
    at = house(tmp_path / "repo")
    at.night(["a.1"])
    tip = at.git.text("rev-parse", "refs/notes/pantheon")
    heads, after = heads_at(at.git, at.objects, tip)
    assert heads["refs/notes/pantheon"] == tip
    assert after == int(at.git.text("log", "-1", "--format=%ct", tip)) + 1
    assert heads_at(at.git, at.objects) == ({**heads, **heads_at(at.git, at.objects)[0]}, None)
    with pytest.raises(PantheonError, match="no commit of this ledger"):
        heads_at(at.git, at.objects, at.base)


def test_lines_that_no_record_is_about_stay(tmp_path: Path) -> None:
    """Comments, other people's keys and other types of key, byte for byte; and `pin` again changes nothing."""
    at = house(tmp_path / "repo")
    others = f"# friends\n\nada ssh-rsa AAAAB3NzaC1yc2E\nbob {generate(tmp_path / 'bob').public_line} bob's\n"
    paths.trust_file().write_text(others + paths.trust_file().read_text())
    rotate(Household(at.git, WHO), at.key, person=False)
    assert paths.trust_file().read_text().startswith(others)
    assert pin() == []
    assert trust(paths.trust_file(), generate(tmp_path / "c").public, (NIGHT,))
    assert pin() == []
