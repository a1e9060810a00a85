"""What leaves a job: exactly its changes, whatever holds its tree, and nothing that could do harm on the way."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from pantheon_git.jail import collect as module
from pantheon_git.jail.collect import collect
from pantheon_git.jail.names import why_unsafe
from pantheon_git.jail.protocol import Caps, Change, JailSpec
from tests.jailed import PAIRS, World, attacks, run

jailed = pytest.mark.jail


async def _after(world: World, script: str, **caps: int) -> dict[bytes, Change]:
    spec = world.spec(**caps)
    async with world.jail(spec) as jail:
        answer = await jail.exec(["sh", "-c", script], 60)
        assert answer.code == 0, answer
        found = collect(spec)
    assert collect(spec) == found, "the same while the jail is open and after"
    assert len({change.path for change in found if change.kind != "delete"}) == len(
        [change for change in found if change.kind != "delete"]
    )
    return {change.path: change for change in found}


async def nothing_done_is_nothing_changed(world: World) -> None:
    """Touching, rewriting with the same bytes, removing and making again, folders, other times: no change."""
    script = """
    touch README.md docs/a.md; cat docs/a.md > /tmp/a; cat /tmp/a > docs/a.md; rm docs/deep/b*
    printf 'b\\n' > 'docs/deep/b c.md'; mkdir -p new/empty/folders; chmod 600 docs/a.md; chmod 700 run.sh
    rm link; ln -s README.md link; mv docs /tmp/docs; cp -a /tmp/docs docs
    """
    assert await _after(world, script) == {}


async def every_kind_of_change_is_told(world: World) -> None:
    """Written, made, removed, made executable, linked: each path once, with its new content."""
    script = """
    echo more >> README.md; mkdir n; echo new > n/x; rm docs/a.md; chmod +x docs/deep/b*
    rm link; ln -s docs link; echo x > 'n/é y'
    """
    assert await _after(world, script) == {
        b"README.md": Change(b"README.md", "write", False, b"# Read me\n\nHello again.\nmore\n"),
        b"n/x": Change(b"n/x", "write", False, b"new\n"),
        "n/é y".encode(): Change("n/é y".encode(), "write", False, b"x\n"),
        b"docs/a.md": Change(b"docs/a.md", "delete"),
        b"docs/deep/b c.md": Change(b"docs/deep/b c.md", "write", True, b"b\n"),
        b"link": Change(b"link", "symlink", data=b"docs"),
    }


async def kinds_that_change_places(world: World) -> None:
    """A folder for a file, a file for a folder, a link for a folder, a folder made anew with other content."""
    script = """
    rm README.md; mkdir README.md; echo x > README.md/x
    rm -r docs/deep; echo file > docs/deep
    rm link; mkdir link; echo y > link/y
    """
    assert await _after(world, script) == {
        b"README.md": Change(b"README.md", "delete"),
        b"README.md/x": Change(b"README.md/x", "write", False, b"x\n"),
        b"docs/deep": Change(b"docs/deep", "write", False, b"file\n"),
        b"link": Change(b"link", "delete"),
        b"link/y": Change(b"link/y", "write", False, b"y\n"),
    }
    assert await _after(world, "rm -r docs; mkdir docs; echo a > docs/a.md; echo n > docs/n") == {
        b"docs/n": Change(b"docs/n", "write", False, b"n\n"),
        b"docs/deep": Change(b"docs/deep", "delete"),
        "docs/é.md".encode(): Change("docs/é.md".encode(), "delete"),
    }


async def hostile_kinds_are_refused(world: World) -> None:
    """Pipes, sockets, `.git` in other spellings, what nobody may read, what lies too deep: each with its reason."""
    deep = "/".join(["d"] * 80)
    script = f"""
    mkfifo pipe; mkdir -p a/.GIT b/.git c 'git~1'; echo x > b/.git/config; echo secret > c/closed; chmod 0 c/closed
    mkdir shut; echo x > shut/x; mkdir -p {deep}; echo x > {deep}/x
    python3 -I -c "import socket; socket.socket(socket.AF_UNIX).bind('sock')" 2>/dev/null || true
    chmod 0 shut
    """  # last: a watchdog that looks meanwhile would end the jail
    found = await _after(world, script)
    reasons = {path: change.reason for path, change in found.items() if change.kind == "special"}
    sock = reasons.pop(b"sock", "a socket")
    assert sock == "a socket"
    assert reasons == {
        b"pipe": "a named pipe",
        b"a/.GIT": "a name that means .git",
        b"b/.git": "a name that means .git",
        b"git~1": "a name that means .git",
        b"c/closed": "a file that its owner may not read",
        b"shut": "a folder that its owner may not read",
        b"/".join([b"d"] * 65): "more than 64 folders deep",
    }


async def the_private_git_directory_stays(world: World) -> None:
    """Whatever a job does in `.git` is no change: hooks, config, objects, or removing all of it."""
    script = (
        "git commit -q --allow-empty -m x; echo '#!/bin/sh' > .git/hooks/x 2>/dev/null; git config core.fsmonitor ./x"
    )
    assert await _after(world, script + "; true") == {}
    assert await _after(world, "rm -rf .git; mkdir .git; echo x > .git/x") == {}


async def too_much_is_one_refusal(world: World) -> None:
    """Thousands of files end the reading with one refusal and not with thousands."""
    found = await _after(world, "mkdir m; cd m; seq 10500 | xargs touch")
    assert found == {b"": Change(b"", "special", reason="more than 10000 paths changed")}


@jailed
@pytest.mark.parametrize("attack", attacks(__name__))
@pytest.mark.parametrize(("user", "level", "tree"), PAIRS)
def test_collect(attack: str, user: str, level: str, tree: str) -> None:
    """Each function's docstring states what holds."""
    run(user, __name__, attack, level, tree)


