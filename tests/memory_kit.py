"""Memory that gives out: a night under every size of limit, one clear line, and the next run goes on.

`python -m tests.memory_kit` runs all cases and prints one line each: RLIMIT_AS and RLIMIT_DATA (what `ulimit -v` and
`-d` set, and git and the jails inherit), and, for root where control groups are writable, a group in which the kernel
kills.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli_support import CHECKOUT, Done, argv_of, cli, git
from tests.conftest import isolate
from tests.night_kit import State, queued_repo, require_whole

MEBI, DOCUMENTS = 1 << 20, 3
RUN = ("run", "--engine=control", "--quiet", "--jobs=3")
SIZES = {
    "as": (60, 100, 140, 180, 220, 260, 300, 340, 400, 500, 700, 1000),
    "data": (20, 40, 60, 80, 100, 120, 150, 200, 300),
    "group": (40, 80, 120, 200, 300, 500),
}
"""MiB."""
GROUPS = Path("/sys/fs/cgroup/memory")


def limited(repo: Path, kind: str, size: int) -> Done:
    """A night under the limit."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    if kind == "group":
        with group(size * MEBI) as procs:
            argv = ["sh", "-c", 'echo $$ > "$0"; exec "$@"', str(procs), *argv_of(*RUN)]
            done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, check=False)
    else:
        argv = ["prlimit", f"--{kind}={size * MEBI}", *argv_of(*RUN)]
        done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@contextmanager
def group(size: int) -> Iterator[Path]:
    """A control group (version 1) of so many bytes; its file of processes."""
    path = GROUPS / f"pantheon-kit-{os.getpid()}"
    path.mkdir()
    try:
        (path / "memory.limit_in_bytes").write_text(str(size))
        yield path / "cgroup.procs"
    finally:
        _empty(path)


def _empty(path: Path) -> None:
    """Kill what is in the group and below, and remove them; the kernel takes a moment over it."""
    folders = [*(below for below in path.glob("**/") if below != path), path]
    deadline = time.monotonic() + 10
    while path.exists() and time.monotonic() < deadline:
        for folder in sorted(folders, key=lambda one: -len(one.parts)):
            with contextlib.suppress(OSError):
                for pid in (folder / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
                folder.rmdir()
        time.sleep(0.05)


def case(folder: Path, kind: str, size: int) -> str:
    """What was said; AssertionError where it was not one clear line, or where anything is lost."""
    repo = queued_repo(folder / "repo", DOCUMENTS)
    cli(repo, "init", "--no-hook", check=True)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "Set up")
    before = State.of(repo)
    done = limited(repo, kind, size)
    opened = "refs/pantheon/runs/" in git(repo, "for-each-ref")
    said = told(done)
    again = cli(repo, *RUN)
    assert again.code == 0, again.both
    if opened and (done.code < 0 or done.code == 137):
        assert "before it began: " in cli(repo, "report").out, "the morning does not tell that it was killed"
    require_whole(repo, DOCUMENTS, before)
    return said


def told(done: Done) -> str:
    """The line that says how it ended. A process that the kernel killed says nothing: the next night does."""
    assert "Traceback" not in done.both, done.both
    assert "defect" not in done.both, done.both
    if done.code < 0 or done.code == 137:
        return f"died of signal {-done.code if done.code < 0 else done.code - 128}"
    lines = [line for line in done.err.splitlines() if line.startswith(("error: ", "given up: "))]
    assert done.code == 0 or len(lines) == 1, done.both
    return lines[0] if lines else "ran to its end"


def main() -> int:
    failed = 0
    for kind, sizes in SIZES.items():
        for size in sizes:
            if (kind == "group" and not os.access(GROUPS, os.W_OK)) or not f"{kind} {size}".startswith(
                tuple(sys.argv[1:] or [""])
            ):
                continue
            with tempfile.TemporaryDirectory(prefix="memory-") as name, pytest.MonkeyPatch.context() as patch:
                isolate(patch, Path(name) / "home")
                try:
                    said = case(Path(name), kind, size)
                except AssertionError as error:
                    said, failed = f"FAILED: {error}", failed + 1
            sys.stdout.write(f"{kind} {size} MiB: {said}\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
