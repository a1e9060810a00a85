"""Doors of the kernel: namespaces, mounts by the old and the new calls, and everything that loads code or sees all."""

from __future__ import annotations

from pantheon_git.jail.probe import OWN
from tests.attacks.model import HARM, Probe, call, py, sh

_NAMESPACES = {
    "user": 0x10000000, "mount": 0x20000, "network": 0x40000000, "pid": 0x20000000, "ipc": 0x8000000,
    "uts": 0x4000000, "cgroup": 0x2000000, "time": 0x80,
}  # fmt: skip
_OPEN_TREE = f"{OWN}; tree = libc.syscall(428, -100, b'/usr', 1)"


def _write(path: str, text: str = "x") -> str:
    return f"import os; os.write(os.open({path!r}, os.O_WRONLY), {text.encode()!r})"


ATTACKS: tuple[Probe, ...] = (
    *(
        py("namespaces", f"a {name} namespace by unshare", call("272, 97", f"0x10000000 | {flag}"))
        for name, flag in _NAMESPACES.items()
    ),
    *(
        py(
            "namespaces",
            f"a {name} namespace by clone",
            f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
arguments = (0x10000000 | {flag} | 17, 0, 0, 0, 0)
pid = libc.syscall(dict(x86_64=56, aarch64=220)[os.uname().machine], *map(ctypes.c_long, arguments))
if pid == 0: os._exit(0)
raise SystemExit(0 if pid > 0 else os.strerror(ctypes.get_errno()))
""",
        )
        for name, flag in _NAMESPACES.items()
        if name in ("user", "mount", "network")
    ),
    py(
        "namespaces",
        "a user namespace by clone3",
        """
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(struct.pack("11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
pid = libc.syscall(435, buffer, ctypes.c_long(88))
if pid == 0: os._exit(0)
raise SystemExit(0 if pid > 0 else os.strerror(ctypes.get_errno()))
""",
    ),
    sh("namespaces", "unshare, the program", "unshare -Ur true"),
    sh("namespaces", "bubblewrap in the jail", "bwrap --ro-bind / / --unshare-user true"),
    py("namespaces", "write an id map", _write("/proc/self/uid_map", "0 0 1"), harm="needs a namespace outside"),
    py("mounts", "a file system by fsopen", call("430, 430", "b'tmpfs', 0", OWN)),
    py("mounts", "a copy of a tree by open_tree", call("428, 428", "-100, b'/usr', 1", OWN)),
    py("mounts", "place a tree by move_mount", call("429, 429", "tree, b'', -100, b'.', 4", _OPEN_TREE)),
    py(
        "mounts",
        "make a mount writable by mount_setattr",
        call(
            "442, 442",
            "tree, b'', 0x1000, attributes, 32",
            f"{_OPEN_TREE}; attributes = (ctypes.c_uint64 * 4)(4, 0, 0, 0)",
        ),
    ),
    py("mounts", "reconfigure a mount by fspick", call("433, 433", "-100, b'/', 0"), harm="needs root outside"),
    py(
        "mounts",
        "configure a file system by fsconfig",
        call("431, 431", "opened, 6, None, None, 0", f"{OWN}; opened = libc.syscall(430, b'tmpfs', 0)"),
    ),
    py("mounts", "make /usr writable again", call("165, 40", "None, b'/usr', None, 32 | 4096, None"), harm=HARM),
    py(
        "mounts",
        "bind a file over /etc/passwd",
        call(
            "165, 40",
            "b'/dev/null', b'/etc/passwd', None, 4096, None",
            f"{OWN}; libc.mount(b'none', b'/', None, 0x44000, None)",
        ),
    ),
    py("mounts", "take a mount away", call("166, 39", "b'/job', 2"), harm="there is no such mount outside"),
    py("mounts", "another root by pivot_root", call("155, 41", "b'.', b'.'"), harm=HARM),
    py("mounts", "another root by chroot", call("161, 51", "b'.'", OWN)),
    py(
        "mounts",
        "list the mounts of the machine (statmount)",
        call("457, 457", "buffer, buffer, 4096, 0", "buffer[0:24] = struct.pack('IIQQ', 24, 0, 0xffffffffffffffff, 1)"),
        harm="newer than most kernels",
    ),
    sh("mounts", "mount, the program", "mount -t tmpfs x /tmp", harm=HARM),
    sh("mounts", "a file system in user space", "test -e /dev/fuse", harm="depends on the machine"),
    py("kernel", "io_uring", call("425, 425", "4, buffer")),
    py(
        "kernel",
        "BPF",
        call("321, 280", "0, buffer, 72", "buffer[0:16] = struct.pack('4I', 2, 4, 4, 1)"),
        harm="needs root outside",
    ),
    py(
        "kernel",
        "performance counters of the process",
        call("298, 241", "buffer, 0, -1, -1, 0", "buffer[0:48] = struct.pack('2I4QQ', 1, 112, 0, 0, 0, 0, 0x60)"),
    ),
    py("kernel", "a key into a keyring", call("248, 217", "b'user', b'attack', b'x', 1, -1")),
    py("kernel", "the session's keyring", call("250, 219", "1, None"), control=call("250, 219", "0, -3, 0")),
    py("kernel", "ask for a key", call("249, 218", "b'user', b'attack', None, -1"), harm="no such key outside"),
    py("kernel", "userfaultfd", call("323, 282", "1")),
    py("kernel", "a file by handle", call("304, 265", "-100, buffer, 0"), harm="needs a handle"),
    py(
        "kernel",
        "the handle of a file",
        call("303, 264", "-100, b'/usr', buffer, mount, 0", "buffer[0] = b'\\x80'; mount = (ctypes.c_int * 1)()"),
    ),
    py("kernel", "watch a whole file system (fanotify)", call("300, 262", "0x200, 0")),
    py("kernel", "secret memory", call("447, 447", "0"), harm="off on many machines"),
    py("kernel", "a file without a name in memory", call("319, 279", "b'attack', 0")),
    py("kernel", "load a module", call("313, 273", "0, b'', 0"), harm=HARM),
    py("kernel", "another kernel", call("246, 104", "0, 0, None, 0"), harm=HARM),
    py("kernel", "restart the machine", call("169, 142", "0xfee1dead, 672274793, 0, None"), harm=HARM),
    py("kernel", "swap space", call("167, 224", "b'/dev/null', 0"), harm=HARM),
    py("kernel", "process accounting", call("163, 89", "b'acct'"), harm=HARM),
    py("kernel", "quotas", call("179, 60", "0x80000100 << 8, None, 0, buffer"), harm="needs root outside"),
    py("kernel", "ports of the hardware", call("172, 172", "3"), harm="no such call on every machine"),
    py("kernel", "a local descriptor table", call("154, 154", "0, buffer, 4096"), harm="no such call on every machine"),
    py(
        "kernel",
        "the table of calls of 32-bit programs",
        """
import ctypes, mmap, os, sys
if os.uname().machine != "x86_64": sys.exit("another machine")
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("53 b8 14 00 00 00 cd 80 5b c3"))  # push rbx; mov eax, 20 (getpid); int 0x80; pop rbx; ret
run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
sys.exit(0 if run() == os.getpid() else "another answer")
""",
    ),
    py("kernel", "the x32 table of calls", call("0x40000027, 0", "0"), harm="off on many machines"),
    py("clock", "set the clock", call("227, 112", "0, now", "now = (ctypes.c_long * 2)(1, 0)"), harm=HARM),
    py("clock", "set the time of day", call("164, 170", "now, None", "now = (ctypes.c_long * 2)(1, 0)"), harm=HARM),
    py("clock", "tune the clock", call("159, 171", "buffer")),
    py("clock", "tune a clock by number", call("305, 266", "0, buffer")),
    py("names", "the machine's name", "import socket; socket.sethostname('attacked')", harm=HARM),
    py("names", "the machine's domain", call("171, 162", "b'attacked', 8"), harm=HARM),
    py("logs", "the kernel's log", call("103, 116", "3, buffer, 4096"), harm="needs root outside"),
    sh("logs", "dmesg, the program", "dmesg | grep -q .", harm="needs root outside"),
    sh("logs", "the kernel's log by /proc", "timeout 1 head -c 1 /proc/kmsg | grep -q .", harm="needs root outside"),
    py("sysctl", "a program for core dumps", _write("/proc/sys/kernel/core_pattern", "|/job/x"), harm=HARM),
    py("sysctl", "a program that loads modules", _write("/proc/sys/kernel/modprobe", "/job/x"), harm=HARM),
    py("sysctl", "forward packets", _write("/proc/sys/net/ipv4/ip_forward", "1"), harm=HARM),
    py("sysctl", "more user namespaces", _write("/proc/sys/user/max_user_namespaces", "99"), harm=HARM),
    py("sysctl", "a magic key", _write("/proc/sysrq-trigger", "h"), harm=HARM),
    py(
        "sysctl",
        "a handler for a new kind of program",
        _write("/proc/sys/fs/binfmt_misc/register", ":x:M::x::/job/x:"),
        harm=HARM,
    ),
    sh("sysctl", "a control group of its own", "mkdir /sys/fs/cgroup/attack", harm="depends on the machine"),
)
