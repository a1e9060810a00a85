"""A jail's first process that lost its bubblewrap is found and ended; a jail that lives is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pantheon_git.jail.orphans import TRIAL, sweep_orphans
from tests.night_kit import adopt_orphans, children

pytestmark = [pytest.mark.jail, pytest.mark.skipif(not shutil.which("bwrap"), reason="apt install bubblewrap")]
HOST = "from pantheon_git.jail.host import main"


def bwrap(info: int, *argv: str, ours: str = HOST) -> subprocess.Popen[bytes]:
    words = [
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--unshare-user",
        "--unshare-pid",
        "--info-fd",
        str(info),
        "--",
        *argv,
        ours,
    ]
    return subprocess.Popen(words, pass_fds=[info], stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("ours", [HOST, TRIAL])
def test_the_process_that_waits_for_a_dead_parent_is_ended(ours: str) -> None:
    """bubblewrap dies of its report that nobody reads, as after a kill of the runner; its child is swept, a job's and
    that of a trial of the jail."""
    adopt_orphans()
    before = children()
    reading, writing = os.pipe()
    os.close(reading)
    parent = bwrap(writing, "sleep", "60", ours=ours)
    os.close(writing)
    parent.wait(10)
    (orphan,) = children() - before
    assert orphan in sweep_orphans()
    deadline = time.monotonic() + 5
    while orphan in children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert orphan not in children()


def test_a_living_jail_is_left_alone() -> None:
    """Its bubblewrap is there, so its first process is nobody's orphan."""
    reading, writing = os.pipe()
    parent = bwrap(writing, "sh", "-c", "echo ready; exec sleep 60")
    os.close(writing)
    os.read(reading, 4096)
    (first,) = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert int(first) not in sweep_orphans()
    assert parent.poll() is None
    parent.kill()
    parent.wait()
    os.close(reading)
