"""The level `namespaces`: what bubblewrap does, done by the launcher itself, and Landlock behind it.

Standard library only, and loaded whole before root is left. The launcher stays outside as the monitor; its child is
process 1 of the jail, and the tool host is the child of that.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import struct

from pantheon_git.jail import kernel, landlock
from pantheon_git.jail.assemble import DEVICES, TREE, WRITABLE, bind, open_path, put
from pantheon_git.jail.launch import SIGKILL, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def run(plan: dict[str, Any], root: str) -> NoReturn:
    flags = kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    kernel.unshare(flags | kernel.CLONE_NEWCGROUP, "pid, net, ipc, uts and cgroup namespaces")
    _network()
    os.set_inheritable(plan["info_fd"], False)  # the report on pids is not for the host
    init = os.fork()
    if init == 0:
        _init(plan, root)
    os.write(plan["info_fd"], b'{"child-pid": %d}' % init)
    os.closerange(3, 65536)
    _, status = os.waitpid(init, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _network() -> None:
    """A name, and the loopback interface up: tests may talk to themselves."""
    _socket.sethostname("jail")
    control = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(control.fileno(), _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))
    control.close()


def _init(plan: dict[str, Any], root: str) -> NoReturn:
    """Process 1 of the jail: locks the door from inside, starts the host, reaps; its end is the end of all."""
    try:
        kernel.prctl("die with the launcher", kernel.PR_SET_PDEATHSIG, SIGKILL)
        os.setsid()
        _enter(root)
        _lock(plan)
        host = os.fork()
        if host == 0:
            os.execve(plan["argv"][0], plan["argv"], {})
    except OSError as error:
        fail(error)
    os.closerange(0, 65536)
    while True:
        ended, status = os.wait()
        if ended == host:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _enter(root: str) -> None:
    os.chdir(root)
    kernel.mount("proc", "proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    put("proc/sys/user/max_user_namespaces", "0")  # of this user namespace: no other below it
    for name in ("sys", "sysrq-trigger", "irq", "bus"):
        if os.path.exists(f"proc/{name}"):
            bind(open_path(f"proc/{name}"), f"proc/{name}", kernel.ATTR_RDONLY)
    kernel.pivot_root(".", ".")
    kernel.unmount(".")
    os.chdir(TREE)


def _lock(plan: dict[str, Any]) -> None:
    kernel.drop_capabilities()
    kernel.prctl("no new privileges", kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl("closed to the host's children", kernel.PR_SET_DUMPABLE, 0)
    landlock.restrict(WRITABLE, [f"/dev/{name}" for name in DEVICES])
    kernel.install_seccomp(plan["seccomp"])
