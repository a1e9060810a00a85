"""What probes try to reach from a jail: files, listeners, a repository and this process. All of it goes afterwards."""

from __future__ import annotations

import contextlib
import os
import secrets as random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pantheon_git.jail.protocol import JailSpec


@contextlib.contextmanager
def outside(spec: JailSpec, git_dir: Path | None = None, older: str = "") -> Iterator[tuple[dict[str, str], int]]:
    """The words that stand in probes' arguments, and an open descriptor that a careless launcher would hand on."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probed-")))
        folder.chmod(0o755)
        for name in ("secret", "writable"):
            (folder / name).write_text("outside")
            (folder / name).chmod(0o666)
        (folder / "link").symlink_to(folder)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        abstract = random.token_hex(8)
        for address in (f"\0{abstract}", str(folder / "socket")):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
        (folder / "socket").chmod(0o777)
        lent = os.open(folder / "secret", os.O_RDONLY)
        stack.callback(os.close, lent)
        os.set_inheritable(lent, True)
        yield (
            {
                "secret": str(folder / "secret"),
                "writable": str(folder / "writable"),
                "repository": str(spec.checkout),
                "git_dir": str(git_dir or ""),
                "older": older,
                "variable": _own_variable(),
                "pid": str(os.getpid()),
                "pids": str(Path("/proc/self/ns/pid").readlink()),
                "mark": random.token_hex(8),
                "tcp": str(tcp.getsockname()[1]),
                "tcp6": str(_listen_on_ipv6(stack)),
                "udp": str(udp.getsockname()[1]),
                "abstract": abstract,
                "path": str(folder / "socket"),
                **{name: str(getattr(spec.caps, name)) for name in ("processes", "memory_mb", "file_mb", "disk_mb")},
            },
            lent,
        )


def _own_variable() -> str:
    """Something of this process's first environment, which /proc shows to whoever may look."""
    lines = Path("/proc/self/environ").read_bytes().split(b"\0")
    return max(lines, key=len).decode("utf-8", "replace") or "PATH="


def _listen_on_ipv6(stack: contextlib.ExitStack) -> int:
    try:
        return int(stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6)).getsockname()[1])
    except OSError:
        return 9  # no IPv6 here: the control fails, and says so
