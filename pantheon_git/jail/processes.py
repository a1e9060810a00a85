"""Running a program inside the jail, for checks: capped output, a time limit, and nothing left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any, NoReturn
else:
    import _signal as signal  # the module itself makes enumerations of the same names, for 3 ms of every job

_CHUNK, _GRACE = 65536, 0.5
_NOT_FOUND, _NOT_STARTED = 127, 126
_RESET = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


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
        _become(argv, env, (os.open("/dev/null", os.O_RDONLY), out_end, err_end))
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


def attach(argv: list[str], env: dict[str, str], timeout: float, streams: tuple[int, int, int]) -> dict[str, Any]:
    """Run `argv` on the given streams, which are closed here: `jail exec`. Else like `run`; nothing is kept."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(argv, env, streams, terminal=os.isatty(streams[0]))
    for descriptor in set(streams):
        os.close(descriptor)
    code = _follow(child, {}, started + timeout)
    timed_out = code is None
    kill_all()
    if code is None:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"code": code, "seconds": time.monotonic() - started, "timed_out": timed_out}


def _become(argv: list[str], env: dict[str, str], streams: tuple[int, int, int], *, terminal: bool = False) -> NoReturn:
    """In the child: a session of its own, its three streams, and signals as a new login has them."""
    try:
        os.setsid()
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for target, descriptor in enumerate(streams):
            os.dup2(descriptor, target)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode("utf-8", "replace"))
        os._exit(_NOT_FOUND if error.errno == errno.ENOENT else _NOT_STARTED)
    os._exit(_NOT_STARTED)


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
