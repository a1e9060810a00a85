"""Hostile trees, each made for real by a job inside its jail, and what must become of it on the way out.

`python -m tests.hostile_trees` makes them at every level and kind of tree that works here, and prints the table,
with the time and memory that reading took for 100,000 files, a file of 1 GiB, and 1 GiB in many files.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from pantheon_git.errors import JailError
from pantheon_git.jail.collect import collect
from pantheon_git.jail.protocol import Change
from pantheon_git.jail.trees import remove_tree
from tests.jailed import BASE_PYTHON, COMBINATIONS, World, make_world

PRELUDE = """
import os, socket, stat, sys
def w(path, data=b"x", mode=None):
    if os.path.dirname(path): os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file: file.write(data)
    if mode is not None: os.chmod(path, mode)
def tried(what, *arguments):
    try: what(*arguments)
    except OSError as error: print(what.__name__, error.strerror)
"""
GIT, HFS, OUT = "a name that means .git", "an invisible character", "out of the repository"
Left = Mapping[bytes, tuple[Any, ...]]


@dataclass(frozen=True)
class Case:
    name: str
    code: str
    """Python, run in an empty folder of its own in the job's tree."""
    refused: Mapping[bytes, str] = field(default_factory=dict)
    """Path in that folder → part of the reason. Nothing else may be refused there."""
    left: Left = field(default_factory=dict)
    """What comes out, neutralised: path → (kind, executable, content). Nothing else may come out."""
    impossible: bool = False
    """Whether the jail or the kind of tree may make it harmless already: then `left` is all that comes out."""
    fatal: bool = False
    """Whether the watchdog ends the jail for it: then it gets one of its own, and what is left is read all the same."""


def _dotgit(name: str, spelled: str) -> Case:
    return Case(f".git as {name}", f"w({spelled!r} + '/config', b'[core]\\n\\tfsmonitor = x\\n')",
                {spelled.encode("utf-8", "surrogateescape"): GIT})  # fmt: skip


