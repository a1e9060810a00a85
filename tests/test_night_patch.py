"""The patch made in memory is one that git takes, and counts as git counts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pantheon_git.night.patch import Edit, Side, count, render

ENV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1"}


def git(repo: Path, *args: str, data: bytes | None = None) -> bytes:
    return subprocess.run(["git", "-C", str(repo), *args], input=data, env=ENV, check=True, capture_output=True).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


NAMES = st.sampled_from([b"a.md", b"with space.md", b"d/\xc3\xa9t\xc3\xa9.md", b'q"uote', b"tab\there", b"back\\slash"])
TEXT = st.lists(st.sampled_from([b"a", b"b", b"", b"c\r", b"- x"]), max_size=12).map(b"\n".join)
BYTES = st.one_of(st.binary(max_size=80), st.binary(max_size=300).map(b"\0".__add__))
DATA = st.one_of(TEXT, TEXT.map(lambda t: t + b"\n"), BYTES)
SIDE = st.builds(Side, st.sampled_from([0o100644, 0o100755]), DATA)


@st.composite
def edits(draw: st.DrawFn) -> list[Edit]:
    found = []
    for name in draw(st.lists(NAMES, unique=True, min_size=1, max_size=3)):
        old, new = draw(st.one_of(st.none(), SIDE)), draw(st.one_of(st.none(), SIDE))
        if old or new:
            found.append(Edit(name, old, new))
    return found


def put(repo: Path, name: bytes, side: Side | None) -> None:
    path = Path(str(repo)) / name.decode("utf-8", "surrogateescape")
    path.unlink(missing_ok=True)
    if side is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(side.data)
        path.chmod(side.mode & 0o777)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits())
def test_git_applies_it_and_counts_the_same(repo: Path, some: list[Edit]) -> None:
    """`git apply` of the patch on the old tree gives the new bytes and modes; `--numstat` agrees with `count`."""
    git(repo, "rm", "-rqf", "--cached", "--ignore-unmatch", ".")
    for edit in some:
        put(repo, edit.path, edit.old)
    git(repo, "add", "-A", ".")
    patch = render(some)
    if not patch:
        return
    git(repo, "apply", "--index", "--whitespace=nowarn", data=patch)
    for edit in some:
        path = repo / edit.path.decode("utf-8", "surrogateescape")
        assert path.exists() == (edit.new is not None)
        if edit.new is not None:
            assert path.read_bytes() == edit.new.data
            assert bool(path.stat().st_mode & 0o100) == (edit.new.mode == 0o100755)
            path.unlink()


def test_numstat_and_text_are_as_git_prints_them(repo: Path) -> None:
    """For ordinary edits the patch is git's own, byte for byte, full index lines included."""
    before = b"".join(b"line %d\n" % n for n in range(40))
    after = before.replace(b"line 3\n", b"---\ntitle: x\n---\n").replace(b"line 30\n", b"") + b"no end"
    put(repo, b"d/e f.md", Side(0o100644, before))
    put(repo, b"gone", Side(0o100644, b"x\n"))
    git(repo, "add", "-A", ".")
    base = git(repo, "write-tree").decode().strip()
    put(repo, b"d/e f.md", Side(0o100644, after))
    put(repo, b"gone", None)
    put(repo, b"new.sh", Side(0o100755, b"#!/bin/sh\n"))
    git(repo, "add", "-A", ".")
    edits = [
        Edit(b"new.sh", None, Side(0o100755, b"#!/bin/sh\n")),
        Edit(b"d/e f.md", Side(0o100644, before), Side(0o100644, after)),
        Edit(b"gone", Side(0o100644, b"x\n"), None),
    ]
    theirs = git(repo, "diff", "--cached", "--full-index", "--no-renames", base).split(b"\n")
    ours = render(edits).split(b"\n")
    assert [line.split(b" @@")[0] for line in ours] == [line.split(b" @@")[0] for line in theirs]
    lines = git(repo, "diff", "--cached", "--numstat", "--no-renames", base).splitlines()
    numbers = {path.decode(): (int(a), int(d)) for a, d, path in (line.split(b"\t") for line in lines)}
    assert count(edits) == numbers


def test_a_large_binary_is_only_said_to_differ() -> None:
    """A patch never grows with a file that nobody could read in it; nor does it take long."""
    large = Side(0o100644, bytes(range(256)) * (1 << 14))
    lines = Side(0o100644, b"\n" * (3 << 20))
    for side in (large, lines):
        found = render([Edit(b"docs/x y", None, side)])
        assert found.endswith(b"Binary files /dev/null and b/docs/x y differ\n")
        assert count([Edit(b"x", None, side)]) == {"x": (0, 0)}