async def random_histories_are_told_truly(world: World) -> None:
    """After random file commands, the base with the collected changes is, file by file, the job's tree."""
    chance = random.Random(f"{world.level}{world.tree}")
    names = [
        "README.md",
        "docs",
        "docs/a.md",
        "docs/deep",
        "docs/deep/b c.md",
        "link",
        "new",
        "new/x",
        "docs/y",
        "run.sh",
    ]
    for _ in range(12):
        commands = [_command(chance, names) for _ in range(25)]
        spec = world.spec()
        async with world.jail(spec) as jail:
            await jail.exec(["sh", "-c", "\n".join(commands)], 60)
            inside = await world.shell(jail, _LISTING)
            changes = collect(spec)
        outside = world.base / f"replayed-{os.getpid()}-{world.level}-{world.tree}"
        subprocess.run(["rm", "-rf", str(outside)], check=True)
        subprocess.run(["cp", "-a", str(world.checkout), str(outside)], check=True)
        for change in changes:
            _apply(outside, change)
        replayed = subprocess.run(["sh", "-c", _LISTING], cwd=outside, capture_output=True, text=True, check=True)
        assert _normal(replayed.stdout) == _normal(inside), commands


_LISTING = """find . -path ./.git -prune -o ! -type d -printf '%P %y %m %l ' -exec sh -c '
test -L "$1" || cksum < "$1"; echo' _ {} ';'"""


def _normal(listing: str) -> list[str]:
    """Of the permissions only what git keeps: whether the owner may run it."""
    lines = []
    for line in listing.splitlines():
        words = line.rstrip().split(" ")
        for place, word in enumerate(words):
            if len(word) == 3 and word.isdigit() and place and words[place - 1] in ("f", "l"):
                words[place] = str(bool(int(word, 8) & 0o100) and words[place - 1] == "f")
        lines.append(" ".join(words))
    return sorted(line for line in lines if line)


