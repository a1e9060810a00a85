"""The corpus of hostile trees (`hostile_trees.py`), made in real jails at every level, as root and as a user."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pantheon_git.jail import collect as module
from pantheon_git.jail.collect import collect
from pantheon_git.jail.names import plain, shown, why_unfit, why_unsafe
from pantheon_git.jail.protocol import Caps, Change, JailSpec
from pantheon_git.night.bare import open_no_jail
from pantheon_git.night.workspace import Snapshot, Workspace
from pantheon_git.repo.objects import LINK, Overlay
from tests import hostile_trees
from tests.hostile_trees import CASES, CLASHES, judge, of_case
from tests.jailed import PAIRS, World, run

jailed = pytest.mark.jail


async def every_hostile_tree_is_refused_or_neutralised(world: World) -> None:
    """Each of the corpus: refused with its path and reason, or harmless when it comes out; and the tree that is made of
    all of them together holds nothing hostile."""
    changes = await hostile_trees.make_all(world)
    for number, case in enumerate(CASES):
        judge(case, of_case(changes, number))
    found = await _snapshot(world, changes)
    assert len(found.refused) == 21, "twenty are named, the others counted"
    assert all(line.isprintable() for line in found.refused)
    reader = Overlay(world.objects, found.objects)
    base = {path for path, _ in reader.walk(world.objects.commit(world.head).tree)}
    for path, entry in reader.walk(found.tree):
        assert not any(why_unsafe(part) or why_unfit(part) for part in path.split(b"/")), path
        assert entry.mode != LINK or path in base or reader.blob(entry.oid) in (b"x", b"l")


async def _snapshot(world: World, changes: list[Change]) -> Snapshot:
    base = world.objects.commit(world.head).tree
    spec = JailSpec(world.checkout, Path(tempfile.mkdtemp(dir=world.base)) / "job")
    async with Workspace(spec, "auto", open_no_jail, lambda _: changes, world.objects, base, "t.toml") as workspace:
        return workspace.take_snapshot()


async def names_that_clash_are_refused(world: World) -> None:
    """Refused with the name that they clash with, and not in the tree; what clashes with nothing stays."""
    code = "\n".join(code for code, _ in CLASHES.values()) + "\nw('../harmless')"
    wanted = {path: reason for _, told in CLASHES.values() for path, reason in told.items()}
    changes, _ = await hostile_trees.make(world, code, "job")
    assert not [change for change in changes if change.kind == "special"]
    found = await _snapshot(world, changes)
    told = dict(line.split(": ", 1) for line in found.refused)
    assert told.keys() == {shown(path) for path in wanted}
    assert all(reason in told[shown(path)] for path, reason in wanted.items()), told
    paths = {path for path, _ in Overlay(world.objects, found.objects).walk(found.tree)}
    assert b"harmless" in paths
    assert not paths & wanted.keys()


async def what_is_swapped_while_it_is_read_stays_inside(world: World) -> None:
    """A program in the jail swaps folders and files for links to what lies outside while the host reads: nothing from
    outside is ever read, and nothing breaks."""
    code = f"""{hostile_trees.PRELUDE}
import time
w('d/passwd', b'inside'); w('f', b'inside'); os.symlink('/etc', 'l'); os.symlink('/etc/passwd', 'g')
open('ready', 'w').close()
end = time.monotonic() + 1
while time.monotonic() < end:
    for one, other in (('d', 'l'), ('f', 'g')):
        os.rename(one, 't'); os.rename(other, one); os.rename('t', other)
