"""What a jail costs: `python -m tests.jail_cost [FILES [JAILS]]`. Start, one tool call, close, collect, remove."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pantheon_git.jail.collect import collect
from pantheon_git.jail.trees import remove_tree
from tests.jailed import BASE_PYTHON, LEVELS, TREES, World, make_repository, make_world


async def one(world: World) -> float:
    """CPU seconds of the jail's own processes."""
    spec = world.spec()
    async with world.jail(spec) as jail:
        await jail.call("file.read", {"path": "README.md"}, 10)
    collect(spec)
    remove_tree(spec.job_dir)
    return jail.cpu_seconds


async def measure(world: World, jails: int, width: int) -> str:
    await one(world)
    own, started, inside = time.process_time(), time.monotonic(), 0.0
    for _ in range(jails // width):
        inside += sum(await asyncio.gather(*(one(world) for _ in range(width))))
    count = jails // width * width
    wall, own = (time.monotonic() - started) / count, (time.process_time() - own) / count
    figures = f"wall {wall * 1000:5.1f} ms, CPU {inside / count * 1000:5.1f} + runner {own * 1000:4.1f} ms a jail"
    return f"{world.level:10}  {world.tree:7}  {width} at a time: {figures}"


def bare(jails: int) -> str:
    """The control: the same Python, doing nothing, in no jail."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for _ in range(jails):
        subprocess.run([BASE_PYTHON, "-I", "-S", "-c", "pass"], check=True, env={})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, cpu = time.monotonic() - started, sum(after[:2]) - sum(before[:2])
    return f"a bare python, no jail: wall {wall / jails * 1000:.1f} ms, CPU {cpu / jails * 1000:.1f} ms"


def main(files: int = 5000, jails: int = 40) -> None:
    base = Path(tempfile.mkdtemp(prefix="jail-cost-"))
    make_repository(base / "repo")
    for number in range(files):
        path = base / f"repo/many/{number % 50}/{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20)
    git = ["git", "-C", str(base / "repo"), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["add", "-A"], ["commit", "-qm", "many"]):
        subprocess.run([*git, *command], check=True)
    started = time.monotonic()
    make_world(base, "", "")
    print(f"checkout of {files} files, once per base: {time.monotonic() - started:.2f} s")  # noqa: T201
    print(bare(jails))  # noqa: T201
    for level in LEVELS:
        for tree in TREES:
            for width in (1, 8):
                print(asyncio.run(measure(make_world(base, level, tree), jails, width)), flush=True)  # noqa: T201
    remove_tree(base)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