def _command(chance: random.Random, names: list[str]) -> str:
    one, two = (f"'{chance.choice(names)}'" for _ in range(2))
    return chance.choice(
        (
            f"echo {chance.random()} > {one}",
            f"echo {chance.random()} >> {one}",
            f"rm -rf {one}",
            f"mkdir -p {one}",
            f"mv -T {one} {two}",
            f"cp -a {one} {two}",
            f"ln -sfn {one} {two}",
            f"ln {one} {two}",
            f"chmod +x {one}",
            f"rm -rf {one}; mkdir {one}; echo x > {one}/x",
        )
    )


def _apply(top: Path, change: Change) -> None:
    path = top / os.fsdecode(change.path)
    subprocess.run(["rm", "-rf", str(path)], check=True)
    if change.kind == "delete":
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if change.kind == "symlink":
        path.symlink_to(os.fsdecode(change.data))
    else:
        path.write_bytes(change.data)
        path.chmod(0o755 if change.executable else 0o644)


@jailed
@pytest.mark.parametrize(("user", "level", "tree"), PAIRS)
def test_random(user: str, level: str, tree: str) -> None:
    """See the function."""
    run(user, __name__, "random_histories_are_told_truly", level, tree)


@pytest.mark.parametrize(
    "name",
    [
        ".git",
        ".GIT",
        ".git ",
        ".git.",
        ".git. .",
        "git~1",
        "GIT~2",
        ".g\u200cit",
        ".\ufeffgit",
        ".git:x",
        "a\\.git",
        "..\\x",
    ],
)
def test_names_that_mean_git_on_some_system_are_unsafe(name: str) -> None:
    """HFS ignores some characters, NTFS trailing dots, streams and short names."""
    assert why_unsafe(name.encode())


@pytest.mark.parametrize(
    "name", [b".gitignore", b".github", b"git", b"x.git", b".gitattributes", b"\xff", b"git~", b"a..b"]
)
def test_harmless_names_are_not(name: bytes) -> None:
    """Only names that mean the git directory are refused here; policy judges the rest."""
    assert not why_unsafe(name)


def _laid_out(tmp_path: Path) -> tuple[JailSpec, Path]:
    checkout, upper = tmp_path / "tree", tmp_path / "job/upper"
    for folder in (checkout, upper):
        folder.mkdir(parents=True)
    return JailSpec(checkout, tmp_path / "job", caps=Caps(file_mb=1)), upper


def test_links_in_the_upper_layer_are_not_followed(tmp_path: Path) -> None:
    """A link to a folder or a file outside is refused; what it points at is not read."""
    spec, upper = _laid_out(tmp_path)
    (upper / "folder").symlink_to("/etc")
    (upper / "file").symlink_to("/etc/passwd")
    assert [(c.kind, c.data, c.reason) for c in collect(spec)] == [
        ("special", b"", f"a link out of the repository ({target})") for target in ("/etc/passwd", "/etc")
    ]


def test_devices_and_moved_folders_are_refused(tmp_path: Path) -> None:
    """A real device is not taken for the overlay's mark; a folder with a redirect is not trusted."""
    spec, upper = _laid_out(tmp_path)
    (upper / "moved").mkdir()
    os.setxattr(upper / "moved", "user.overlay.redirect", b"/etc")
    wanted = [("moved", "a folder with marks of the overlay's own")]
    if os.geteuid() == 0:
        os.mknod(upper / "null", 0o20666, os.makedev(1, 3))
        wanted.append(("null", "a character device"))
    assert [(c.path.decode(), c.reason) for c in collect(spec)] == wanted


def test_bytes_in_total_are_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files below the cap of one are still too much together."""
    monkeypatch.setattr(module, "MAX_TOTAL", 3 << 20)  # 256 MiB of files would only make the test slow
    spec, upper = _laid_out(tmp_path)
    for number in range(4):
        (upper / str(number)).write_bytes(bytes(1 << 20))
    assert [c.reason for c in collect(spec)] == ["more than 3 MiB of changes"]
    (upper / "0").write_bytes(bytes((1 << 20) + 1))
    (upper / "1").unlink()
    assert [c.reason for c in collect(spec) if c.kind == "special"] == ["1048577 bytes; at most 1048576 are taken"]
