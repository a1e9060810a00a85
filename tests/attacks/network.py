"""Every way to talk to somebody: addresses, families, protocols, and what only looks like a file."""

from __future__ import annotations

from tests.attacks.model import Probe, py, sh

_SOCKET = "import socket; socket.socket({}, {}, {})"
_CONNECT = "import socket, sys\ns = socket.socket({}, {})\ns.settimeout(2)\ns.connect({})"


def _made(name: str, family: int, kind: int, protocol: int = 0, harm: str = "") -> Probe:
    return py("sockets", name, _SOCKET.format(family, kind, protocol), harm=harm)


_HERE = "not on every machine"
ATTACKS: tuple[Probe, ...] = (
    py(
        "network",
        "TCP to a service on the machine's loopback",
        _CONNECT.format(2, 1, "('127.0.0.1', int(sys.argv[1]))"),
        "{tcp}",
    ),
    py("network", "TCP over IPv6 to the machine", _CONNECT.format(10, 1, "('::1', int(sys.argv[1]))"), "{tcp6}"),
    py("network", "TCP to 0.0.0.0", _CONNECT.format(2, 1, "('0.0.0.0', int(sys.argv[1]))"), "{tcp}"),
    py("network", "TCP to a mapped address", _CONNECT.format(10, 1, "('::ffff:127.0.0.1', int(sys.argv[1]))"), "{tcp}"),
    py(
        "network",
        "any address beyond this machine",
        """
import socket, sys
for address in ("192.0.2.1", "198.51.100.1", "1.1.1.1", "169.254.169.254", "10.0.0.1"):
    s = socket.socket(2, 2)
    try: s.connect((address, 53))  # no packet leaves: only a route is looked for
    except OSError: continue
    sys.exit(0)
sys.exit("no route")
""",
        harm="a machine may have no route",
    ),
    sh("network", "a name", "timeout 3 getent hosts example.org", harm="asks a server outside"),
    sh(
        "network",
        "an interface other than loopback",
        'test "$(ls /sys/class/net /proc/sys/net/ipv4/conf 2>/dev/null | '
        'grep -vx -e lo -e all -e default -e "" | grep -vc :)" -gt 0',
        harm=_HERE,
    ),
    py(
        "network",
        "a new interface by netlink",
        """
import socket, struct, os
s = socket.socket(16, 3, 0); s.bind((0, 0))
kind = struct.pack("HH8s", 4 + 6, 1, b"dummy")
info = struct.pack("HH", 4 + len(kind), 18) + kind
body = struct.pack("BBHiII", 0, 0, 0, 0, 0, 0) + info
s.send(struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
answer = s.recv(4096)
code = struct.unpack_from("i", answer, 16)[0]
raise SystemExit(0 if code == 0 else os.strerror(-code))
""",
        harm="adds an interface outside",
    ),
    py("network", "a tunnel", "import os; os.open('/dev/net/tun', os.O_RDWR)", harm=_HERE),
    _made("raw IP", 2, 3, 1, harm="needs root outside"),
    _made("raw IPv6", 10, 3, 58, harm="needs root outside"),
    _made("packets of an interface", 17, 3, harm="needs root outside"),
    _made("ping without root", 2, 2, 1, harm=_HERE),
    _made("multipath TCP", 2, 1, 262),
    _made("multipath TCP over IPv6", 10, 1, 262),
    _made("SCTP", 2, 1, 132, harm=_HERE),
    _made("UDP-Lite", 2, 2, 136, harm=_HERE),
    _made("DCCP", 2, 6, 33, harm=_HERE),
    _made("vsock streams", 40, 1),
    _made("vsock datagrams", 40, 2, harm=_HERE),
    _made("vsock packets", 40, 5, harm=_HERE),
    _made("the kernel's ciphers", 38, 5, harm=_HERE),
    _made("Bluetooth", 31, 3, harm=_HERE),
    _made("CAN", 29, 3, harm=_HERE),
    _made("TIPC", 30, 5, harm=_HERE),
    _made("RDS", 21, 5, harm=_HERE),
    _made("XDP", 44, 3, harm="needs root outside"),
    _made("SMC", 43, 1, harm=_HERE),
    _made("keys of IPsec", 15, 3, harm="needs root outside"),
    _made("QIPCRTR", 42, 2, harm=_HERE),
    _made("kernel events", 16, 2, 15),
    _made("the audit log", 16, 3, 9),
    _made("the firewall by netlink", 16, 3, 12),
    _made("sockets of others (sock_diag)", 16, 3, 4),
    _made("generic netlink", 16, 3, 16),
    py("unix", "an abstract socket of the machine", _CONNECT.format(1, 1, "chr(0) + sys.argv[1]"), "{abstract}"),
    py("unix", "a socket at a path of the machine", _CONNECT.format(1, 1, "sys.argv[1]"), "{path}"),
    py(
        "unix",
        "a socket in the shared folder",
        _CONNECT.format(1, 1, "sys.argv[2] + '/socket'"),
        "",
        "{share}",
        harm="a share with a socket in it is refused: tests/test_jail_shares.py",
    ),
    py(
        "unix",
        "a datagram to a path, from a pair",
        """
import socket, sys
a, b = socket.socketpair(1, 2)
a.sendto(b"x", sys.argv[1])
""",
        "{path}",
        control="import socket; socket.socketpair(1, 2)",
    ),
    py("unix", "a packet pair", "import socket; socket.socketpair(1, 5)"),
    py(
        "ipc",
        "a segment of shared memory",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
made = libc.shmget(0, 4096, 0o1600)
if made < 0: raise SystemExit(os.strerror(ctypes.get_errno()))
libc.shmctl(made, 0, None)
""",
    ),
    py(
        "ipc",
        "a queue of messages",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
made = libc.msgget(0, 0o1600)
if made < 0: raise SystemExit(os.strerror(ctypes.get_errno()))
libc.msgctl(made, 0, None)
""",
    ),
    py(
        "ipc",
        "a set of semaphores",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
made = libc.semget(0, 1, 0o1600)
if made < 0: raise SystemExit(os.strerror(ctypes.get_errno()))
libc.semctl(made, 0, 0)
""",
    ),
    py(
        "ipc",
        "a POSIX queue of messages",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
name = b"/attack-" + str(os.getpid()).encode()
if libc.mq_open(name, 0o102, 0o600, None) < 0: raise SystemExit(os.strerror(ctypes.get_errno()))
libc.mq_unlink(name)
""",
    ),
    sh("ipc", "a file in the machine's /dev/shm", 'grep -q "$2" "/dev/shm/$1"', "{shmname}", "{canary}"),
)
