"""Probes of a jail: small Python programs that end with 0 when they get at what a job must not get at.

Each runs outside first, as its control, and then inside the very same kind of jail that jobs get. `{NAME}` in
`arguments` stands for what `attest.py` sets up outside: listeners, files, processes. A control changes nothing but its
own empty folder.
"""

from __future__ import annotations

from dataclasses import dataclass

_CONNECT = "import socket, sys\nsocket.socket({}, 1).connect({})"
_CALL = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
number = dict(zip(("x86_64", "aarch64"), ({numbers})))[os.uname().machine]
buffer = ctypes.create_string_buffer(4096)
{setup}
sys.exit(0 if libc.syscall(number, {arguments}) >= 0 else os.strerror(ctypes.get_errno()))
"""

_PRIVATE_MOUNTS = "libc.unshare(0x20000); libc.mount(b'none', b'/', None, 0x44000, None)"
"""The control's mount must not reach the machine's own namespace."""


def _call(numbers: str, arguments: str, setup: str = "") -> str:
    return _CALL.format(numbers=numbers, arguments=arguments, setup=setup)


@dataclass(frozen=True)
class Probe:
    area: str
    name: str
    code: str
    arguments: tuple[str, ...] = ()
    then: str = ""
    """A second program, run after the first has ended, whose ending counts instead."""
    control_needs_root: bool = False
    """Outside, too, only root succeeds."""


PROBES = (
    Probe("files", "read a file outside", "import sys; open(sys.argv[1]).read()", ("{secret}",)),
    Probe("files", "write a file outside", "import sys; open(sys.argv[1], 'a').write('x')", ("{writable}",)),
    Probe("files", "list the runner's folders", "import os, sys; os.listdir(sys.argv[1])", ("{repository}",)),
    Probe("files", "read the password hashes", "open('/etc/shadow').read()", control_needs_root=True),
    Probe(
        "environment",
        "find the runner's variables in /proc",
        """
import glob, sys
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        if sys.argv[1].encode() in open(path, "rb").read(): sys.exit(0)
    except OSError: pass
sys.exit("not found")
""",
        ("{variable}",),
    ),
    Probe("processes", "see a process outside", "import os, sys; os.kill(int(sys.argv[1]), 0)", ("{pid}",)),
    Probe(
        "processes",
        "trace another process",
        _call(
            "101, 117",
            "0x4206, child, None, None",
            "child = os.fork()\nif not child:\n    import time; time.sleep(0.5); os._exit(0)",
        ),
    ),
    Probe(
        "processes",
        "leave a daemon behind",
        """
import os, sys, time
if os.fork(): time.sleep(0.2); os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for stream in range(3): os.dup2(os.open("/dev/null", os.O_RDWR), stream)
time.sleep(3)
""",
        ("{mark}",),
        then="""
import glob, os, sys
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        found = sys.argv[1].encode() in open(path, "rb").read()
    except OSError: continue
    if found and str(os.getpid()) not in path.split("/"): sys.exit(0)
sys.exit("no daemon")
""",
    ),
    Probe("network", "TCP to a listener outside", _CONNECT.format(2, "('127.0.0.1', int(sys.argv[1]))"), ("{tcp}",)),
    Probe("network", "TCP over IPv6", _CONNECT.format(10, "('::1', int(sys.argv[1]))"), ("{tcp6}",)),
    Probe(
        "network",
        "UDP to a listener outside",
        """
import socket, sys, time
s = socket.socket(2, 2)
s.connect(("127.0.0.1", int(sys.argv[1])))
s.send(b"x")
time.sleep(0.1)
try: s.recv(1, socket.MSG_DONTWAIT)
except BlockingIOError: sys.exit(0)  # nobody refused it
""",
        ("{udp}",),
    ),
    Probe("network", "multipath TCP", "import socket; socket.socket(2, 1, 262)"),
    Probe("network", "abstract Unix socket", _CONNECT.format(1, "chr(0) + sys.argv[1]"), ("{abstract}",)),
    Probe("network", "Unix socket at a path", _CONNECT.format(1, "sys.argv[1]"), ("{path}",)),
    Probe("network", "vsock to the machine below", "import socket; socket.socket(40, 1)"),
    Probe("network", "packets", "import socket; socket.socket(17, 3)", control_needs_root=True),
    Probe("network", "kernel events by netlink", "import socket; socket.socket(16, 2, 15).bind((0, 1))"),
    Probe("kernel", "a user namespace", _call("272, 97", "0x10000000")),
    Probe(
        "kernel",
        "mount by the old call",
        _call("165, 40", "b'x', b'.', b'tmpfs', 0, None", _PRIVATE_MOUNTS),
        control_needs_root=True,
    ),
    Probe("kernel", "mount by the new calls", _call("430, 430", "b'tmpfs', 0"), control_needs_root=True),
    Probe("kernel", "io_uring", _call("425, 425", "4, buffer")),
    Probe("kernel", "keyrings", _call("248, 217", "b'user', b'probe', b'x', 1, -1")),
    Probe(
        "kernel",
        "BPF programs",
        _call("321, 280", "0, buffer, 72", "buffer[0:16] = struct.pack('4I', 2, 4, 4, 1)  # an array of one number"),
        control_needs_root=True,
    ),
    Probe(
        "kernel",
        "performance events",
        _call("298, 241", "buffer, 0, -1, -1, 0", "buffer[0:48] = struct.pack('2I4QQ', 1, 112, 0, 0, 0, 0, 0x60)"),
    ),
    Probe("kernel", "userfaultfd", _call("323, 282", "1")),
    Probe(
        "kernel",
        "files by handle",
        _call("303, 264", "-100, b'/usr', buffer, mount, 0", "buffer[0] = b'\\x80'; mount = (ctypes.c_int * 1)()"),
    ),
    Probe(
        "resources",
        "more processes than allowed",
        """
import os, sys, time
for made in range(int(sys.argv[1]) + 8):
    if os.fork() == 0: time.sleep(1); os._exit(0)
""",
        ("{processes}",),
    ),
    Probe(
        "resources", "more memory than allowed", "import sys; bytearray(int(sys.argv[1]) + 64 << 20)", ("{memory_mb}",)
    ),
    Probe(
        "resources",
        "a larger file than allowed",
        """
import sys
with open("probe-file", "wb") as file:
    for _ in range(int(sys.argv[1]) + 1): file.write(bytes(1 << 20))
""",
        ("{file_mb}",),
    ),
    Probe(
        "resources",
        "a device",
        "import os; os.mknod('device', 0o20600, os.makedev(1, 5)); open('device', 'rb').read(1)",
        control_needs_root=True,
    ),
)
