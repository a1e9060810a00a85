"""Runs probes one beside the other, each in a process of its own: the same program outside a jail and inside.

Standard library only. `sys.argv[1]` is JSON, `{"width": N, "probes": [{"code", "arguments", "alone", "seconds"}, …]}`;
what is printed is a JSON list of `[exit code, last line of stderr]`. A probe that could not be started has the code -1.
Forked and not started anew: Python's start would be nearly all of the time.
"""

from __future__ import annotations

import ctypes  # noqa: F401 -- loaded once here, and not in each probe
import json
import os
import select
import signal
import socket  # noqa: F401
import struct  # noqa: F401
import sys
import tempfile
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

NOT_STARTED = -1
LATE = "no end within its time"


class Running:
    """One probe that was started."""

    def __init__(self, probe: dict[str, Any]) -> None:
        self.deadline = time.monotonic() + probe["seconds"]
        self.said, theirs = os.pipe()
        try:
            self.pid = os.fork()
            if self.pid == 0:
                become(probe, theirs)
        finally:
            os.close(theirs)
        self.ended = os.pidfd_open(self.pid)

    def finish(self, *, late: bool) -> list[Any]:
        if late:
            for kill in (os.killpg, os.kill):  # its session; or itself, if it was not yet made
                try:
                    kill(self.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.set_blocking(self.said, False)
        try:
            text = os.read(self.said, 65536)
        except BlockingIOError:  # a daemon of its own still holds the other end
            text = b""
        os.close(self.said)
        os.close(self.ended)
        line = text.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        return [1, LATE] if late else [code, line]


def become(probe: dict[str, Any], err: int) -> NoReturn:
    """In the child: a session and a folder of its own, and nothing to read or to print to."""
    code: Any = 1
    try:
        os.setsid()
        os.chdir(tempfile.mkdtemp(prefix="probe-", dir=os.getcwd()))
        nothing = os.open("/dev/null", os.O_RDWR)
        for target, descriptor in enumerate((nothing, nothing, err)):
            os.dup2(descriptor, target)
        sys.argv = ["probe", *probe["arguments"]]
        exec(compile(probe["code"], "probe", "exec"), {"__name__": "__main__"})  # noqa: S102 -- our own programs
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException as error:  # noqa: BLE001 -- whatever it was, it is the probe's answer
        code = f"{type(error).__name__}: {error}"
    finally:
        if isinstance(code, str):
            os.write(2, code.encode("utf-8", "replace"))
            code = 1
        os._exit(code & 0xFF)


def run(probes: list[dict[str, Any]], width: int) -> list[list[Any]]:
    """The answers in the order of `probes`. Those that go alone come last, one after another."""
    found: list[list[Any]] = [[NOT_STARTED, "it was not started"] for _ in probes]
    order = sorted(range(len(probes)), key=lambda number: probes[number]["alone"])
    running: dict[int, Running] = {}
    while order or running:
        while order and len(running) < (1 if probes[order[0]]["alone"] else width):
            number = order.pop(0)
            try:
                running[number] = Running(probes[number])
            except OSError as error:
                found[number] = [NOT_STARTED, f"it was not started: {error.strerror}"]
        poll = select.poll()
        for one in running.values():
            poll.register(one.ended, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(50)}
        for number, one in list(running.items()):
            late = time.monotonic() > one.deadline
            if one.ended in ready or late:
                found[number] = one.finish(late=late and one.ended not in ready)
                del running[number]
    return found


def main() -> None:
    told = json.loads(sys.argv[1])
    print(json.dumps(run(told["probes"], told["width"])), flush=True)  # noqa: T201 -- this is what it is for
    os._exit(0)
