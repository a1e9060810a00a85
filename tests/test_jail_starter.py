"""The process that forks launchers: what it starts is the runner's, and it neither outlives nor weakens anything."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pantheon_git.errors import JailError
from pantheon_git.jail import spawn
from tests.jailed import LEVELS, World, make_repository, make_world

pytestmark = pytest.mark.jail


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    base = tmp_path_factory.mktemp("starter")
    base.chmod(0o755)
    for parent in base.parents[:2]:
        parent.chmod(0o755)
    make_repository(base / "repo")
    yield {level: make_world(base, level, "overlay") for level in LEVELS}
    spawn.retire()


def starter() -> int:
    pid: int = spawn._mine.starter.process.pid
    return pid


def alive(pid: int) -> bool:
    """Running: a dead one may wait for us, where another test made this process the parent of orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("level", LEVELS)
def test_a_launcher_is_the_runner_s_own_child(worlds: dict[str, World], level: str) -> None:
    """It is waited for and accounted for by the runner, and nobody else holds its descriptors."""

    async def main() -> None:
        world = worlds[level]
        async with world.jail() as jail:
            parent = Path(f"/proc/{jail._started.pid}/stat").read_text().rpartition(")")[2].split()[1]
            assert int(parent) == os.getpid() != starter()
            held = {str(link.readlink()) for link in Path(f"/proc/{starter()}/fd").iterdir()}
            assert held == {"/dev/null", next(link for link in held if link.startswith("socket:"))}
        assert jail._started.code is not None
        assert 0 < jail.cpu_seconds < 5

    asyncio.run(main())


def test_a_starter_that_died_is_replaced(worlds: dict[str, World]) -> None:
    """The next jail opens all the same, with another one."""

    async def main() -> int:
        async with worlds["namespaces"].jail() as jail:
            assert await worlds["namespaces"].shell(jail, "echo on") == "on"
        return starter()

    before = asyncio.run(main())
    os.kill(before, signal.SIGKILL)
    spawn._mine.starter.process.wait()
    assert asyncio.run(main()) != before


def test_a_starter_that_dies_unseen_is_an_error_and_not_a_hang(
    worlds: dict[str, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended with the request in its hands: JailError, and the next jail opens."""

    async def main() -> None:
        async with worlds["namespaces"].jail():
            pass

    asyncio.run(main())
    stopped = starter()
    os.kill(stopped, signal.SIGSTOP)
    sent = spawn._send

    def send_then_kill(descriptors: list[int]) -> None:
        sent(descriptors)
        os.kill(stopped, signal.SIGKILL)

    with monkeypatch.context() as patch:  # there is no other way to be between the two
        patch.setattr(spawn, "_send", send_then_kill)
        with pytest.raises(JailError, match="did not start"):
            asyncio.run(main())
    asyncio.run(main())


_SCRIPT = """
import os, sys
from pathlib import Path
from pantheon_git.jail import spawn
from pantheon_git.night.guard_lock import lock

def filters():
    pipes = [os.pipe() for _ in range(5)]
    pid = spawn.spawn([pipes[0][1], pipes[1][0], pipes[2][1], pipes[3][1], pipes[4][0]])
    status = Path(f"/proc/{pid}/status").read_text()
    for ends in pipes:
        for end in ends:
            os.close(end)
    os.waitpid(pid, 0)
    return int(next(line for line in status.splitlines() if line.startswith("Seccomp_filters")).split()[1])

before = filters()
print(spawn._mine.starter.process.pid, flush=True)
if "lock" in sys.argv:
    lock()
print(filters() - before, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("word", "more"), [("lock", 1), ("open", 0)])
def test_what_the_runner_puts_on_itself_holds_for_later_jails(word: str, more: int) -> None:
    """After the guard's last bolt each launcher has one filter more; and a killed runner leaves no starter behind."""
    argv = [sys.executable, "-c", _SCRIPT, word]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        first, found = int(runner.stdout.readline()), runner.stdout.readline().strip()
        assert found == str(more)
        assert alive(first) is (word == "open")
        runner.kill()
    deadline = time.monotonic() + 5
    while alive(first) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(first)
