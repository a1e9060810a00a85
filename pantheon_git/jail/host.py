"""The tool host: the one process of ours inside a jail. One JSON object a line in, one a line out.

Requests: `{"tool": NAME, "args": {…}}`, `{"exec": [ARGV…], "timeout": SECONDS, "env": {…}}` and, once, `{"attach": …}`
like exec, on the streams that were handed in; the first line is `{"params": …, "caps": {…}}` and is answered with
`{"ready": true}`. Tools run here and nothing else does; programs run
as children in a session of their own, and when the first of them ends, all that they started is killed.
The channel is a pair of pipes that children never inherit; /proc does not give them away, since this process is not
dumpable. Started with `python -I -S -B` and an empty environment.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

    from pantheon_git.tools.protocol import Workspace

ROOT = "/job"
_PR_SET_DUMPABLE = 4


def main() -> None:
    """`sys.argv[1:3]`: descriptors of requests and of answers, and three more for `attach`. Ends with the requests."""
    import ctypes
    from pathlib import Path

    requests = os.fdopen(int(sys.argv[1]), "rb")
    answers = os.fdopen(int(sys.argv[2]), "wb")
    streams = [int(word) for word in sys.argv[3:6]]
    for descriptor in (requests.fileno(), answers.fileno(), *streams):
        os.set_inheritable(descriptor, False)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # when memory runs out, jails go first
    if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError("the host cannot make itself undumpable")
    if os.getpid() == 1:
        _reap()
    os.environ.clear()
    start = json.loads(requests.readline())
    limit(start["caps"])
    from pantheon_git.tools import TOOLS
    from pantheon_git.tools.protocol import Ran, Workspace

    def run(argv: Sequence[str], env: Mapping[str, str], timeout: float) -> Ran:
        return Ran(**_run(list(argv), {**start["env"], **env}, timeout, start["caps"]))

    workspace = Workspace(Path(ROOT), start["params"], run)
    _send(answers, {"ready": True, "tools": sorted(TOOLS)}, start["caps"]["output_kb"])
    for line in requests:
        request = json.loads(line)
        if "attach" in request:
            answer = _attach(request, streams)
        else:
            answer = _exec(request, start["caps"]) if "exec" in request else _call(request, workspace)
        _send(answers, answer, start["caps"]["output_kb"])
    os._exit(0)  # nothing to tidy, and every job would pay for tidying it


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


def _call(request: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    from pantheon_git.tools import TOOLS
    from pantheon_git.tools.protocol import ToolError

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
    answer["seconds"] = time.monotonic() - started
    return answer


def _exec(request: dict[str, Any], caps: dict[str, Any]) -> dict[str, Any]:
    import base64

    ended = _run(request["exec"], request["env"], request["timeout"], caps)
    for name in ("stdout", "stderr"):
        ended[name] = base64.b64encode(ended[name]).decode()
    return ended


def _run(argv: list[str], env: dict[str, str], timeout: float, caps: dict[str, Any]) -> dict[str, Any]:
    from pantheon_git.jail.processes import run

    return run(argv, env, timeout, caps["output_kb"] * 1024)


def _attach(request: dict[str, Any], streams: list[int]) -> dict[str, Any]:
    from pantheon_git.jail.processes import attach

    given = (streams[0], streams[1], streams[2])
    streams.clear()
    return attach(request["attach"], request["env"], request["timeout"], given)


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "result": {"code": code, "message": message[:2000]}}


def _send(pipe: BinaryIO, answer: dict[str, Any], output_kb: int) -> None:
    """One line, with the CPU time so far. A tool's result above the output cap gives way to an error that says so."""
    cpu = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    try:
        line = json.dumps({**answer, "cpu": cpu}, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        failed = _failed("crashed", f"the tool's result is not JSON: {error}")
        line = json.dumps({**failed, "seconds": answer["seconds"], "cpu": cpu})
    if "result" in answer and len(line) > output_kb * 1024:
        failed = _failed("too-large", f"the result has {len(line)} bytes; at most {output_kb} KiB leave the jail")
        line = json.dumps({**failed, "seconds": answer["seconds"], "truncated": True, "cpu": cpu})
    pipe.write(line.encode() + b"\n")
    pipe.flush()