CASES: tuple[Case, ...] = (
    _dotgit("a folder", ".git"),
    _dotgit("capitals", ".GIT"),
    _dotgit("mixed case", ".GiT"),
    _dotgit("a dot at its end", ".git."),
    _dotgit("spaces and dots at its end", ".git . ."),
    _dotgit("NTFS short name", "git~1"),
    _dotgit("NTFS short name, capitals", "GIT~1"),
    _dotgit("NTFS short name of another number", "git~17"),
    _dotgit("NTFS stream", ".git::$INDEX_ALLOCATION"),
    _dotgit("NTFS stream of the short name", "git~1:x"),
    _dotgit("HFS with a joiner", ".g\u200cit"),
    _dotgit("HFS with a byte order mark", "\ufeff.git"),
    _dotgit("HFS with a mark of direction", ".git\u202e"),
    _dotgit("Kelvin-like case folding", ".g\u0131t".replace("\u0131", "i")),
    _dotgit("part of a name with backslashes", "a\\.git"),
    Case(".git deep inside", "w('a/b/.git/hooks/post-checkout', b'#!/bin/sh\\n', 0o755)", {b"a/b/.git": GIT}),
    Case(".git as a file", "w('sub/.git', b'gitdir: /tmp/evil\\n')", {b"sub/.git": GIT}),
    Case(".git as a link", "os.symlink('/tmp', '.git')", {b".git": GIT}),
    Case(".git as a pipe", "os.mkfifo('.git')", {b".git": GIT}),
    Case("a parent in a name with backslashes", "w('..\\\\x')", {b"..\\x": "leads out"}),
    Case("a name with a drive", "w('C:x')", {b"C:x": "parts names"}),
    Case("a name with a backslash", "w('a\\\\b')", {b"a\\b": "parts names"}),
    Case("an absolute link", "os.symlink('/etc/passwd', 'l')", {b"l": OUT}),
    Case("a link that climbs out", "os.symlink('../' * 30 + 'etc', 'l')", {b"l": OUT}),
    Case("a link that climbs out late", "os.mkdir('a'); os.symlink('../a/../../../../x', 'a/l')", {b"a/l": OUT}),
    Case("a link with backslashes", "os.symlink('..\\\\..\\\\..\\\\x', 'l')", {b"l": OUT}),
    Case("a link to a drive", "os.symlink('C:/x', 'l')", {b"l": OUT}),
    Case("a link into .git", "os.symlink('../../.git/config', 'l')", {b"l": "into .git"}),
    Case("a link into .git, spelled", "os.symlink('../../.GIT /config', 'l')", {b"l": "into .git"}),
    Case("a link to /proc", "os.symlink('/proc/self/root', 'l')", {b"l": OUT}),
    Case("a link inside", "os.symlink('x', 'l')", left={b"l": ("symlink", False, b"x")}),
    Case("a link to itself", "os.symlink('l', 'l')", left={b"l": ("symlink", False, b"l")}),
    Case(".gitmodules with a space", "w('.gitmodules ')", {b".gitmodules ": "means .gitmodules"}),
    Case(".gitmodules in capitals", "w('.GITMODULES')", {b".GITMODULES": "means .gitmodules"}),
    Case(".gitmodules as NTFS short name", "w('gitmod~1')", {b"gitmod~1": "means .gitmodules"}),
    Case(".gitmodules as NTFS hashed name", "w('GI7EBA~1')", {b"GI7EBA~1": "means .gitmodules"}),
    Case(".gitmodules on HFS", "w('.gitmod\\u200dules')", {".gitmod\u200dules".encode(): "means .gitmodules"}),
    Case(".gitmodules as a stream", "w('.gitmodules:x')", {b".gitmodules:x": "means .gitmodules"}),
    Case(".gitattributes on HFS", "w('.git\\u200cattributes')",
         {".git\u200cattributes".encode(): "means .gitattributes"}),
    Case(".gitattributes as NTFS short name", "w('GI7D29~1')", {b"GI7D29~1": "means .gitattributes"}),
    Case("another's NTFS short name", "w('GITHUB~1/x')", {b"GITHUB~1": "short form"}),
    Case("a named pipe", "os.mkfifo('p')", {b"p": "a named pipe"}),
    Case("a socket", "tried(lambda: socket.socket(socket.AF_UNIX).bind('s'))", {b"s": "a socket"}, impossible=True),
    Case("a character device", "tried(os.mknod, 'd', 0o20666, os.makedev(1, 3))", {b"d": "device"}, impossible=True),
    Case("a block device", "tried(os.mknod, 'd', 0o60666, os.makedev(8, 0))", {b"d": "device"}, impossible=True),
    Case("a whiteout by hand", "tried(os.mknod, 'd', 0o20000, 0)", {b"d": "device"}, impossible=True),
    Case("an opaque folder by hand",
         "os.mkdir('o'); w('o/x'); tried(os.setxattr, 'o', 'user.overlay.opaque', b'y')",
         {b"o": "overlay's own"}, {b"o/x": ("write", False, b"x")}, impossible=True),
    Case("a folder with a redirect by hand",
         "os.mkdir('o'); w('o/x'); tried(os.setxattr, 'o', 'user.overlay.redirect', b'/etc')",
         {b"o": "overlay's own"}, {b"o/x": ("write", False, b"x")}, impossible=True),
    Case("a file with metacopy by hand",
         "w('m'); tried(os.setxattr, 'm', 'user.overlay.metacopy', b'')",
         {b"m": "overlay's own"}, {b"m": ("write", False, b"x")}, impossible=True),
    Case("a whiteout attribute by hand",
         "w('m', b''); tried(os.setxattr, 'm', 'user.overlay.whiteout', b'y')",
         {b"m": "overlay's own"}, {b"m": ("write", False, b"")}, impossible=True),
    Case("a hard link to a file outside", "tried(os.link, '/etc/passwd', 'h')", impossible=True),
    Case("a hard link to the private git directory", "tried(os.link, '../../.git/HEAD', 'h')",
         left={b"h": ("write", False, None)}, impossible=True),
    Case("two names of one file", "w('a'); os.link('a', 'b')",
         left={b"a": ("write", False, b"x"), b"b": ("write", False, b"x")}),
    Case("set-uid and set-gid", "w('s', mode=0o6755)", left={b"s": ("write", True, b"x")}),
    Case("a sticky folder for all", "w('t/x'); os.chmod('t', 0o1777)", left={b"t/x": ("write", False, b"x")}),
    Case("a file nobody may read", "w('c', mode=0)", {b"c": "owner may not read"}),
    Case("a folder nobody may read", "w('d/x'); os.chmod('d', 0)", {b"d": "owner may not read"}, fatal=True),
    Case("a folder nobody may enter", "w('d/x'); os.chmod('d', 0o444)", {b"d": "owner may not read"}, fatal=True),
    Case("a folder one may only enter", "w('d/x'); os.chmod('d', 0o111)", {b"d": "owner may not read"}, fatal=True),
    Case("a sparse file above the cap of one", "w('s'); tried(os.truncate, 's', 3 << 20)",
         {b"s": "bytes; at most"}, {b"s": ("write", False, b"x")}, impossible=True),
    Case("a name that is not UTF-8", "w(b'caf\\xe9')", {b"caf\xe9": "not UTF-8"}),
    Case("a name of broken UTF-8", "w(b'\\xc0\\xafetc')", {b"\xc0\xafetc": "not UTF-8"}),
    Case("a line break in a name", "w('a\\n\\nPantheon-Job: forged')", {b"a\n\nPantheon-Job: forged": "a control"}),
    Case("an escape sequence in a name", "w('\\x1b]0;owned\\x07.md')", {b"\x1b]0;owned\x07.md": "a control"}),
    Case("a tab and a return in a name", "w('a\\tb\\r')", {b"a\tb\r": "a control"}),
    Case("a C1 control in a name", "w('a\\x9b31m')", {"a\x9b31m".encode(): "a control"}),
    Case("a turned name", "w('gnp.\\u202excod.md')", {"gnp.\u202excod.md".encode(): "an invisible"}),
    Case("a name with a space of no width", "w('a\\u200bb.md')", {"a\u200bb.md".encode(): "an invisible"}),
    Case("a line separator in a name", "w('a\\u2028b')", {"a\u2028b".encode(): "a line separator"}),
    Case("a device of another system", "w('aux.md')", {b"aux.md": "a device on some"}),
    Case("a device with a stream", "w('nul')", {b"nul": "a device on some"}),
    Case("a space at the end", "w('README.md ')", {b"README.md ": "some systems drop"}),
    Case("a dot at the end", "w('README.md.')", {b"README.md.": "some systems drop"}),
    Case("a name of 255 bytes", "w('n' * 255)", left={b"n" * 255: ("write", False, b"x")}),
    Case("a path of 2000 bytes", "w('/'.join(['n' * 200] * 10))", {b"/".join([b"n" * 200] * 6): "a path of"}),
    Case("folders 80 deep", "w('/'.join(['d'] * 80))", {b"/".join([b"d"] * 63): "64 folders deep"}),
    Case("folders 3000 deep", """
for _ in range(3000):
    os.mkdir('d'); os.chdir('d')
""", {b"/".join([b"d"] * 63): "64 folders deep"}, fatal=True),
    Case("empty folders in each other", "os.makedirs('a/b/c')"),
)  # fmt: skip
"""The folder of a case lies two below the root of the tree: `hostile/NN/`."""

