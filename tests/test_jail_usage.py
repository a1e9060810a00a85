"""What hides from a count is found, and what a job leaves is removed, however it was left."""

from __future__ import annotations

import contextlib
import mmap
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pantheon_git.jail.removal import remove_tree
from pantheon_git.jail.usage import MAX_DEPTH, Disk, held_bytes, used_disk, used_mb


def nest(top: Path, depth: int) -> None:
    """Folders one in another, deeper than a path may be long."""
    here = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_disk_is_counted_without_following_links(tmp_path: Path) -> None:
    """Bytes on the disk, files and folders; a link is itself and not what it points at."""
    (tmp_path / "top/a").mkdir(parents=True)
    (tmp_path / "top/a/file").write_bytes(bytes(1 << 20))
    (tmp_path / "top/away").symlink_to("/usr")
    found = used_disk(tmp_path / "top")
    assert found.files == 3
    assert 1 << 20 <= found.size < 2 << 20
    assert not found.fault


def test_a_folder_that_hides_its_content_is_a_fault(tmp_path: Path) -> None:
    """Closed folders, for root as for anybody, and folders nested without end."""
    (tmp_path / "one/closed").mkdir(parents=True)
    (tmp_path / "one/closed").chmod(0)
    assert "cannot be read" in used_disk(tmp_path / "one").fault
    (tmp_path / "two").mkdir()
    nest(tmp_path / "two", 3000)
    assert f"more than {MAX_DEPTH} deep" in used_disk(tmp_path / "two").fault
    for name in ("one", "two"):
        remove_tree(tmp_path / name)
        assert not (tmp_path / name).exists()


def test_removal_touches_nothing_else(tmp_path: Path) -> None:
    """Links below go, what they point at stays; a path that is a link itself is left alone."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("kept")
    (tmp_path / "top/closed").mkdir(parents=True)
    nest(tmp_path / "top/closed", 2000)
    (tmp_path / "top/closed/link").symlink_to(tmp_path / "kept")
    (tmp_path / "top/closed").chmod(0)
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "top")
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "nothing")
    assert not (tmp_path / "top").exists()
    assert (tmp_path / "kept/file").read_text() == "kept"


def _let_go(inode: int) -> None:
    """Put /dev/null in the place of every descriptor of a file; Python's mmap keeps one of its own."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError):
            if os.fstat(int(name)).st_ino == inode:
                os.dup2(nothing, int(name))
    os.close(nothing)


@pytest.mark.parametrize("mapped", [False, True])
def test_deleted_files_that_are_held_count(tmp_path: Path, mapped: bool) -> None:
    """Open, or only mapped with the descriptor closed: both take disk, and neither has a name."""
    before = held_bytes(os.getpid())
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        file.write(bytes(8 << 20))
        file.flush()
        held = mmap.mmap(file.fileno(), 8 << 20) if mapped else None
        if mapped:
            os.close(os.dup(file.fileno()))
            file.close()
        assert held_bytes(os.getpid()) - before >= 8 << 20
        if held is not None:
            held.close()
    assert held_bytes(os.getpid()) - before < 1 << 20


def test_shared_memory_that_is_not_resident_counts() -> None:
    """MADV_DONTNEED takes shared pages out of a process's figures and leaves them allocated."""
    before = used_mb(os.getpid())
    with mmap.mmap(-1, 96 << 20) as shared:
        for at in range(0, 96 << 20, 4096):
            shared[at] = 1
        shared.madvise(mmap.MADV_DONTNEED)
        assert used_mb(os.getpid()) - before >= 90
    assert used_mb(os.getpid()) - before < 60


def test_a_file_that_vanishes_is_no_fault(tmp_path: Path) -> None:
    """An empty folder is counted as nothing."""
    assert used_disk(tmp_path) == Disk()


HIDING = """
import ctypes, os, signal, sys, time
from pantheon_git.jail.usage import family
libc = ctypes.CDLL(None, use_errno=True)
assert not libc.mount(b"proc", b"/proc", b"proc", 0, b"hidepid=invisible"), os.strerror(ctypes.get_errno())
os.setgroups([]); os.setgid(65534); os.setuid(65534)
middle = os.fork()
if not middle:
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody may trace it
    if not os.fork(): os.execv("/bin/sleep", ["sleep", "20"])
    time.sleep(20)
for _ in range(100):
    found = list(family(os.getpid()))
    if len(found) == 3: break
    time.sleep(0.05)
print(middle in found, os.path.exists(f"/proc/{middle}"), len(found))
if len(found) == 3: os.kill(found[2], signal.SIGKILL)
os.kill(middle, signal.SIGKILL)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting another /proc needs root")
def test_what_runs_below_a_hidden_process_is_found() -> None:
    """With `hidepid` a process that nobody may trace is not to be seen; those below it still count."""
    command = ["unshare", "--mount", sys.executable, "-c", HIDING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True False 3\n", done.stderr
