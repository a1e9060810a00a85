"""A real repository, a real checkout and real jails, as root and as an ordinary user.

An attack is an `async def` that takes a `World`; it runs in every combination of user, level and tree. An ordinary
user's attacks run in one child process that has left root, with the same Python and package brought within its reach.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import importlib
import inspect
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon_git.jail import kernel
from pantheon_git.jail.assemble import bind, make_target, open_path
from pantheon_git.jail.open import OpenJail, open_jail
from pantheon_git.jail.protocol import Caps, JailSpec, Share
from pantheon_git.jail.trees import CheckoutStore, remove_tree
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

ORDINARY = 1042
"""A uid without an account, for the ordinary user's tests when these run as root."""
LEVELS, TREES = ("bubblewrap", "namespaces"), ("overlay", "copy")
USERS = ("root", "ordinary") if os.geteuid() == 0 else ("ordinary",)
COMBINATIONS = list(itertools.product(USERS, LEVELS, TREES))
FULL = bool(os.environ.get("PANTHEON_FULL"))
"""Whether the suite does all that the kits do: `python -m tests.jail_kit`."""
PAIRS = [
    (user, level, tree)
    for user, level, tree in COMBINATIONS
    if FULL or (USERS.index(user) + LEVELS.index(level) + TREES.index(tree)) % 2 == 0
]
"""Half of them, in which any two of user, level and tree still meet. An ordinary user's own run has the other half."""


_number = itertools.count()


@dataclass
class World:
    """What an attack has to work with. `base` is a folder outside every jail."""

    base: Path
    level: str
    tree: str
    git: Git
    objects: Objects
    head: str
    store: CheckoutStore
    checkout: Path

    def spec(self, shares: tuple[Share, ...] = (), **caps: Any) -> JailSpec:
        job_dir = self.base / "jobs" / f"{os.getpid()}-{self.level}-{self.tree}-{next(_number)}"
        job_dir.mkdir(mode=0o700, parents=True)
        return JailSpec(self.checkout, job_dir, shares=shares, caps=Caps(**caps))

    @contextlib.asynccontextmanager
    async def jail(self, spec: JailSpec | None = None) -> AsyncIterator[OpenJail]:
        async with await open_jail(spec or self.spec(), self.level, tree=self.tree) as jail:  # type: ignore[arg-type]
            yield jail

    async def python(self, jail: OpenJail, code: str, *arguments: str, timeout: float = 20) -> str:
        """Run Python code in the jail; it must succeed. What it printed, stripped."""
        answer = await jail.exec([BASE_PYTHON, "-I", "-c", code, *arguments], timeout)
        assert answer.code == 0, (answer.code, answer.stdout[-2000:], answer.stderr[-4000:])
        return answer.stdout.decode().strip()

    async def shell(self, jail: OpenJail, script: str, timeout: float = 20) -> str:
        answer = await jail.exec(["sh", "-c", script], timeout)
        return (answer.stdout + answer.stderr).decode("utf-8", "replace").strip()


BASE_PYTHON = os.path.realpath(sys.executable)