CLASHES: Mapping[str, tuple[str, Mapping[bytes, str]]] = {
    "another case of a file that is there": ("w('../readme.md')", {b"readme.md": "the same name as README.md"}),
    "another case of a folder that is there": ("w('../Docs/a.md')", {b"Docs/a.md": "the same name as docs"}),
    "two new names in one case": ("w('../A.md'); w('../a.md')", {b"A.md": "the same name", b"a.md": "the same name"}),
    "another composition of a name that is there": (
        "w('../docs/e\\u0301.md')", {"docs/e\u0301.md".encode(): "the same name as é.md"}),
    "sharp s": ("w('../docs/stra\\u00dfe'); w('../docs/STRASSE')",
                {b"docs/STRASSE": "the same name", "docs/stra\u00dfe".encode(): "the same name"}),
    "a bare repository": ("w('../docs/HEAD'); w('../docs/objects/x'); w('../docs/refs/x')", {
        b"docs/HEAD": "a git repository", b"docs/objects/x": "a git repository", b"docs/refs/x": "a git repository"}),
    "a bare repository in capitals": ("w('../b/head'); w('../b/OBJECTS/x'); w('../b/Refs/x')", {
        b"b/head": "a git repository", b"b/OBJECTS/x": "a git repository", b"b/Refs/x": "a git repository"}),
}  # fmt: skip
"""Harmless alone: refused where the tree is put together. Run from a folder at the root, all in one jail."""

ENDLESS: Mapping[str, tuple[str, dict[str, int], str]] = {
    "100,000 files": ("for n in range(100000): open(f'f{n}', 'w').close()", {}, "more than 10000 paths changed"),
    "one sparse file of 1 GiB": (
        "w('s'); os.truncate('s', 1 << 30)", {"file_mb": 2048}, "more than 64 MiB of changes"),
    "1 GiB in sparse files of 32 MiB": (
        "for n in range(32): w(f's{n}'); os.truncate(f's{n}', 32 << 20)", {},
        "more than 64 MiB of changes"),
    "64 million line breaks": ("w('lines', b'\\n' * (63 << 20))", {}, ""),
}  # fmt: skip
"""Too much: one refusal for all (or, where it stays below the caps, what comes out is bounded)."""


