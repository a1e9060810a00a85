"""Folders of the main checkout in a job: read-only, never where the base commit sends them, and with a digest."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from pantheon_git.errors import JailError
from pantheon_git.jail.collect import collect
from pantheon_git.jail.protocol import Share
from pantheon_git.jail.shares import check_content, share_digest
from tests.jailed import PAIRS, World, attacks, run

pytestmark = pytest.mark.jail


def _work_tree(world: World) -> Path:
    """A main checkout with an untracked virtual environment."""
    top = world.base / "work tree"
    (top / ".venv/bin").mkdir(parents=True, exist_ok=True)
    (top / ".venv/bin/hello").write_text("#!/bin/sh\necho hello\n")
    (top / ".venv/bin/hello").chmod(0o755)
    (top / "tools/node_modules/.bin").mkdir(parents=True, exist_ok=True)
    return top


async def a_share_is_there_and_read_only(world: World) -> None:
    """Its programs are on the PATH, nothing in it can be written, and the job has not changed anything by it."""
    top = _work_tree(world)
    shares = (Share(top / ".venv", ".venv"), Share(top / "tools/node_modules", "tools/node_modules"))
    spec = world.spec(shares=shares)
    async with world.jail(spec) as jail:
        assert await world.shell(jail, "hello") == "hello"
        for attempt in (
            "echo x > .venv/x",
            "rm -r .venv",
            "mv .venv y",
            "rm .venv/bin/hello",
            "rmdir tools/node_modules",
        ):
            assert (await jail.exec(["sh", "-c", attempt], 10)).code != 0, attempt
        assert "/job/tools/node_modules/.bin" in await world.shell(jail, "echo $PATH")
    assert collect(spec) == []
    assert sorted(p.name for p in (top / ".venv").rglob("*")) == ["bin", "hello"]


async def a_cache_in_node_modules_is_the_jobs_own(world: World) -> None:
    """Tools of Node.js may write below `node_modules/.cache`, whether there is one or not: what a person's holds is not
    seen, and nothing reaches it; all the rest stays read-only."""
    top = _work_tree(world)
    modules = top / "tools/node_modules"
    cached = modules / ".cache"
    for there in (True, False):
        if there:
            cached.mkdir(exist_ok=True)
            (cached / "mine").write_text("a person's\n")
        elif world.tree == "copy":
            continue  # without an overlay there is nothing to lay over the folder
        spec = world.spec(shares=(Share(modules, "tools/node_modules"),))
        async with world.jail(spec) as jail:
            seen = await world.shell(jail, "cd tools/node_modules; mkdir .cache/x; ls -A . .cache; ls .bin")
            assert "mine" not in seen
            assert "x" in seen.split()
            assert (await jail.exec(["sh", "-c", "echo x > tools/node_modules/x"], 10)).code != 0
        assert collect(spec) == []
        assert not (cached / "x").exists()
        (cached / "mine").unlink(missing_ok=True)
        cached.rmdir() if cached.is_dir() else None


async def the_base_commit_does_not_say_where(world: World) -> None:
    """A share onto a link, a file, the git directory or out of the tree is refused before anything runs."""
    top = _work_tree(world)
    for dest in ("link", "outside", "README.md", "link/x", "../x", "/etc", "docs/../../x", ".git", ".git/hooks", "."):
        with pytest.raises(JailError):
            async with world.jail(world.spec(shares=(Share(top / ".venv", dest),))):
                pass


async def a_linked_source_is_refused(world: World) -> None:
    """A `.venv` in the main checkout that is a link to elsewhere is not followed."""
    top = _work_tree(world)
    (top / "linked").unlink(missing_ok=True)
    (top / "linked").symlink_to("/etc")
    with pytest.raises(JailError, match="is a link"):
        async with world.jail(world.spec(shares=(Share(top / "linked", "linked"),))):
            pass
    with pytest.raises(JailError, match="does not exist"):
        async with world.jail(world.spec(shares=(Share(top / "none", "none"),))):
            pass


@pytest.mark.parametrize("attack", attacks(__name__))
@pytest.mark.parametrize(("user", "level", "tree"), PAIRS)
def test_share(attack: str, user: str, level: str, tree: str) -> None:
    """Each function's docstring states what holds."""
    run(user, __name__, attack, level, tree)


def test_digest_tells_any_change_of_the_folder(tmp_path: Path) -> None:
    """A name, a size, a time, a mode, a link's target, an empty folder: each gives another digest; reading does not."""
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / "file").write_text("one")
    (folder / "link").symlink_to("file")
    seen = [share_digest(folder)]
    changes = (
        lambda: (folder / "file").write_text("longer"),
        lambda: os.utime(folder / "file", (1, 1)),
        lambda: (folder / "file").chmod(0o755),
        lambda: (folder / "empty").mkdir(),
        lambda: ((folder / "link").unlink(), (folder / "link").symlink_to("empty")),
        lambda: (folder / "file").rename(folder / "other"),
        lambda: (folder / "other").rename(folder / "empty/other"),
    )
    for change in changes:
        change()
        seen.append(share_digest(folder))
    assert len(set(seen)) == len(seen)
    subprocess.run(["cat", str(folder / "empty/other")], check=True, stdout=subprocess.DEVNULL)
    assert share_digest(folder) == seen[-1]


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_share_that_leads_elsewhere_is_refused(tmp_path: Path, kind: str) -> None:
    """A pipe or a socket of the machine is one in a read-only mount, too: the path is named, and nothing runs."""
    (tmp_path / "share/deep").mkdir(parents=True)
    (tmp_path / "share/deep/file").write_text("x")
    (tmp_path / "share/link").symlink_to("/dev/null")
    check_content(tmp_path / "share")
    if kind == "pipe":
        os.mkfifo(tmp_path / "share/deep/door")
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "share/deep/door"))
    with pytest.raises(JailError, match="holds deep/door, a pipe, socket or device"):
        check_content(tmp_path / "share")
