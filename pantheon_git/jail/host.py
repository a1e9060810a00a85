"""The tool host: the one process of ours inside a jail. One request in, one JSON object a line out.

Requests: `{"tool": NAME, "args": {…}}`, `{"exec": [ARGV…], "timeout": SECONDS, "env": {…}}` and, once, `{"attach": …}`
like exec, on the streams that were handed in; the first is `{"params": …, "caps": {…}}` and is answered with
`{"ready": true}`. They are marshal after their length (four bytes): the runner's own bytes, which need no parser; what
comes back is JSON, which the runner does not have to trust. Tools run here and nothing else does; programs run as
children in a session of their own, and when the first of them ends, all that they started is killed.
The channel is a pair of pipes that children never inherit; /proc does not give them away, since this process is not
dumpable. Started with `python -I -S -B` and an empty environment. Every job pays for what is imported here: what only
tools need waits for the first tool (*measured*: 26 of 35 ms CPU).
"""

from __future__ import annotations

import _ctypes
import marshal
import os
import resource
import sys
import time
from binascii import b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

ROOT = "/job"
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4


def main() -> None:
    """`sys.argv[1:3]`: descriptors of requests and of answers, and three more for `attach`. Ends with the requests."""
    requests = os.fdopen(int(sys.argv[1]), "rb")
    answers = os.fdopen(int(sys.argv[2]), "wb")
    streams = [int(word) for word in sys.argv[3:6]]
    for descriptor in (requests.fileno(), answers.fileno(), *streams):
        os.set_inheritable(descriptor, False)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # when memory runs out, jails go first
    _close()
    if os.getpid() == 1:
        _reap()
    os.environ.clear()
    start = _next(requests)
    if start is None:
        os._exit(0)
    limit(start["caps"])
    output_kb = start["caps"]["output_kb"]
    _send(answers, '{"ready": true')
    while (request := _next(requests)) is not None:
        if "attach" in request:
            _send(answers, _flat(_attach(request, streams)))
        elif "exec" in request:
            _send(answers, _flat(_exec(request, output_kb)))
        else:
            _send(answers, _call(request, start))
    os._exit(0)  # nothing to tidy, and every job would pay for tidying it


def _close() -> None:
    """Nobody may look into this process (PR_SET_DUMPABLE). By way of `_ctypes`, since `ctypes` itself takes 3 ms."""
    prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # this program
    failed = _ctypes.call_function(prctl, (_PR_SET_DUMPABLE, 0, 0, 0, 0))
    if failed or _ctypes.call_function(prctl, (_PR_GET_DUMPABLE,)):
        raise OSError("the host cannot make itself undumpable")


def _next(requests: BinaryIO) -> dict[str, Any] | None:
    """The next request; None where the runner sends no more."""
    head = requests.read(4)
    length = int.from_bytes(head, "little")
    body = requests.read(length) if len(head) == 4 else b""
    if len(body) < max(1, length):
        return None
    request: dict[str, Any] = marshal.loads(body)  # noqa: S302 -- the runner's own
    return request


def _reap() -> None:
    """Returns in a child; process 1 stays behind, closed to all the others, and reaps. bubblewrap's own process 1 would
    be open to whoever writes into its memory, and what lives there outlives the end of a program."""
    host = os.fork()
    if host == 0:
        return
    os.closerange(0, 65536)
    while True:
        ended, status = os.wait()
        if ended == host:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def limit(caps: dict[str, Any]) -> None:
    """Limits of this process and of all that it starts. Processes are counted in this user namespace alone."""
    megabyte = 1 << 20
    seconds = int(caps["wall_seconds"]) * (os.cpu_count() or 1) + 1
    for kind, value in (
        (resource.RLIMIT_CORE, 1),  # the one value for which no program outside gets the dump: core(5)
        (resource.RLIMIT_NOFILE, caps["open_files"]),
        (resource.RLIMIT_FSIZE, caps["file_mb"] * megabyte),
        (resource.RLIMIT_DATA, caps["memory_mb"] * megabyte),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NPROC, caps["processes"]),
        (resource.RLIMIT_MEMLOCK, megabyte),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_SIGPENDING, 1024),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    stack = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if stack == resource.RLIM_INFINITY or stack > 64 * megabyte:  # the soft limit is the size of each thread's stack
        resource.setrlimit(resource.RLIMIT_STACK, (8 * megabyte, 64 * megabyte))


def _call(request: dict[str, Any], start: dict[str, Any]) -> str:
    from pathlib import Path

    from pantheon_git.tools import TOOLS
    from pantheon_git.tools.protocol import Ran, ToolError, Workspace

    output_kb = start["caps"]["output_kb"]

    def run(argv: Sequence[str], env: Mapping[str, str], timeout: float) -> Ran:
        return Ran(**_run(list(argv), {**start["env"], **env}, timeout, output_kb))

    workspace = Workspace(Path(ROOT), start["params"], run)
    tool = TOOLS.get(request["tool"])
    started = time.monotonic()
    try:
        if tool is None:
            raise ToolError("unknown-tool", f"there is no tool {request['tool']!r}")
        answer: dict[str, Any] = {"ok": True, "result": tool.run(workspace, request["args"])}
    except ToolError as error:
        answer = _failed(error.code, error.message)
    except Exception as error:  # noqa: BLE001 -- the one boundary: a document must not be able to end the host
        answer = _failed("crashed", f"{type(error).__name__}: {error}")
    return _told(answer, time.monotonic() - started, output_kb)


def _told(answer: dict[str, Any], seconds: float, output_kb: int) -> str:
    """A tool's answer as JSON, without its last brace. Above the output cap it gives way to an error that says so."""
    import json

    try:
        line = json.dumps({**answer, "seconds": seconds}, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        failed = _failed("crashed", f"the tool's result is not JSON: {error}")
        line = json.dumps({**failed, "seconds": seconds})
    if len(line) > output_kb * 1024:
        failed = _failed("too-large", f"the result has {len(line)} bytes; at most {output_kb} KiB leave the jail")
        line = json.dumps({**failed, "seconds": seconds, "truncated": True})
    return line[:-1]


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "result": {"code": code, "message": message[:2000]}}


def _exec(request: dict[str, Any], output_kb: int) -> dict[str, Any]:
    ended = _run(request["exec"], request["env"], request["timeout"], output_kb)
    for name in ("stdout", "stderr"):
        ended[name] = b2a_base64(ended[name], newline=False).decode("ascii")
    return ended


def _run(argv: list[str], env: dict[str, str], timeout: float, output_kb: int) -> dict[str, Any]:
    from pantheon_git.jail.processes import run

    return run(argv, env, timeout, output_kb * 1024)


def _attach(request: dict[str, Any], streams: list[int]) -> dict[str, Any]:
    from pantheon_git.jail.processes import attach

    given = (streams[0], streams[1], streams[2])
    streams.clear()
    return attach(request["attach"], request["env"], request["timeout"], given)


def _flat(answer: dict[str, Any]) -> str:
    """JSON of numbers, truths and base 64, without its last brace."""
    values = [f'"{value}"' if isinstance(value, str) else repr(value).lower() for value in answer.values()]
    return "{" + ", ".join(f'"{name}": {value}' for name, value in zip(answer, values, strict=True))


def _send(pipe: BinaryIO, line: str) -> None:
    """One line, with the CPU time so far."""
    cpu = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    pipe.write(f'{line}, "cpu": {cpu!r}}}\n'.encode())
    pipe.flush()
