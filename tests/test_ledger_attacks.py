"""Random attacks of every class: found and named by the product, and by the file that an auditor reads, alike."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pantheon_git.ledger.layout import META, RUNS
from pantheon_git.ledger.trust import Revoked
from tests.conftest import isolate
from tests.standalone_kit import FILE, disagreement, load, verdicts
from tests.tamper_attacks import ATTACKS, sealed_tree
from tests.tamper_kit import attacks
from tests.tamper_world import FIRST, World, world


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, tmp_path_factory.mktemp("home"))
        yield world(tmp_path_factory.mktemp("world"))


def test_the_untouched_ledger_is_good_for_both(at: World) -> None:
    """So that what follows is found, and not the ledger itself."""
    at.begin()
    assert not at.found()
    code, found = verdicts(load(), at)
    assert code == 0
    assert [one["job"] for one in found if one["job"]] == [
        "a.1",
        "b.1",
        "c.1",
        "d.1",
        "e.1",
        "f.1",
        "h.1",
        "i.1",
        "g.1",
    ]


def test_attacks_of_every_class_are_found_and_named_by_both(at: World) -> None:
    """A hundred and fifty; `python -m tests.tamper_kit` makes thousands. The two verifiers have no code in common, and
    say the same exit code and name the same place first."""
    alone, tried = load(), []
    for attack in attacks(at, 150, seed=9):
        assert attack.exit_code in (1, 2), attack.seed
        assert attack.ok, (attack.seed, attack.named, [str(verdict) for verdict in attack.found])
        assert not (apart := disagreement(alone, at, attack)), apart
        tried.append(attack.attack)
    assert set(tried) == set(ATTACKS)


def test_a_thief_who_gives_an_entry_an_early_date_is_found(at: World) -> None:
    """The key was good when the entry says that it was signed; but the ledger as it stood when the key was revoked did
    not hold it."""
    key = at.outsiders["revoked"]
    entries = tuple(replace(e, valid_before=None) if e.key == key.public else e for e in at.keys.entries)
    for heads, expected in ((at.honest, "was not in the ledger when it was"), (None, "")):
        at.begin()
        keys = replace(at.keys, entries=entries, revoked={key.key_id: Revoked(4_000_000_000.0, heads)})
        at.rewrite(RUNS + FIRST, lambda tree: sealed_tree(at, tree, key), key)
        honest, at.keys = at.keys, keys
        try:
            found = [str(verdict) for verdict in at.found()]
        finally:
            at.keys = honest
        assert expected in found[0]
        assert ("open.json" in found[0]) == bool(expected)


def test_a_review_by_a_revoked_key_counts_if_it_was_seen_before(at: World) -> None:
    """Revoked since, with the heads as they are: the honest ledger stays good. With older heads, the later event of
    its two is not believed."""
    honest, own = at.keys, at.house.key
    for heads, bad in ((at.honest, False), ({**at.honest, META + "a.1": at.chain(META + "a.1")[1].parents[0]}, True)):
        at.begin()
        at.keys = replace(honest, revoked={own.key_id: Revoked(4_000_000_000.0, heads)})
        try:
            found = at.found()
        finally:
            at.keys = honest
        assert [verdict.where for verdict in found] == ([f"{META}a.1:meta.json"] if bad else [])


def test_the_file_stands_alone(at: World) -> None:
    """It imports the standard library and cryptography, runs as a script anywhere, and says what it does not prove."""
    tree = ast.parse(FILE.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert others == {"cryptography"}
    at.begin()
    at.write()
    command = [sys.executable, "-I", str(FILE), str(at.copy), "--keys", str(at.copy.parent / "allowed_signers")]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "good: 9 jobs" in done.stdout
    assert "freshness not proven" in done.stdout
    at.refs["refs/heads/pantheon/pr/a.1"] = at.refs["refs/heads/main"]
    at.write()
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a.1: tampered: refs/heads/pantheon/pr/a.1" in done.stdout


def test_the_file_is_short_enough_to_be_read(tmp_path: Path) -> None:
    """An auditor reads all of it: no more than 1,000 lines, a tenth of them for frozen queues."""
    lines = FILE.read_text("utf-8").splitlines()
    assert len(lines) <= 1000
