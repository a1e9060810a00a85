"""Showing that a jail holds: each probe succeeds outside, else it proves nothing, and fails inside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets as random
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pantheon_git.jail.layout import python
from pantheon_git.jail.open import OpenJail, open_jail
from pantheon_git.jail.probes import PROBES, Probe
from pantheon_git.jail.protocol import JailSpec, Level

Verdict = Literal["held", "escaped", "not provable here"]
_SECONDS, _LATE = 20.0, "no end within its time"


@dataclass(frozen=True)
class Finding:
    """What one probe found. `outside` and `inside` are the last lines that it said there."""

    area: str
    name: str
    verdict: Verdict
    outside: str
    inside: str


async def attest(spec: JailSpec, level: Level | str, *, secrets: Sequence[Path] = ()) -> list[Finding]:
    """Try every probe against a jail of `spec`; `secrets` are files (keys, credentials) that must not be readable.

    The jail's folder is used up by this. Raises JailError when there is no such jail.
    """
    probes = [*PROBES, *(_secret(path) for path in secrets)]
    with _outside(spec) as known:
        arguments = {id(probe): [argument.format_map(known) for argument in probe.arguments] for probe in probes}
        controls = [await _control(probe, arguments[id(probe)]) for probe in probes]
        async with await open_jail(spec, level) as jail:
            found = []
            for probe, control in zip(probes, controls, strict=True):
                inside = await _inside(jail, probe, arguments[id(probe)])
                found.append(_judge(probe, control, inside))
    return found


def _secret(path: Path) -> Probe:
    return Probe("secrets", f"read {path.name}", "import sys; open(sys.argv[1], 'rb').read(1)", (str(path),))


def _judge(probe: Probe, control: tuple[int, str], inside: tuple[int, str]) -> Finding:
    """A probe whose control failed is no proof, but one that got through is an escape all the same."""
    verdict: Verdict = "escaped" if inside[0] == 0 else "held" if control[0] == 0 else "not provable here"
    outside = control[1] or "succeeded"
    if verdict == "not provable here" and probe.control_needs_root and os.geteuid():
        outside = f"needs root: {outside}"
    return Finding(probe.area, probe.name, verdict, outside, inside[1] or "succeeded")


async def _control(probe: Probe, arguments: Sequence[str]) -> tuple[int, str]:
    ended = (0, "")
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        for code in (probe.code, probe.then) if probe.then else (probe.code,):
            ended = await _run_outside([python(), "-I", "-c", code, *arguments], folder)
    return ended


async def _run_outside(argv: Sequence[str], folder: str) -> tuple[int, str]:
    """In a session of its own, so that whatever it leaves in it can be ended."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()
        return 1, _LATE
    return process.returncode or 0, _last_line(said)


async def _inside(jail: OpenJail, probe: Probe, arguments: Sequence[str]) -> tuple[int, str]:
    ended = (0, "")
    for code in (probe.code, probe.then) if probe.then else (probe.code,):
        answer = await jail.exec([python(), "-I", "-c", code, *arguments], _SECONDS)
        ended = (answer.code, _LATE if answer.timed_out else _last_line(answer.stderr))
    return ended


def _last_line(said: bytes) -> str:
    return said.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]


@contextlib.contextmanager
def _outside(spec: JailSpec) -> Iterator[dict[str, str]]:
    """What probes try to reach: files, listeners and this process. All of it is gone afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probed-")))
        folder.chmod(0o755)
        for name in ("secret", "writable"):
            (folder / name).write_text("outside")
            (folder / name).chmod(0o666)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        abstract = random.token_hex(8)
        for address in (f"\0{abstract}", str(folder / "socket")):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
        (folder / "socket").chmod(0o777)
        yield {
            "secret": str(folder / "secret"),
            "writable": str(folder / "writable"),
            "repository": str(spec.checkout),
            "variable": _own_variable(),
            "pid": str(os.getpid()),
            "mark": random.token_hex(8),
            "tcp": str(tcp.getsockname()[1]),
            "tcp6": str(_listen_on_ipv6(stack)),
            "udp": str(udp.getsockname()[1]),
            "abstract": abstract,
            "path": str(folder / "socket"),
            **{name: str(getattr(spec.caps, name)) for name in ("processes", "memory_mb", "file_mb")},
        }


def _own_variable() -> str:
    """Something of this process's first environment, which /proc shows to whoever may look."""
    lines = Path("/proc/self/environ").read_bytes().split(b"\0")
    return max(lines, key=len).decode("utf-8", "replace") if lines else sys.executable


def _listen_on_ipv6(stack: contextlib.ExitStack) -> int:
    try:
        return int(stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6)).getsockname()[1])
    except OSError:
        return 9  # no IPv6 here: the control fails, and says so