async def make(world: World, code: str, folder: str, **caps: Any) -> tuple[list[Change], float]:
    """Run one script in a jail of its own; its changes, and the seconds that reading them took."""
    spec = world.spec(**{"file_mb": 64, **caps})
    async with world.jail(spec) as jail:
        await world.python(jail, f"{PRELUDE}\nos.makedirs({folder!r}); os.chdir({folder!r})\n{code}", timeout=120)
        started = time.perf_counter()
        return collect(spec), time.perf_counter() - started


async def make_all(world: World) -> list[Change]:
    """All cases, those that are not fatal in one jail, each in its folder; the cap on one file is 2 MiB."""
    spec = world.spec(file_mb=2)
    codes = {number: case.code for number, case in enumerate(CASES) if not case.fatal}
    script = f"{PRELUDE}\ntop = os.getcwd()\nfor number, code in {codes!r}.items():\n    os.chdir(top)\n"
    script += "    os.makedirs(f'hostile/{number}'); os.chdir(f'hostile/{number}')\n    exec(code)\n"
    async with world.jail(spec) as jail:
        await world.python(jail, script, timeout=120)
        found = collect(spec)
    for number, case in enumerate(CASES):
        if case.fatal:
            found += await _fatal(world, number, case)
    return found


async def _fatal(world: World, number: int, case: Case) -> list[Change]:
    spec = world.spec()
    async with world.jail(spec) as jail:
        with contextlib.suppress(JailError):  # the watchdog may be as quick as we are
            script = f"{PRELUDE}\nos.makedirs('hostile/{number}'); os.chdir('hostile/{number}')\n{case.code}"
            await jail.exec([BASE_PYTHON, "-I", "-c", script], 60)
    return collect(spec)


def of_case(changes: list[Change], number: int) -> list[Change]:
    prefix = b"hostile/%d/" % number
    return [Change(c.path.removeprefix(prefix), c.kind, c.executable, c.data, c.reason)
            for c in changes if c.path.startswith(prefix)]  # fmt: skip


def judge(case: Case, found: list[Change]) -> str:
    """What became of the case in a word. AssertionError when that is not what must."""
    refused = {change.path: change.reason for change in found if change.kind == "special"}
    left = {c.path: (c.kind, c.executable, c.data) for c in found if c.kind != "special"}
    if case.impossible and not refused:
        assert all(fits(case.left.get(path), what) for path, what in left.items()), (case.name, left)
        return "not possible in the jail" if not left else "neutralised"
    assert refused.keys() == case.refused.keys(), (case.name, refused)
    assert all(reason in refused[path] for path, reason in case.refused.items()), (case.name, refused)
    if refused:
        assert not left, (case.name, left)
        return "refused"
    assert left.keys() == case.left.keys(), (case.name, left)
    assert all(fits(case.left[path], what) for path, what in left.items()), (case.name, left)
    return "neutralised"


def fits(wanted: tuple[Any, ...] | None, found: tuple[Any, ...]) -> bool:
    return wanted is not None and (wanted[:2] == found[:2]) and wanted[2] in (None, found[2])


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def table(base: Path) -> None:
    for user, level, tree in COMBINATIONS:
        if user == "ordinary" and COMBINATIONS[0][0] == "root":
            continue  # the kit runs as whoever started it; the tests run as both
        world = make_world(base, level, tree)
        started = time.perf_counter()
        changes = await make_all(world)
        took = time.perf_counter() - started
        for number, case in enumerate(CASES):
            found = of_case(changes, number)
            told = next((f"{change.reason}" for change in found if change.reason), "")
            click.echo(f"{level:11} {tree:8} {case.name:44} {judge(case, found):24} {told}")
        click.echo(f"{level:11} {tree:8} all {len(CASES)} in one jail: {took:.1f} s")
        for name, (code, caps, _) in ENDLESS.items():
            changes, seconds = await make(world, code, "endless", **caps)
            told = f"{len(changes)} changes: {changes[0].reason}" if changes else "nothing"
            click.echo(f"{level:11} {tree:8} {name:44} read in {seconds:.2f} s, {peak_mib():.0f} MiB at most; {told}")
        world.objects.close()


if __name__ == "__main__":
    top = Path(tempfile.mkdtemp())
    try:
        asyncio.run(table(top / "world"))
    finally:
        remove_tree(top)  # shutil.rmtree gives up in folders 3000 deep
