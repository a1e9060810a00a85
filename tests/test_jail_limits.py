"""What a job may do and how far, in every combination of user, level and tree: tools, git, limits, and its end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from pantheon_git.errors import JailError
from pantheon_git.jail.collect import collect
from tests.jailed import BASE_PYTHON, PAIRS, World, attacks, run, sleepers, until

pytestmark = pytest.mark.jail


async def git_works_on_its_own_directory(world: World) -> None:
    """status, log, commit and gc work inside; history is not there; the real repository does not change."""
    commands = (("for-each-ref",), ("count-objects", "-v"), ("rev-parse", "HEAD"))

    def real() -> str:
        return "".join(world.git.text(*command) for command in commands)

    before = real()
    spec = world.spec()
    async with world.jail(spec) as jail:
        assert await world.shell(jail, "git status --porcelain") == ""
        log = await world.shell(jail, "git log --oneline; git log --format=%H -1")
        assert world.head in log
        everything = "git log --all; git cat-file --batch-all-objects --batch"
        assert "first secret history" not in await world.shell(jail, everything)
        change = "echo new >> docs/a.md && git commit -qam changed && git log --oneline | wc -l"
        made = await world.shell(jail, f"{change} && git gc -q && git fsck 2>&1")
        assert made.splitlines()[0] == "2", made
        assert "error" not in made
        assert "user.signingkey" not in await world.shell(jail, "git config --list")
    assert real() == before
    assert [(c.path, c.kind) for c in collect(spec)] == [(b"docs/a.md", "write")]


async def programs_end_with_the_call(world: World) -> None:
    """A daemon by double fork, in a session of its own, is dead when exec answers: by its end and by its timeout."""
    daemon = "(setsid sh -c 'sleep 300 & exec sleep 300' </dev/null >/dev/null 2>&1 &) ; setsid -f sleep 300"
    async with world.jail() as jail:
        for ending in ("true", "sleep 60"):
            answer = await jail.exec(["sh", "-c", f"{daemon}; sleep 0.2; {ending}"], 1)
            assert answer.timed_out is (ending != "true")
            assert answer.seconds < 5
            assert "sleep" not in await world.shell(jail, "cat /proc/[0-9]*/comm")


async def the_whole_tree_dies_on_close(world: World) -> None:
    """Close in the midst of a program: no process of the jail is left, and no mount."""
    async with world.jail() as jail:
        running = asyncio.create_task(jail.exec(["sh", "-c", "setsid -f sleep 987654; sleep 987654"], 60))
        await until(lambda: sleepers("987654") >= 2)
    running.cancel()
    assert sleepers("987654") == 0
    assert str(world.base) not in Path("/proc/self/mounts").read_text()


async def a_late_tool_kills_the_jail(world: World) -> None:
    """A call that is not answered in time leaves a dead jail, which says so."""
    async with world.jail() as jail:
        with pytest.raises(JailError, match="no answer within"):
            await jail._ask({"exec": ["sleep", "60"], "timeout": 60, "env": {"PATH": "/bin"}}, 0.3)
        with pytest.raises(JailError, match="the jail is gone"):
            await jail.call("file.read", {"path": "README.md"}, 5)


async def the_wall_clock_ends_the_jail(world: World) -> None:
    """caps.wall_seconds bounds the whole jail."""
    async with world.jail(world.spec(wall_seconds=1.5)) as jail:
        with pytest.raises(JailError):
            await jail.exec(["sleep", "60"], 60)
        with pytest.raises(JailError, match="wall clock"):
            await jail.call("file.list", {}, 5)


async def a_fork_bomb_is_bounded(world: World) -> None:
    """No more than caps.processes exist, and afterwards none."""
    bomb = """
import os, time
made = 0
for _ in range(400):
    try:
        if os.fork() == 0:
            time.sleep(30); os._exit(0)
        made += 1
    except OSError:
        break
print(made, flush=True)
os._exit(0)
"""
    async with world.jail(world.spec(processes=32)) as jail:
        assert 10 < int(await world.python(jail, bomb)) < 32
        shell = await jail.exec(["sh", "-c", "b() { b | b & }; b; sleep 1"], 2)
        assert shell.seconds < 10
        assert "ok" in await world.shell(jail, "echo ok")


async def memory_is_bounded(world: World) -> None:
    """One process cannot take more than caps.memory_mb, and several together cannot either."""
    async with world.jail(world.spec(memory_mb=256)) as jail:
        answer = await jail.exec([BASE_PYTHON, "-I", "-c", "bytearray(400 << 20)"], 20)
        assert b"MemoryError" in answer.stderr
        together = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        kept = bytearray(os.urandom(1 << 20) * 100)
        time.sleep(2)
        os._exit(0)
codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(6)]
print(codes.count(0))
"""
        if jail.memory == "watchdog":
            with pytest.raises(JailError, match="MiB together"):
                await world.python(jail, together, timeout=30)
        else:
            assert int(await world.python(jail, together, timeout=30)) < 3


