"""Opening a jail: exactly the level that was asked for, or JailError."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import marshal
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pantheon_git.errors import JailError
from pantheon_git.jail.assemble import HOME, TREE
from pantheon_git.jail.layout import python
from pantheon_git.jail.memory import MemoryGroup, memory_group
from pantheon_git.jail.protocol import Attached, ExecAnswer, JailSpec, Level, ToolAnswer
from pantheon_git.jail.removal import remove_tree
from pantheon_git.jail.start import Started, Tree, prepare_job_dir, start
from pantheon_git.jail.support import LEVELS, Support, detect
from pantheon_git.jail.trees import place_copy
from pantheon_git.jail.watch import Watchdog

_START_SECONDS, _GRACE_SECONDS, _LEAVE_SECONDS = 60.0, 10.0, 0.5
_LOG_BYTES = 65536
_DOCTOR = "pantheon-git doctor"


async def open_jail(
    spec: JailSpec,
    level: Level | str = "auto",
    *,
    tree: Literal["auto", "overlay", "copy"] = "auto",
    streams: Sequence[int] = (),
) -> OpenJail:
    """Start a jail on `spec.checkout` and wait until its tool host is ready. An async context manager.

    `level` "auto" takes bubblewrap where it works, else namespaces; a level by name is that level or JailError.
    `tree` "auto" takes an overlay where the file system of `spec.job_dir` allows it, else a copy of the checkout.
    `streams` are three descriptors that one `attach` runs a program on; they stay the caller's to close.
    """
    support = detect(spec.job_dir)
    chosen = choose(support, level)
    kind: Tree = "overlay" if tree == "overlay" or (tree == "auto" and support.overlay) else "copy"
    if kind == "overlay":
        prepare_job_dir(spec.job_dir)
    else:
        await asyncio.to_thread(place_copy, spec)
    group = memory_group(spec.caps.memory_mb, spec.caps.processes)
    try:
        started = start(spec, chosen, kind, group=group, streams=streams)
    except BaseException:
        if group is not None:
            group.remove()
        raise
    jail = OpenJail(spec, chosen, kind, started, group)
    try:
        await jail.connect()
    except BaseException:
        await jail.close()
        raise
    return jail


def choose(support: Support, level: Level | str) -> Level:
    """The level to use: the best for "auto", and never less than what was asked for."""
    if level == "auto":
        if support.best is None:
            why = "; ".join(f"{name}: {reason}" for name, reason in support.reasons.items())
            raise JailError(f"no jail works on this machine: {why}", _DOCTOR)
        return support.best
    for known in LEVELS:
        if level == known:
            if not support.has(known):
                raise JailError(f"the jail level {level} does not work here: {support.reasons[known]}", _DOCTOR)
            return known
    raise JailError(f"there is no jail level {level!r}: {', '.join(LEVELS)} or auto", _DOCTOR)


class OpenJail:
    """One job's jail with its tool host. Calls wait for each other; leaving it kills the whole process tree."""

    def __init__(self, spec: JailSpec, level: Level, tree: Tree, started: Started, group: MemoryGroup | None) -> None:
        self.level: Level = level
        self.tree: Tree = tree
        self.memory: Literal["cgroup", "watchdog"] = "cgroup" if group else "watchdog"
        self.cpu_seconds = 0.0
        """CPU time of the whole tree, known after close(). The kernel hands it up where each process was waited for,
        which of a tree that was killed is a matter of chance: then it is known by being less than what the host
        reported, and that is added. Too low by at most what starting the jail took."""
        self._spec, self._started, self._group = spec, started, group
        changed = spec.job_dir / ("upper" if tree == "overlay" else "tree")
        self._watchdog = Watchdog(spec, changed, memory=group is None, kill=self._kill)
        self._turn = asyncio.Lock()
        self._dead = ""
        self._cpu_inside = 0.0
        self._log = bytearray()
        self._transports: list[asyncio.BaseTransport] = []
        self._wall: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> OpenJail:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Attach to the host's pipes, send the first line and wait for its answer."""
        loop = asyncio.get_running_loop()
        caps = self._spec.caps
        up = f"its wall clock of {caps.wall_seconds:g} s ran out"
        self._wall = loop.call_later(caps.wall_seconds, self._kill, up)
        # a tool's result has at most output_kb, a program's two streams four thirds of that each
        self._answers = asyncio.StreamReader(limit=caps.output_kb * 1024 * 3 + 65536)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._answers), os.fdopen(self._started.take("answers"), "rb", 0)
        )
        self._transports.append(transport)
        writing, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(self._started.take("requests"), "wb", 0)
        )
        self._requests = asyncio.StreamWriter(writing, protocol, None, loop)
        self._transports.append(writing)
        logging, _ = await loop.connect_read_pipe(
            lambda: _Log(self._log, self._kill), os.fdopen(self._started.take("log"), "rb", 0)
        )
        self._transports.append(logging)
        first = {"params": dict(self._spec.params), "caps": asdict(caps), "env": self._environment()}
        await self._ask(first, _START_SECONDS)
        if not self._started.read_init(_GRACE_SECONDS):
            raise self._broken()

    async def call(self, tool: str, args: Mapping[str, Any], timeout: float) -> ToolAnswer:
        """Run a typed tool inside. Raises JailError when the jail is gone or the time is up (the jail is dead then)."""
        answer = await self._ask({"tool": tool, "args": dict(args)}, timeout)
        try:
            return ToolAnswer(
                bool(answer["ok"]), dict(answer["result"]), float(answer["seconds"]), bool(answer.get("truncated"))
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._broken() from error

    async def exec(self, argv: Sequence[str], timeout: float, env: Mapping[str, str] | None = None) -> ExecAnswer:
        """Run a program from the root of the job's tree and kill what it leaves. `env` is added to PATH, HOME, LANG and
        TMPDIR. When the time is up the program is dead and the jail lives on."""
        request = {"exec": list(argv), "timeout": timeout, "env": {**self._environment(), **(env or {})}}
        answer = await self._ask(request, timeout + _GRACE_SECONDS)
        try:
            out, err = (base64.b64decode(answer[name], validate=True) for name in ("stdout", "stderr"))
            return ExecAnswer(
                int(answer["code"]),
                out,
                err,
                float(answer["seconds"]),
                bool(answer["truncated"]),
                bool(answer["timed_out"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._broken() from error

    async def attach(self, argv: Sequence[str], timeout: float, env: Mapping[str, str] | None = None) -> Attached:
        """Like exec, on the streams that the jail was opened with; once."""
        request = {"attach": list(argv), "timeout": timeout, "env": {**self._environment(), **(env or {})}}
        answer = await self._ask(request, timeout + _GRACE_SECONDS)
        try:
            return Attached(int(answer["code"]), float(answer["seconds"]), bool(answer["timed_out"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._broken() from error

    async def close(self) -> None:
        """End every process of the jail and wait until they are dead. Its mounts end with it."""
        if self._closed:
            return
        idle = not self._dead and not self._turn.locked()
        self._dead = self._dead or "it was closed"
        self._closed = True
        if self._wall is not None:
            self._wall.cancel()
        for transport in (t for t in self._transports if not t.is_closing()):
            transport.abort() if isinstance(transport, asyncio.WriteTransport) else transport.close()
        try:
            # an idle host ends by itself when its requests end, and only then is all CPU time accounted for
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_SECONDS if idle else 0):
                    await _ended(self._started.pid)
        finally:  # also when this was cancelled: all is killed, so the wait is short
            self._started.kill()
            self._started.wait()
            told = self._started.cpu_seconds
            self.cpu_seconds = told if told >= self._cpu_inside else told + self._cpu_inside
            self._started.release()
            if self._group is not None:
                self._group.remove()
            remove_tree(self._spec.job_dir / "work")  # never seen by the job; the overlay leaves it closed

    def _environment(self) -> dict[str, str]:
        bins = {".venv": "bin", "node_modules": ".bin"}
        shared = [share.dest.rstrip("/") for share in self._spec.shares]
        own = [f"{TREE}/{dest}/{bins[Path(dest).name]}" for dest in shared if Path(dest).name in bins]
        path = [*own, "/usr/local/bin", "/usr/bin", "/bin", str(Path(python()).parent)]
        # Python takes a compiled file for good where time and size of the source are the same: of a second edit in the
        # same second it would run the first. Nor is what it compiles any part of a change.
        fresh = {"PYTHONDONTWRITEBYTECODE": "1"}
        return {"PATH": ":".join(path), "HOME": HOME, "LANG": "C.UTF-8", "TMPDIR": "/tmp", **fresh}  # noqa: S108

    async def _ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        async with self._turn:
            if self._dead:
                raise JailError(f"the jail is gone: {self._dead}")
            watch = self._watchdog.watch(self._started.pid)
            try:
                async with asyncio.timeout(timeout):
                    told = marshal.dumps(json.loads(json.dumps(request)))  # as JSON has it: no tuples, no odd types
                    self._requests.write(len(told).to_bytes(4, "little") + told)
                    await self._requests.drain()
                    line = await self._answers.readline()
            except TimeoutError as error:
                self._kill(f"no answer within {timeout:g} s")
                raise JailError(f"the jail was killed: {self._dead}") from error
            except (ValueError, ConnectionError) as error:  # a line above the cap; a closed pipe
                raise self._broken() from error
            finally:
                watch.cancel()
            if line:  # else the jail is dead, and its own words say why
                await self._watchdog.afterwards(self._started.pid)
            if line and self._dead:
                raise JailError(f"the jail was killed: {self._dead}")
        return self._parse(line)

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise self._broken() from error
        if not isinstance(answer, dict) or not isinstance(answer.get("cpu"), float):
            raise self._broken()
        self._cpu_inside = answer["cpu"]
        return answer

    def _broken(self) -> JailError:
        """The host is dead or speaks nonsense: end it, and say what the log says."""
        said = self._log.decode("utf-8", "replace").strip().rpartition("\n")[2]
        self._kill(said.removeprefix("jail: ") or "the tool host ended")
        return JailError(f"the jail broke down: {self._dead}")

    def _kill(self, reason: str) -> None:
        self._dead = self._dead or reason
        if not self._closed:
            self._started.kill()


class _Log(asyncio.Protocol):
    """Keeps the end of what a jail says outside the channel. A jail that floods it dies."""

    def __init__(self, kept: bytearray, kill: Callable[[str], None]) -> None:
        self._kept, self._kill, self._total = kept, kill, 0

    def data_received(self, data: bytes) -> None:
        self._total += len(data)
        self._kept += data
        del self._kept[:-4096]
        if self._total > _LOG_BYTES:
            self._kill("it wrote too much to its log")


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


async def _ended(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            await _readable(descriptor)
        finally:
            os.close(descriptor)
