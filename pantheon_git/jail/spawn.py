"""The runner's end of the starter (`starter.py`): made when the first jail is, and again whenever it is gone."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Sequence

from pantheon_git.errors import JailError
from pantheon_git.jail.layout import package_root, python

_BOOT = "import sys; sys.path.append(sys.argv[1]); from pantheon_git.jail.starter import main; main()"
_mine = threading.local()
"""One for each thread, as the kernel has it: what a thread started dies with that thread (PR_SET_PDEATHSIG)."""


class _Starter:
    def __init__(self) -> None:
        self.owner = os.getpid()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = ours
        with theirs:
            self.process = subprocess.Popen(
                [python(), "-I", "-S", "-B", "-c", _BOOT, str(package_root().parent), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={},
                cwd="/",
                start_new_session=True,
            )

    def end(self) -> None:
        """In the process that made it, also wait for it; in a child of that, only let go of it."""
        self.channel.close()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        else:
            self.process.returncode = 0  # not ours to wait for


def spawn(descriptors: Sequence[int]) -> int:
    """Fork a launcher with these descriptors (log, requests, answers, info, plan and the streams): its pid, a child of
    this process. They stay the caller's to close. Raises JailError."""
    try:
        _send(descriptors)
        said = _mine.starter.channel.recv(64)
    except OSError as error:
        retire()
        raise JailError(f"the jail's launcher did not start: {error}") from error
    except BaseException:
        retire()  # an answer that nobody has read would be taken for the next one's
        raise
    if not said:
        retire()
        raise JailError("the jail's launcher did not start: the process that starts it was ended")
    if (pid := int(said)) < 0:
        raise JailError(f"the jail's launcher did not start: {os.strerror(-pid)}")
    return pid


def _send(descriptors: Sequence[int]) -> None:
    starter = getattr(_mine, "starter", None)
    if starter is not None and starter.owner == os.getpid():
        with contextlib.suppress(ConnectionError):  # somebody ended it: then a new one
            socket.send_fds(starter.channel, [b"j"], descriptors)
            return
    retire()
    _mine.starter = _Starter()
    socket.send_fds(_mine.starter.channel, [b"j"], descriptors)


def retire() -> None:
    """End this thread's starter, if it has one. What this process has put on itself since (a filter, a namespace) holds
    for jails from then on."""
    starter = getattr(_mine, "starter", None)
    if starter is not None:
        _mine.starter = None
        starter.end()
