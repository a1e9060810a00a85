"""The three streams of a program in a jail, carried to and from this process's own: `jail exec`.

None of our own descriptors goes in: a file that stands behind our stdout could be opened again through `/proc/self/fd`,
and a terminal could be typed into. The job gets pipes, or a pseudo terminal made for it alone, and bytes are carried.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from pantheon_git.jail.layout import jail_uid

_CHUNK = 65536
_CTRL_C, _INSISTED = b"\x03", 3


class Sink(Protocol):
    """Where a stream of the job goes. Called from a thread; BrokenPipeError when nobody reads any more."""

    def __call__(self, data: bytes) -> None: ...


def to_descriptor(number: int) -> Sink:
    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(number, view) :]

    return write


@dataclass
class Streams:
    """What the jail gets (`theirs`), and the threads that carry."""

    theirs: tuple[int, int, int]
    left_out: int = 0
    """Bytes above the cap, which the program wrote and nobody got."""
    _threads: list[threading.Thread] = field(default_factory=list)

    def close_theirs(self) -> None:
        """Once the jail has them: else a stream would not end with its last writer."""
        for descriptor in set(self.theirs):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.theirs = (-1, -1, -1)

    def drain(self) -> None:
        """Wait until all that the program wrote has been handed on. Only after the jail is closed."""
        for thread in self._threads:
            thread.join()

    def carry_in(self, source: int, pipe: int, *, close: bool, typed: Callable[[bytes], None] | None = None) -> None:
        """From `source` to the job until either ends. Not waited for: a person may never type again. `typed` sees what
        goes in, first."""

        def work() -> None:
            with contextlib.suppress(OSError):  # no stdin at all; a job that reads no more; the jail is closed
                while data := os.read(source, _CHUNK):
                    if typed is not None:
                        typed(data)
                    to_descriptor(pipe)(data)
            if close:
                os.close(pipe)

        threading.Thread(target=work, daemon=True).start()

    def carry_out(self, pipe: int, sink: Sink, cap: int, broken: Callable[[], None]) -> None:
        """From the job to `sink`: `cap` bytes; the rest is read and left out, so that the program goes on as in a
        night. `broken` is called when the sink is closed."""

        def work() -> None:
            room = cap
            with contextlib.closing(os.fdopen(pipe, "rb", 0)):
                while data := _read(pipe):
                    taken, room = data[:room], max(0, room - len(data))
                    self.left_out += len(data) - len(taken)
                    try:
                        sink(taken)
                    except OSError:
                        broken()
                        return

        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, _CHUNK)
    except OSError:  # EIO: the last process let go of a pseudo terminal
        return b""


@contextlib.contextmanager
def piped(out: Sink, err: Sink, cap: int, broken: Callable[[], None]) -> Iterator[Streams]:
    """Three pipes. `cap`: bytes of each of the two outputs."""
    pairs = [os.pipe() for _ in range(3)]
    streams = Streams((pairs[0][0], pairs[1][1], pairs[2][1]))
    for descriptor in streams.theirs:
        _hand_over(descriptor)
    try:
        streams.carry_in(0, pairs[0][1], close=True)
        streams.carry_out(pairs[1][0], out, cap, broken)
        streams.carry_out(pairs[2][0], err, cap, broken)
        yield streams
    finally:
        streams.close_theirs()


@contextlib.contextmanager
def terminal(broken: Callable[[], None], interrupted: Callable[[], None]) -> Iterator[Streams]:
    """A pseudo terminal of the job's own, and ours in raw mode: keys go in as they are, Ctrl-C too. `interrupted` is
    called at the third Ctrl-C in a row, for a program that does not heed it."""
    pressed = 0

    def typed(data: bytes) -> None:
        nonlocal pressed
        pressed = pressed + data.count(_CTRL_C) if not data.strip(_CTRL_C) else 0
        if pressed >= _INSISTED:
            interrupted()

    ours, theirs = pty.openpty()
    _hand_over(theirs)
    _copy_size(ours)
    streams = Streams((theirs, theirs, theirs))
    before, resized = termios.tcgetattr(0), signal.getsignal(signal.SIGWINCH)
    signal.signal(signal.SIGWINCH, lambda *_: _copy_size(ours))
    try:
        tty.setraw(0)
        streams.carry_in(0, ours, close=False, typed=typed)
        streams.carry_out(os.dup(ours), to_descriptor(1), sys.maxsize, broken)
        yield streams
    finally:
        streams.close_theirs()
        streams.drain()
        signal.signal(signal.SIGWINCH, resized)
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        os.close(ours)


def _hand_over(descriptor: int) -> None:
    """`/dev/stderr` opens the stream anew, and so the jail's user has to own it."""
    uid = jail_uid()
    if uid is not None:
        os.fchown(descriptor, uid, uid)


def _copy_size(master: int) -> None:
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(master, termios.TIOCSWINSZ, size)