def make_repository(path: Path) -> None:
    """Two commits, so that there is history which a job must not see; names and kinds of every sort."""
    path.mkdir()
    files = {"README.md": "# Read me\n\nHello.\n", "docs/a.md": "a\n", "docs/deep/b c.md": "b\n", "docs/é.md": "e\n"}
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    (path / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (path / "run.sh").chmod(0o755)
    (path / "link").symlink_to("README.md")
    (path / "outside").symlink_to("/etc/shadow")
    git = ["git", "-C", str(path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first secret history"]):
        subprocess.run([*git, *command], check=True)
    (path / "README.md").write_text("# Read me\n\nHello again.\n")
    subprocess.run([*git, "commit", "-qam", "second"], check=True)


def make_world(base: Path, level: str, tree: str) -> World:
    """The world of one combination; repository and checkout are made once per `base`."""
    base.mkdir(parents=True, exist_ok=True)
    if not (base / "repo").exists():
        make_repository(base / "repo")
    git = Git(base / "repo")
    objects = Objects(git)
    head = objects.resolve("HEAD")
    assert head is not None
    store = CheckoutStore(base / "state")
    return World(base, level, tree, git, objects, head, store, store.get(objects, head))


def run_here(base: Path, module: str, attack: str, level: str, tree: str, *more: str) -> str:
    """Run an attack in this process; the traceback, or nothing."""
    world = make_world(base, level, tree)
    try:
        asyncio.run(getattr(importlib.import_module(module), attack)(world, *more))
    except BaseException:  # noqa: BLE001 -- whatever it was, the asking process reports it
        return traceback.format_exc()
    finally:
        world.objects.close()
    return ""


def attacks(module: str) -> list[str]:
    """The coroutine functions of a test module: what `run` can run."""
    return [
        name
        for name, what in vars(importlib.import_module(module)).items()
        if inspect.iscoroutinefunction(what) and what.__module__ == module and not name.startswith("_")
    ]


def run(user: str, module: str, attack: str, level: str, tree: str) -> None:
    """Run an attack as `user`. AssertionError with its traceback when it does not hold."""
    run_for(user, module, attack, level, tree)


def run_for(user: str, module: str, attack: str, level: str, tree: str, *more: str) -> None:
    """The same with more arguments, such as a file for what it found."""
    base, person = _people()[user == "ordinary" and os.geteuid() == 0]
    told = (module, attack, level, tree, *more)
    failure = person.run(*told) if person else run_here(base, *told)
    assert not failure, failure


@functools.cache
def _people() -> tuple[tuple[Path, None], tuple[Path, Ordinary | None]]:
    """Folders for this process's own attacks and for the ordinary user's; removed when the tests end."""
    base = Path(tempfile.mkdtemp(prefix="jailed-"))
    atexit.register(remove_tree, base)
    if os.geteuid():
        return (base, None), (base, None)
    person = Ordinary()
    atexit.register(person.close)
    return (base / "world", None), (person.base, person)


class Ordinary:
    """The child process that runs attacks without being root."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="jailed-"))
        os.chown(self.base, ORDINARY, ORDINARY)
        root = str(Path(__file__).parent.parent)
        environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path]), "HOME": root}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.jailed", str(self.base)],
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *told: str) -> str:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps(told) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        return str(json.loads(line)) if line else "the ordinary user's process died"

    def close(self) -> None:
        self._child.communicate()
        remove_tree(self.base)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited 20 seconds"
        await asyncio.sleep(0.02)


def sleepers(seconds: str) -> int:
    """How many live processes `sleep` for so long, seen from outside."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            found += words[0] == b"sleep" and seconds.encode() in words
    return found


def _leave_root() -> None:
    """Become an ordinary user for whom Python, this package and its dependencies lie in reach, as if installed."""
    needed = {
        p for p in (sys.base_prefix, sys.prefix, str(Path(__file__).parent.parent), *sys.path) if Path(p).is_dir()
    }
    tops = sorted(p for p in needed if not any(p != q and Path(p).is_relative_to(q) for q in needed))
    kernel.unshare(kernel.CLONE_NEWNS, "mount namespace")
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    opened = {path: open_path(path) for path in tops}
    for hidden in _closed(tops):
        kernel.mount("open", hidden, "tmpfs", 0, "mode=0755")
    for path, descriptor in opened.items():
        if not Path(path).exists():
            make_target(descriptor, path)
            bind(descriptor, path, 0)
    os.setgroups([])
    os.setresgid(ORDINARY, ORDINARY, ORDINARY)
    os.setresuid(ORDINARY, ORDINARY, ORDINARY)
    kernel.prctl("own /proc/self", kernel.PR_SET_DUMPABLE, 1)


def _closed(paths: list[str]) -> set[str]:
    """The topmost folders on the way to `paths` that others may not pass through."""
    closed = set()
    for path in paths:
        for parent in reversed(Path(path).parents):
            if not parent.stat().st_mode & 0o001:
                closed.add(str(parent))
                break
    return closed


def _serve(base: Path) -> None:
    if os.geteuid() == 0:
        _leave_root()
    os.environ["HOME"] = str(base)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(run_here(base / "world", *json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
