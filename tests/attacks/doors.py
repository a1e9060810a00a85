"""Back doors to what the other files try by the front: other numbers, other calls, descriptors, terminals."""

from __future__ import annotations

from pantheon_git.jail.probe import OWN
from tests.attacks.model import HARM, Probe, call, py, sh

_HERE, _NEWER = "not on every machine", "newer than most kernels"
_UPPER = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
s = socket.create_connection(listener.getsockname())
s.setsockopt(6, 31, {name!r})
"""
"""TCP_ULP: another protocol on top of an open TCP connection, past what the filter sees of socket()."""
_CHILD = """
import ctypes, os, signal, struct, time
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(b"kept" + bytes(60))
kept = os.open("/dev/null", os.O_RDONLY)
child = os.fork()
if child == 0:
    libc.prctl(0x59616d61, ctypes.c_ulong(-1 & (1 << 64) - 1), 0, 0, 0)  # whoever may trace at all may trace this
    time.sleep(5); os._exit(0)
time.sleep(0.05)
class Vector(ctypes.Structure): _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))
at = Vector(ctypes.addressof(buffer), 4)
own = Vector(ctypes.addressof(ctypes.create_string_buffer(64)), 4)
number = lambda x86, arm: dict(x86_64=x86, aarch64=arm)[os.uname().machine]
long = ctypes.c_long
try: done = {trying}
finally: os.kill(child, signal.SIGKILL)
raise SystemExit(0 if done >= 0 else os.strerror(ctypes.get_errno()))
"""
_OLD = """
import ctypes, mmap, os, struct, sys
if os.uname().machine != "x86_64": sys.exit("another machine")
low = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, prot=7)  # MAP_32BIT
at = ctypes.addressof(ctypes.c_char.from_buffer(low))
low[0:64] = {data}
code = b"\\x53\\xb8" + struct.pack("<I", {number}) + b"\\xbb" + struct.pack("<I", {first}) + b"\\xb9" + struct.pack("<I", {second}) + b"\\xcd\\x80\\x5b\\xc3"
low[64 : 64 + len(code)] = code
run = ctypes.CFUNCTYPE(ctypes.c_int)(at + 64)
sys.exit(0 if run() >= 0 else "refused")
"""
"""A call of the 32-bit table by `int 0x80`, whose numbers mean other calls."""
_TERMINAL = """
import fcntl, os, pty, sys, termios
ours, theirs = pty.openpty()
{trying}
"""


def _old(name: str, number: int, first: str, second: str, data: str = "bytes(64)", harm: str = "") -> Probe:
    return py("kernel", name, _OLD.format(number=number, first=first, second=second, data=data), harm=harm)


def _child(name: str, trying: str, harm: str = "") -> Probe:
    return py("processes", name, _CHILD.format(trying=trying), harm=harm)


ATTACKS: tuple[Probe, ...] = (
    py("sockets", "multipath TCP that closes at exec", "import socket; socket.socket(2, 1 | 0o2000000, 262)"),
    py("sockets", "multipath TCP by way of an open connection", _UPPER.format(name=b"mptcp"), harm=_HERE),
    py("sockets", "SMC by way of an open connection", _UPPER.format(name=b"smc"), harm=_HERE),
    py("sockets", "the machine below, by vsock", "import socket; s = socket.socket(40, 1); s.settimeout(2); s.connect((2, 22))",
       control="import socket; socket.socket(40, 1)"),
    py("sockets", "a listener for the machine below", "import socket; s = socket.socket(40, 1); s.bind((0xffffffff, 47110)); s.listen()"),
    py("unix", "packets to an abstract socket", "import socket, sys; socket.socket(1, 5).connect(chr(0) + sys.argv[1])", "{abstract}",
       control="import socket; socket.socket(1, 5)"),
    py("unix", "a datagram to an abstract socket", "import socket, sys; socket.socket(1, 2).sendto(b'x', chr(0) + sys.argv[1])",
       "{abstract}", control="import socket; socket.socket(1, 2)"),
    py("unix", "an abstract socket of its own", "import os, socket; s = socket.socket(1, 1); s.bind(chr(0) + 'attack' + str(os.getpid()))"),
    _old("a Unix socket by the 32-bit table", 102, "1", "at", "struct.pack('<3I', 1, 1, 0) + bytes(52)"),
    _old("vsock by the 32-bit table", 102, "1", "at", "struct.pack('<3I', 40, 1, 0) + bytes(52)"),
    _old("a namespace by the 32-bit table", 310, str(0x10000000), "0"),
    _old("a ring by the 32-bit table", 425, "4", "at"),
    _old("trace by the 32-bit table", 26, "0", "0"),
    py("kernel", "io_uring with a polling thread", call("425, 425", "4, buffer", "buffer[8:12] = struct.pack('I', 2)"),
       harm="needs root outside"),
    py("kernel", "register with a ring", call("427, 427", "ring, 8, None, 0", "ring = libc.syscall(425, 4, buffer)"),
       control=call("425, 425", "4, buffer")),
    py("kernel", "enter a ring", call("426, 426", "ring, 0, 0, 0, None, 0", "ring = libc.syscall(425, 4, buffer)")),
    py("mounts", "list mounts by number (listmount)", call("458, 458", "buffer, out, 16, 0",
       "buffer[0:32] = struct.pack('IIQQQ', 32, 0, 0xffffffffffffffff, 0, 0); out = ctypes.create_string_buffer(128)"), harm=_NEWER),
    py("mounts", "a copy of a tree with attributes (open_tree_attr)", call("467, 467", "-100, b'/usr', 1, attributes, 32",
       f"{OWN}; attributes = (ctypes.c_uint64 * 4)(0, 0, 0, 0)"), harm=_NEWER),
    py("mounts", "an overlay by the new calls", call("430, 430", "b'overlay', 0", OWN)),
    py("mounts", "the proc of this namespace once more", call("430, 430", "b'proc', 0", OWN)),
    py("mounts", "another root by the new calls", call("428, 428", "-100, b'/', 0x8001", OWN)),
    _child("trace a child", "libc.syscall(long(number(101, 117)), long(0x4206), long(child), None, None)"),
    _child("attach to a child", "libc.syscall(long(number(101, 117)), long(16), long(child), None, None)"),
    py("processes", "be traced by the parent", call("101, 117", "0, 0, None, None")),
    _child("read a child's memory", "libc.syscall(long(number(310, 270)), long(child), ctypes.byref(own), long(1), ctypes.byref(at), long(1), long(0))"),
    _child("write a child's memory", "libc.syscall(long(number(311, 271)), long(child), ctypes.byref(own), long(1), ctypes.byref(at), long(1), long(0))"),
    _child("take a child's descriptor", "libc.syscall(long(438), long(os.pidfd_open(child)), long(kept), long(0))"),
    py("descriptors", "any that was inherited and leads to a file", """
