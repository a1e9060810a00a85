"""The starter: one small process of each runner that has the launcher loaded, and forks it for every jail.

Started with `python -I -S -B` and an empty environment. Python's start and the launcher's imports were a quarter of
what a jail cost (*measured*: 13 of 55 ms CPU); now a night pays for them once. What is forked becomes the runner's own
child (CLONE_PARENT, clone(2)): the runner waits for it, accounts for it and takes it along when it dies, as if it had
started it itself. The starter keeps nothing of a jail: the plan is read after the fork, and it ends with its runner.
"""

from __future__ import annotations

import _socket
import fcntl
import gc
import os
import struct
import sys

from pantheon_git.jail import kernel, launch, namespaces  # noqa: F401 -- loaded here, so that no launcher has to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

REQUESTS, ANSWERS, INFO, PLAN, STREAMS = 3, 4, 5, 6, (7, 8, 9)
"""Descriptors of a launcher. Its log is 1 and 2."""
_MOST, _ASIDE = 8, 64
"""Descriptors of one request: log, requests, answers, info, plan and three streams. And out of the way of all these."""


def main() -> NoReturn:
    """`sys.argv[2]`: our end of the runner's socket. One message with descriptors in, the pid or `-errno` out."""
    kernel.prctl("die with the runner", kernel.PR_SET_PDEATHSIG, launch.SIGKILL)
    channel = _socket.socket(fileno=fcntl.fcntl(int(sys.argv[2]), fcntl.F_DUPFD_CLOEXEC, 2 * _ASIDE))
    os.close(int(sys.argv[2]))
    gc.disable()
    gc.freeze()
    while True:
        message, attached, _, _ = channel.recvmsg(1, _socket.CMSG_SPACE(4 * _MOST))
        if not message:
            os._exit(0)
        descriptors = [number for _, _, data in attached for (number,) in struct.iter_unpack("=i", data)]
        try:
            pid = kernel.fork_for_parent()
        except OSError as error:
            pid = -(error.errno or 1)
        if pid == 0:
            _become(descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(b"%d" % pid)


def _become(descriptors: list[int]) -> NoReturn:
    """In the child: the descriptors at their places, no others, a session of its own."""
    apart = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ASIDE) for descriptor in descriptors]
    for target, descriptor in enumerate([apart[0], *apart], 1):
        os.dup2(descriptor, target)
    os.closerange(2 + len(apart), 65536)
    os.setsid()
    launch.main(PLAN)
