"""Probes of a jail: small Python programs that end with 0 when they get at what a job must not get at.

Each runs outside, as its control, and inside the very same kind of jail that jobs get. `{NAME}` in `arguments` stands
for what `outside.py` sets up: listeners, files, processes. A control changes nothing but its own empty folder.
"""

from __future__ import annotations

from pantheon_git.jail.probe import ALSO_OWN, ALTERNATES, CONNECT, OWN, PRIVATE_MOUNTS, SEGMENT, Probe, call

PROBES = (
    Probe("files", "read a file outside", "import sys; open(sys.argv[1]).read()", ("{secret}",)),
    Probe("files", "write a file outside", "import sys; open(sys.argv[1], 'a').write('x')", ("{writable}",)),
    Probe("files", "list the runner's folders", "import os, sys; os.listdir(sys.argv[1])", ("{repository}",)),
    Probe("files", "read the password hashes", "open('/etc/shadow').read()", control_needs_root=True),
    Probe(
        "files",
        "read through an inherited descriptor",
        """
import os, sys
for name in os.listdir("/proc/self/fd"):
    try:
        if os.readlink("/proc/self/fd/" + name) == sys.argv[1]: os.pread(int(name), 1, 0); sys.exit(0)
    except OSError: pass
sys.exit("none is open")
""",
        ("{secret}",),
    ),
    Probe("git", "write into the real repository", "import sys; open(sys.argv[1] + '/config', 'a')", ("{git_dir}",)),
    Probe(
        "git",
        "put a hook into the real repository",
        """
import os, sys
path = sys.argv[1] + "/pantheon-probe.sample"
os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)); os.unlink(path)
""",
        ("{git_dir}",),
    ),
    Probe("git", "reach older commits by way of alternates", ALTERNATES, ("{git_dir}", "{older}")),
    Probe(
        "environment",
        "one of the runner's variables",
        """
import os, sys
if os.environ.get("PROBE_MARK") != sys.argv[1]: sys.exit("not set")
""",
        ("{mark}",),
    ),
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
        call(
            "101, 117",
            "0x4206, child, None, None",
            "child = os.fork()\nif not child:\n    import time; time.sleep(0.2); os._exit(0)",
        ),
    ),
    Probe(
        "processes",
        "write into process 1, which outlives every program",
        "open('/proc/1/mem', 'r+b', 0)",
        control="open('/proc/self/mem', 'r+b', 0)",
    ),
    Probe(
        "processes",
        "leave a daemon behind",
        '''
import os, sys, time
if os.fork(): time.sleep(0.1); os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for stream in range(3): os.dup2(os.open("/dev/null", os.O_RDWR), stream)
wait = """
import os, sys, time
runner = "/proc/" + sys.argv[2]
outside = os.readlink("/proc/self/ns/pid") == sys.argv[3]  # the runner may be dead already, so not by looking for it
for _ in range(150):
    time.sleep(0.2)
    if outside and not os.path.exists(runner): break  # it was killed: nothing of it may stay behind
"""
os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", wait, *sys.argv[1:]])
''',
        ("{mark}", "{pid}", "{pids}"),
        then="""
import glob, os, sys
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        found = sys.argv[1].encode() in open(path, "rb").read().split(bytes(1))
    except OSError: continue
    if found and str(os.getpid()) not in path.split("/"):
        os.kill(int(path.split("/")[2]), 9)
        sys.exit(0)
sys.exit("no daemon")
""",
    ),
    Probe("network", "TCP to a listener outside", CONNECT.format(2, "('127.0.0.1', int(sys.argv[1]))"), ("{tcp}",)),
    Probe("network", "TCP over IPv6", CONNECT.format(10, "('::1', int(sys.argv[1]))"), ("{tcp6}",)),
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
    Probe("network", "abstract Unix socket", CONNECT.format(1, "chr(0) + sys.argv[1]"), ("{abstract}",)),
    Probe("network", "Unix socket at a path", CONNECT.format(1, "sys.argv[1]"), ("{path}",)),
    Probe(
        "network",
        "a socket of any other family",
        """
import socket, sys
for family in set(range(1, 46)) - {2, 10, 16}:
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind)
        except OSError: continue
        sys.exit(0)
sys.exit("none can be made")
""",
    ),
    Probe("network", "raw packets", f"{ALSO_OWN}socket.socket(2, 3, 1)"),
    Probe("network", "the kernel's ciphers (AF_ALG)", "import socket; socket.socket(38, 5)"),
    Probe("network", "vsock to the machine below", "import socket; socket.socket(40, 1)"),
    Probe("network", "packets", f"{ALSO_OWN}socket.socket(17, 3)"),
    Probe("network", "kernel events by netlink", "import socket; socket.socket(16, 2, 15).bind((0, 1))"),
    Probe("kernel", "a user namespace", call("272, 97", "0x10000000")),
    Probe(
        "kernel",
        "mount by the old call",
        call("165, 40", "b'x', b'.', b'tmpfs', 0, None", PRIVATE_MOUNTS),
    ),
    Probe("kernel", "mount by the new calls", call("430, 430", "b'tmpfs', 0", OWN)),
    Probe("kernel", "a copy of a mount", call("428, 428", "-100, b'/usr', 1", OWN)),
    Probe(
        "kernel",
        "another process's memory",
        call(
            "310, 270",
            "os.getpid(), iov, 1, iov, 1, ctypes.c_long(0)",
            """
class Vector(ctypes.Structure): _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))
iov = ctypes.byref(Vector(ctypes.addressof(buffer), 8))""",
        ),
    ),
    Probe("kernel", "another process's descriptors", call("438, 438", "os.pidfd_open(os.getpid()), 2, 0")),
    Probe(
        "kernel",
        "another process's namespaces",
        call("308, 268", "os.open('/proc/self/ns/uts', 0), 0", OWN),
    ),
    Probe("kernel", "shared memory segments", SEGMENT),
    Probe("kernel", "the kernel's log", call("103, 116", "3, buffer, 4096"), control_needs_root=True),
    Probe(
        "kernel",
        "the machine's name",
        f"{ALSO_OWN}socket.sethostname(socket.gethostname())",
    ),
    Probe("kernel", "io_uring", call("425, 425", "4, buffer")),
    Probe("kernel", "keyrings", call("248, 217", "b'user', b'probe', b'x', 1, -1")),
    Probe(
        "kernel",
        "BPF programs",
        call("321, 280", "0, buffer, 72", "buffer[0:16] = struct.pack('4I', 2, 4, 4, 1)  # an array of one number"),
        control_needs_root=True,
    ),
    Probe(
        "kernel",
        "performance events",
        call("298, 241", "buffer, 0, -1, -1, 0", "buffer[0:48] = struct.pack('2I4QQ', 1, 112, 0, 0, 0, 0, 0x60)"),
    ),
    Probe("kernel", "userfaultfd", call("323, 282", "1")),
    Probe(
        "kernel",
        "files by handle",
        call("303, 264", "-100, b'/usr', buffer, mount, 0", "buffer[0] = b'\\x80'; mount = (ctypes.c_int * 1)()"),
    ),
    Probe(
        "resources",
        "more processes than allowed",
        """
import os, signal, sys, time
made = []
try:
    for _ in range(int(sys.argv[1]) + 8):
        made.append(os.fork())
        if not made[-1]: time.sleep(5); os._exit(0)
finally:
    for pid in made:
        if pid: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
""",
        ("{processes}",),
        alone=True,
    ),
    Probe(
        "resources", "more memory than allowed", "import sys; bytearray(int(sys.argv[1]) + 64 << 20)", ("{memory_mb}",)
    ),
    Probe(
        "resources",
        "a better place in the scheduler's queue",
        "import os; os.nice(-5)",
        control_needs_root=True,
    ),
    Probe(
        "resources",
        "a core dump as large as it likes",
        "import resource as r; r.setrlimit(r.RLIMIT_CORE, (1 << 20, -1)); assert r.getrlimit(r.RLIMIT_CORE)[0] > 1",
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

GREEDY = (
    Probe(
        "resources",
        "more memory than allowed, by several processes together",
        """
import os, select, signal, sys, time
limit = int(sys.argv[1])
told, tell = os.pipe()
made = []
for _ in range(4):
    made.append(os.fork())
    if not made[-1]:
        kept = bytearray(b"x") * ((limit // 3) << 20)
        os.write(tell, b"x"); time.sleep(5); os._exit(0)
count, living = 0, True
while count < 4 and living:
    if select.select([told], [], [], 0.05)[0]: count += len(os.read(told, 4))
    living = all(os.waitpid(pid, os.WNOHANG) == (0, 0) for pid in made)
if not living: sys.exit(f"one of 4 was ended")
time.sleep(0.3)
alive = [pid for pid in made if os.waitpid(pid, os.WNOHANG) == (0, 0)]
for pid in alive: os.kill(pid, signal.SIGKILL)
sys.exit(0 if len(alive) == 4 else f"{len(alive)} of 4 kept it")
""",
        ("{memory_mb}",),
    ),
    Probe(
        "resources",
        "more disk than allowed, in many files",
        """
import os, sys, time
for number in range(2 * int(sys.argv[1]) // 8 + 1):
    with open(f"file-{number}", "wb") as file: file.write(bytes(8 << 20))
time.sleep(0.8)
""",
        ("{disk_mb}",),
    ),
)
"""These use up what a whole job may use: each has a jail of its own, with small limits."""