"""
    spec = world.spec()
    async with world.jail(spec) as jail:
        swapping = asyncio.create_task(world.python(jail, code, timeout=30))
        seen: set[tuple[bytes, str, bytes]] = set()
        while not swapping.done():
            changes = await asyncio.to_thread(collect, spec)
            seen |= {(change.path, change.kind, change.data) for change in changes}
        await swapping
    assert len(seen) > 4, "both sides of the swap were seen"
    assert {data for _, kind, data in seen if kind == "write"} <= {b"inside", b""}


@jailed
@pytest.mark.parametrize(("user", "level", "tree"), PAIRS)
def test_hostile_trees(user: str, level: str, tree: str) -> None:
    """See the function."""
    run(user, __name__, "every_hostile_tree_is_refused_or_neutralised", level, tree)


@jailed
@pytest.mark.parametrize(("user", "level", "tree"), PAIRS[:2])
@pytest.mark.parametrize("attack", ["names_that_clash_are_refused", "what_is_swapped_while_it_is_read_stays_inside"])
def test_on_the_way_out(attack: str, user: str, level: str, tree: str) -> None:
    """See the functions; on both kinds of tree."""
    run(user, __name__, attack, level, tree)


def _upper(tmp_path: Path, **caps: int) -> tuple[JailSpec, Path]:
    checkout, upper = tmp_path / "tree", tmp_path / "job/upper"
    for folder in (checkout, upper):
        folder.mkdir(parents=True)
    return JailSpec(checkout, tmp_path / "job", caps=Caps(**caps)), upper


def test_a_sparse_file_of_a_gibibyte_is_not_read(tmp_path: Path) -> None:
    """Where the policy lets a job write one: one refusal, at once, whatever its size."""
    spec, upper = _upper(tmp_path, file_mb=4096)
    with (upper / "sparse").open("w") as file:
        file.truncate(1 << 30)
    started = time.perf_counter()
    assert collect(spec) == [Change(b"", "special", reason="more than 64 MiB of changes")]
    assert time.perf_counter() - started < 1


def test_new_names_in_all_are_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are no change, yet looking at them ends: 200,000 of them would only make the test slow."""
    monkeypatch.setattr(module, "MAX_NAMES", 50)
    spec, upper = _upper(tmp_path)
    for number in range(8):
        for other in range(8):
            (upper / str(number) / str(other)).mkdir(parents=True)
    assert collect(spec) == [Change(b"", "special", reason="more than 50 new names")]


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Nothing beyond the size that was seen is taken."""
    spec, upper = _upper(tmp_path)
    stop = threading.Event()

    def grow() -> None:
        with (upper / "log").open("ab", 0) as file:
            while not stop.is_set():
                file.write(b"x" * 512)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not any(change.reason == "a file that changed while it was read" for change in collect(spec)):
            assert time.monotonic() < deadline, "it always read a whole file"
    finally:
        stop.set()
        thread.join()


PIECES = (
    *(".", "git", "GIT", "g", "i", "t", "~", "1", "7", " ", ":", "\\", "\u200c", "\ufeff", "mod", "ules", "attributes"),
    *("gi7eba", "\u0131", "\u212a", "é", "e\u0301", "\x1b", "\n", "\u202e", "aux", "HEAD", "a", "-", "\ufb01", "ß"),
)
NAMES = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map(lambda parts: "".join(parts).encode()),
    st.binary(min_size=1, max_size=12),
    st.text(min_size=1, max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
).filter(lambda name: name not in (b".", b"..") and b"/" not in name and b"\0" not in name and len(name) < 256)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=1, max_size=12, unique=True))
def test_what_is_taken_git_takes_on_every_system(tmp_path_factory: pytest.TempPathFactory, names: list[bytes]) -> None:
    """For any names: none is lost in silence, each is taken or refused with a reason that a terminal can show, and git,
    told to protect HFS and NTFS, takes all that are taken, in one index, and fsck finds nothing."""
    spec, upper = _upper(tmp_path_factory.mktemp("names"))
    for name in names:
        with open(os.path.join(os.fsencode(upper), name), "wb"):  # noqa: PTH123, PTH118 - names of bytes
            pass
    found = {change.path: change for change in collect(spec)}
    assert found.keys() == {name for name in names if name != b".git"}
    taken = [path for path, change in found.items() if change.kind == "write"]
    assert all(shown(change.path).isprintable() and change.reason.isprintable() for change in found.values())
    assert all(path.decode("utf-8").isprintable() for path in taken)
    require_git_takes(upper.parent.parent / "repo", taken)


def require_git_takes(repo: Path, paths: list[bytes]) -> None:
    def git(*words: str, given: bytes = b"") -> bytes:
        strict = ("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true")
        return subprocess.run(
            ["git", *strict, "-C", str(repo), *words], input=given, check=True, capture_output=True
        ).stdout

    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    blob = git("hash-object", "-w", "--stdin")
    git("update-index", "-z", "--index-info", given=b"".join(b"100644 %s\t%s\0" % (blob.strip(), p) for p in paths))
    assert git("ls-files", "-z").count(b"\0") == len(paths)
    tree = git("write-tree").strip().decode()
    commit = git("-c", "user.name=a", "-c", "user.email=a", "commit-tree", "-m", "x", tree).strip().decode()
    git("fsck", "--strict", commit)


@given(st.text(max_size=12))
def test_plain_names_stay_plain(name: str) -> None:
    """What two spellings have in common has it itself: the plain form's plain form is the same."""
    assert plain(plain(name)) == plain(name)
