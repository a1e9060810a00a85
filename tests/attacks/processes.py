"""Other processes: seeing them, reaching into them, outliving the job, and a better place in every queue."""

from __future__ import annotations

from tests.attacks.model import Probe, call, py, sh

_ALL = """
import glob, os, sys
for path in glob.glob("/proc/[0-9]*/{what}") + ["/proc/1/{what}"]:
    try:
        if sys.argv[1].encode() in open(path, "rb").read().split(bytes(1)): sys.exit(0)
    except OSError: pass
sys.exit("not found")
"""
_DAEMON = """
import os, signal, sys, time
{how}
for number in (1, 2, 13, 15): signal.signal(number, signal.SIG_IGN)
for stream in range(3): os.dup2(os.open("/dev/null", os.O_RDWR), stream)
os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", {last!r}, sys.argv[1] + {name!r}])
"""
_LEFT = """
import glob, os, sys
found = False
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        if (sys.argv[1] + {name!r}).encode() in open(path, "rb").read().split(bytes(1)):
            os.kill(int(path.split("/")[2]), 9)
            found = True
    except OSError: pass
sys.exit(0 if found else "no daemon")
"""
_FORK = "if os.fork(): time.sleep(0.1); os._exit(0)\n"


def _daemon(name: str, how: str, last: str = "import time; time.sleep(30)") -> Probe:
    """One process without children, with its streams let go of: outside, `then` ends all of it."""
    code, then = _DAEMON.format(how=how, name=name, last=last), _LEFT.format(name=name)
    return py("daemons", name, code, "{mark}", then=then)


ATTACKS: tuple[Probe, ...] = (
    py(
        "processes",
        "the secret in the environment of a process of the machine",
        _ALL.format(what="environ"),
        "{envword}",
    ),
    py(
        "processes",
        "the secret on the command line of a process of the machine",
        _ALL.format(what="cmdline"),
        "{argword}",
    ),
    sh(
        "processes",
        "the secret in one's own environment",
        'env | grep -q "$1"',
        "{canary}",
        control='env SECRET="$1" env | grep -q "$1"',
    ),
    sh("processes", "a signal to a process of the machine", 'kill -0 "$1"', "{sleeper}"),
    py(
        "processes",
        "a descriptor for a process of the machine",
        "import os, sys; os.pidfd_open(int(sys.argv[1]))",
        "{sleeper}",
    ),
    py(
        "processes",
        "the working folder of a process of the machine",
        "import os, sys; os.readlink(f'/proc/{sys.argv[1]}/cwd')",
        "{sleeper}",
    ),
    py(
        "processes",
        "memory of process 1",
        "import sys; open('/proc/1/mem', 'r+b', 0).seek(4096)",
        harm="reaches into init",
    ),
    py(
        "processes",
        "memory of the tool host",
        """
import glob, os
for path in glob.glob("/proc/[0-9]*/cmdline"):
    pid = path.split("/")[2]
    if b"jail.host" in open(path, "rb").read() and int(pid) != os.getpid():
        open(f"/proc/{pid}/mem", "r+b", 0); os.listdir(f"/proc/{pid}/fd")
        raise SystemExit(0)
raise SystemExit("no host, or closed")
""",
        harm="there is no tool host outside",
    ),
    py("processes", "trace process 1", call("101, 117", "0x4206, 1, None, None"), harm="reaches into init"),
    py(
        "processes",
        "namespaces of process 1",
        call("308, 268", "os.open('/proc/1/ns/mnt', 0), 0"),
        harm="reaches into init",
    ),
    py("processes", "compare with another process", call("312, 272", "os.getpid(), os.getpid(), 0, 0, 0")),
    py(
        "processes",
        "advise another process's memory",
        call(
            "440, 440",
            "os.pidfd_open(os.getpid()), iov, 1, 21, ctypes.c_long(0)",
            """
class Vector(ctypes.Structure): _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))
page = ctypes.CDLL(None).mmap; page.restype = ctypes.c_void_p
iov = ctypes.byref(Vector(page(None, 4096, 3, 0x22, -1, 0), 4096))""",
        ),
    ),
    _daemon("a daemon by double fork", f"{_FORK}os.setsid()\nif os.fork(): os._exit(0)"),
    _daemon("a daemon by setsid alone", f"{_FORK}os.setsid()"),
    _daemon("a daemon in a new process group", f"{_FORK}os.setpgid(0, 0)"),
    _daemon(
        "a daemon that asked not to die with its parent",
        f"import ctypes\n{_FORK}os.setsid(); ctypes.CDLL(None).prctl(1, 0); ctypes.CDLL(None).prctl(36, 1)",
    ),
    _daemon("a daemon that stopped itself", f"{_FORK}os.setsid()", "import os; os.kill(os.getpid(), 19)"),
    py(
        "priority",
        "real time",
        "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
        harm="a real-time process holds up others",
    ),
    py(
        "priority",
        "round robin",
        "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))",
        harm="a real-time process holds up others",
    ),
    py("priority", "nicer than nice", "import os; os.setpriority(os.PRIO_PROCESS, 0, -20)", harm="needs root outside"),
    py("priority", "real-time input and output", call("251, 30", "1, 0, 1 << 13"), harm="needs root outside"),
    py(
        "priority",
        "never chosen when memory runs out",
        "import os; os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1000')",
        harm="needs root outside",
    ),
    py(
        "limits",
        "raise the limit of open files",
        """
import resource as r
hard = r.getrlimit(r.RLIMIT_NOFILE)[1]
r.setrlimit(r.RLIMIT_NOFILE, (hard + 1, hard + 1))
""",
        harm="needs root outside",
    ),
    py(
        "limits",
        "raise the limit of processes",
        """
import resource as r
r.setrlimit(r.RLIMIT_NPROC, (-1, -1))
""",
        control="import resource as r; r.setrlimit(r.RLIMIT_NPROC, r.getrlimit(r.RLIMIT_NPROC))",
    ),
    py(
        "limits",
        "raise the limits of process 1",
        """
import resource as r
r.prlimit(1, r.RLIMIT_NOFILE, (1 << 16, 1 << 16))
""",
        harm="reaches into init",
    ),
    sh(
        "limits",
        "a core dump somewhere",
        'ulimit -c unlimited; sh -c "kill -SEGV \\$\\$"; for d in . /tmp /job /var/crash /cores; do '
        'find $d -maxdepth 2 -name "*core*" -newer /proc/self/cmdline 2>/dev/null | grep -v /proc | grep -q . && exit 0; done; exit 1',
        harm="leaves a dump where this machine collects them",
    ),
)