async def files_are_bounded(world: World) -> None:
    """A file cannot pass caps.file_mb; the temporary file system has a size; devices cannot be made."""
    async with world.jail(world.spec(file_mb=4)) as jail:
        said = await world.shell(jail, "head -c 9000000 /dev/zero > big; stat -c %s big")
        assert str(4 << 20) in said.splitlines()
        fill = "i=0; while [ $i -lt 120 ] && head -c 4000000 /dev/zero > /tmp/$i; do i=$((i+1)); done"
        assert int(await world.shell(jail, f"{{ {fill}; }} 2>/dev/null; echo $i")) < 70
        assert (await jail.exec(["mknod", "/tmp/disk", "b", "8", "0"], 10)).code != 0


async def many_files_are_bounded(world: World) -> None:
    """A job that goes on writing files into its tree is ended when it has written more than caps.disk_mb."""
    async with world.jail(world.spec(disk_mb=40, file_mb=4)) as jail:
        write = "i=0; while :; do head -c 4000000 /dev/zero > f$i; i=$((i+1)); [ $i = 50 ] && sleep 30; done"
        with pytest.raises(JailError, match="more than 40 MiB into its tree"):
            await jail.exec(["sh", "-c", write], 60)


async def a_late_watchdog_still_looks_when_a_call_ends(world: World) -> None:
    """On a busy machine the next look may come after the call; its answer is not taken before that."""
    async with world.jail(world.spec(disk_mb=40, file_mb=50)) as jail:
        jail._watchdog._disk_due = float("inf")  # the next look never comes
        with pytest.raises(JailError, match="more than 40 MiB into its tree"):
            await jail.exec(["sh", "-c", "head -c 45000000 /dev/zero > f; sleep 0.5"], 20)


async def output_is_capped(world: World) -> None:
    """Of a long output the head and the tail are kept; of a long result a refusal; neither stops the program."""
    async with world.jail(world.spec(output_kb=64)) as jail:
        answer = await jail.exec(["sh", "-c", "echo first; yes | head -c 5000000; echo last"], 20)
        assert answer.truncated
        flood = await jail.exec(["sh", "-c", "yes >&2"], 1)
        assert (flood.timed_out, flood.truncated) == (True, True)
        assert len(flood.stderr) < 66_000
        assert answer.stdout.startswith(b"first\n")
        assert answer.stdout.endswith(b"last\n")
        assert len(answer.stdout) < 66_000
        await world.shell(jail, "yes | head -c 150000 > long.md")
        refused = await jail.call("file.read", {"path": "long.md", "limit": 150_000}, 10)
        assert (refused.ok, refused.result["code"], refused.truncated) == (False, "too-large", True)


async def tools_meet_the_kernel(world: World) -> None:
    """A tool reads and lists the tree; a bad path is its refusal; an unknown tool and wrong arguments are answers."""
    async with world.jail() as jail:
        assert (await jail.call("file.read", {"path": "docs/a.md"}, 10)).result["text"] == "a\n"
        assert "docs/deep/b c.md" in (await jail.call("file.list", {}, 10)).result["paths"]
        for path in ("../../etc/passwd", "/etc/passwd", "outside", "link", "nothing"):
            assert not (await jail.call("file.read", {"path": path}, 10)).ok, path
        assert (await jail.call("nonsense", {}, 10)).result["code"] == "unknown-tool"
        assert (await jail.call("file.read", {}, 10)).result["code"] == "crashed"
        assert (await jail.exec(["no-such-program"], 10)).code == 127
        assert (await jail.exec(["/job/README.md"], 10)).code == 126
        assert (await jail.exec(["./run.sh"], 10)).stdout == b"ran\n"


async def the_runners_death_is_the_jails(world: World) -> None:
    """kill -9 of the process that opened a jail ends all that runs in it."""
    runner = subprocess.Popen([sys.executable, "-c", _RUNNER, str(world.base), world.level, world.tree])
    try:
        await until(lambda: sleepers("876543") == 1)
    finally:
        runner.kill()
        runner.wait()
    await until(lambda: sleepers("876543") == 0)


_RUNNER = """
import asyncio, sys
from pathlib import Path
from tests.jailed import make_world
async def main():
    world = make_world(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    async with world.jail() as jail:
        await jail.exec(["sleep", "876543"], 60)
asyncio.run(main())
"""


@pytest.mark.parametrize("attack", attacks(__name__))
@pytest.mark.parametrize(("user", "level", "tree"), PAIRS)
def test_limit(attack: str, user: str, level: str, tree: str) -> None:
    """Each function's docstring states what holds."""
    run(user, __name__, attack, level, tree)
