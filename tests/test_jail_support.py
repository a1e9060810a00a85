"""What a machine can do is tried and told; what was asked for is what is opened, or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from pathlib import Path

import pytest

from pantheon_git.errors import JailError
from pantheon_git.jail import open as opening
from pantheon_git.jail import start, support
from pantheon_git.jail.memory import _candidates, memory_group
from pantheon_git.jail.open import open_jail
from pantheon_git.jail.protocol import JailSpec
from pantheon_git.jail.support import Support, detect
from pantheon_git.jail.usage import used_mb

pytestmark = pytest.mark.jail


@pytest.fixture
def spec(tmp_path: Path) -> JailSpec:
    for name in ("checkout", "job"):
        (tmp_path / name).mkdir()
    return JailSpec(tmp_path / "checkout", tmp_path / "job")


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not tried yet."""
    monkeypatch.setattr(support, "_found", {})


def test_detect_tries_and_remembers(forgotten: None, tmp_path: Path) -> None:
    """Each level is started for real; the second answer is the first, and nothing is left behind."""
    found = detect(tmp_path)
    assert found.namespaces or found.reasons["namespaces"]
    assert found.bubblewrap or found.reasons["bubblewrap"]
    assert detect(tmp_path) is found
    assert list(tmp_path.iterdir()) == []


def test_without_bubblewrap_the_reason_is_told(
    forgotten: None, tmp_path: Path, spec: JailSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """auto takes namespaces; bubblewrap by name is an error with the package to install, and not a lesser jail."""
    monkeypatch.setattr(start, "bubblewrap", lambda: "")  # this machine has it, and tests remove no system program
    found = detect(tmp_path)
    assert not found.bubblewrap
    assert "needs the program bwrap" in found.reasons["bubblewrap"]
    with pytest.raises(JailError, match="the jail level bubblewrap does not work here"):
        asyncio.run(open_jail(spec, "bubblewrap"))

    async def level() -> str:
        async with await open_jail(spec, "auto") as jail:
            return jail.level

    if found.namespaces:
        assert asyncio.run(level()) == "namespaces"


def test_a_machine_without_jails_gets_none(spec: JailSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing works every level is refused, with all reasons; an unknown level always is."""
    nothing = Support(False, False, False, {"bubblewrap": "no bwrap", "namespaces": "no user namespaces"})
    monkeypatch.setattr(opening, "detect", lambda where: nothing)  # this machine can do both
    with pytest.raises(JailError, match="no bwrap; namespaces: no user namespaces"):
        asyncio.run(open_jail(spec, "auto"))
    with pytest.raises(JailError, match="no user namespaces"):
        asyncio.run(open_jail(spec, "namespaces"))
    with pytest.raises(JailError, match="there is no jail level 'none'"):
        asyncio.run(open_jail(spec, "none"))
    assert list(spec.job_dir.iterdir()) == []


@pytest.mark.parametrize("level", ["bubblewrap", "namespaces"])
def test_a_launch_that_fails_says_at_which_step(spec: JailSpec, level: str) -> None:
    """The launcher's line is the error's text; no process, descriptor or half-open jail stays."""
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- a count, of this very moment
    broken = JailSpec(Path("/nonexistent/checkout"), spec.job_dir)
    with pytest.raises(JailError, match="No such file or directory /nonexistent/checkout"):
        asyncio.run(open_jail(broken, level))
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


@pytest.mark.parametrize("level", ["bubblewrap", "namespaces"])
def test_jails_leave_no_descriptor_and_know_their_cost(spec: JailSpec, level: str) -> None:
    """After many jails the process has the descriptors it had before; the CPU time of programs inside counts once."""

    async def one(seconds: float, *, killed: bool = False) -> float:
        async with await open_jail(spec, level) as jail:
            burn = f"import time\nwhile time.process_time() < {seconds}: pass"
            assert (await jail.exec(["python3", "-c", burn], 20)).code == 0
            if killed:
                jail._kill("for the test")
        await jail.close()
        return jail.cpu_seconds

    idle = asyncio.run(one(0))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    assert 0.5 < asyncio.run(one(0.6)) - idle < 1.0
    assert 0.5 < asyncio.run(one(0.6, killed=True)) - idle < 1.0
    for _ in range(3):
        asyncio.run(one(0))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_no_descriptors_is_a_jail_error(spec: JailSpec) -> None:
    """A runner that is out of descriptors is told so, and loses none by it."""
    detect(spec.job_dir)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    async def attempt() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 1, before[1]))  # noqa: PTH208
        taken = []
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(0))
            os.close(taken.pop())
            with pytest.raises(JailError, match="no pipes"):
                await open_jail(spec)
        finally:
            for descriptor in taken:
                os.close(descriptor)
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    asyncio.run(attempt())
    assert len(os.listdir("/proc/self/fd")) == used  # noqa: PTH208


def test_memory_group_is_removed(spec: JailSpec) -> None:
    """Where this user may make control groups, one exists while its jail does, and none after."""
    group = memory_group(100, 10)
    if group is None:
        pytest.skip("control groups are not writable for this user")
    assert group.path.is_dir()
    group.remove()
    assert not group.path.exists()

    async def open_one() -> str:
        async with await open_jail(spec, "auto") as jail:
            return jail.memory

    assert asyncio.run(open_one()) == "cgroup"
    ours = [path for parent, _ in _candidates(1, 1) for path in parent.glob(f"pantheon-{os.getpid()}-*")]
    assert ours == []


def test_used_memory_counts_the_whole_tree() -> None:
    """The watchdog's figure grows with what this process holds."""
    before = used_mb(os.getpid())
    held = bytearray(os.urandom(1 << 20) * 64)
    assert used_mb(os.getpid()) - before > 50
    del held