import os, sys
for name in os.listdir("/proc/self/fd"):
    try: leads = os.readlink(f"/proc/self/fd/{name}")
    except OSError: continue
    if int(name) > 2 and leads.startswith("/") and not leads.startswith(("/dev/", "/proc/")): sys.exit(0)
sys.exit("none")
"""),
    py("descriptors", "those of process 1", "import os; os.readlink('/proc/1/fd/' + os.listdir('/proc/1/fd')[0])", harm="reaches into init"),
    py("descriptors", "a way up from the root", """
import os, sys
here = os.open("/", os.O_RDONLY)
for _ in range(64): here = os.open("..", os.O_RDONLY, dir_fd=here)
sys.exit(0 if os.fstat(here).st_ino != os.stat("/").st_ino or os.path.exists(f"/proc/self/fd/{here}" + sys.argv[1]) else "the same root")
""", "{path}"),
    py("terminals", "type into one (TIOCSTI)", _TERMINAL.format(trying="fcntl.ioctl(theirs, 0x5412, b'x')"), harm="off on newer kernels"),
    py("terminals", "another line discipline", _TERMINAL.format(trying="import struct; fcntl.ioctl(theirs, 0x5423, struct.pack('i', 0))"),
       control=_TERMINAL.format(trying="import struct; fcntl.ioctl(theirs, 0x5423, struct.pack('i', 0))").replace(
           "ours, theirs = pty.openpty()", "ours, theirs = os.openpty()")),
    py("terminals", "a selection of the console (TIOCLINUX)", _TERMINAL.format(trying="fcntl.ioctl(theirs, 0x541C, bytes([12]))"), harm=_HERE),
    py("terminals", "the console's output", "import fcntl, os; fcntl.ioctl(os.open('/dev/console', os.O_RDWR), 0x541D)", harm=HARM),
    sh("terminals", "the terminal of whoever started the night", ": < /dev/tty", harm="a terminal is not always there"),
    sh("terminals", "a console of the machine", 'for d in /dev/console /dev/tty0 /dev/tty1 /dev/ttyS0 /dev/vcs; do : < $d && exit 0; done; exit 1',
       harm=_HERE),
)  # fmt: skip
