"""Running a program inside the jail, for checks: capped output, a time limit, and nothing left behind."""

from __future__ import annotations

import errno
import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK, _GRACE = 65536, 0.5
_NOT_FOUND, _NOT_STARTED = 127, 126


class Capped:
    """Keeps the head and the tail of a stream, half of the cap each: a test's summary comes last."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.total = 0
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self.cap - self.cap // 2 - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > self.cap // 2 + _CHUNK:
            del self._tail[: len(self._tail) - self.cap // 2]

    @property
    def truncated(self) -> bool:
        return self.total > self.cap

    def bytes(self) -> bytes:
        if not self.truncated:
            return bytes(self._head + self._tail)
        tail = bytes(self._tail[len(self._tail) - self.cap // 2 :])
        return bytes(self._head) + b"\n[%d bytes left out]\n" % (self.total - self.cap) + tail


def run(argv: list[str], env: dict[str, str], timeout: float, cap: int) -> dict[str, Any]:
    """Run `argv` to its end or to the timeout (seconds), then kill whatever it started, daemons included."""
    started = time.monotonic()
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    child = os.fork()
    if child == 0:
        _become(argv, env, out_end, err_end)
    os.close(out_end)
    os.close(err_end)
    os.set_blocking(out, False)
    os.set_blocking(err, False)
    streams = {out: Capped(cap), err: Capped(cap)}
    code = _follow(child, streams, started + timeout)
    timed_out = code is None
    kill_all()
    if code is None:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _drain(streams)
    for descriptor in streams:
        os.close(descriptor)
    return {
        "code": code,
        "stdout": streams[out].bytes(),
        "stderr": streams[err].bytes(),
        "seconds": time.monotonic() - started,
        "truncated": streams[out].truncated or streams[err].truncated,
        "timed_out": timed_out,
    }


def _become(argv: list[str], env: dict[str, str], out: int, err: int) -> None:
    """In the child: a session of its own, and nothing to read."""
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if error.errno == errno.ENOENT else _NOT_STARTED)


def _follow(child: int, streams: dict[int, Capped], deadline: float) -> int | None:
    """Read until the program ends: its exit code, or None when the time is up."""
    ended = os.pidfd_open(child)
    try:
        poll = select.poll()
        for descriptor in (ended, *streams):
            poll.register(descriptor, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left * 1000):
                if descriptor == ended:
                    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                data = os.read(descriptor, _CHUNK)
                streams[descriptor].add(data)
                if not data:
                    poll.unregister(descriptor)
        return None
    finally:
        os.close(ended)


def kill_all() -> None:
    """Kill every process of the jail but this one and the reaper. -1 reaches all of a pid namespace at once, so neither
    a new session nor a double fork escapes it."""
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.001)  # dead ones stay visible until the reaper has seen them


def _drain(streams: dict[int, Capped]) -> None:
    """What was still in the pipes when the last writer died."""
    for descriptor, stream in streams.items():
        try:
            while data := os.read(descriptor, _CHUNK):
                stream.add(data)
        except BlockingIOError:
            continue
