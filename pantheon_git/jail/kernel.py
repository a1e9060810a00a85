"""System calls that Python 3.11 has no name for. Standard library only: the launcher imports this before every job.

Each function raises OSError with the name of what was tried, so that the launcher can say which step failed.
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE, MS_SLAVE = 4096, 16384, 1 << 18, 1 << 19
MNT_DETACH = 2

ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
AT_RECURSIVE, AT_EMPTY_PATH = 0x8000, 0x1000
SYS_MOUNT_SETATTR = 442  # the same on every architecture: system calls since 2019 share their numbers

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_PARENT, _SIGCHLD = 0x8000, 17
_libc = ctypes.CDLL(None, use_errno=True)
_holding = ctypes.PyDLL(None, use_errno=True)
"""The same, keeping the interpreter's lock: a fork must not be in the middle of taking it."""


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(what: str, number: int, *arguments: object) -> int:
    """A raw system call. Integers are passed as 64 bits."""
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(_libc.syscall(ctypes.c_long(number), *wide), what)


def fork_for_parent() -> int:
    """Like os.fork, but the child's parent is this process's own parent (CLONE_PARENT, clone(2)). For a process with
    one thread: nothing is told of the fork."""
    number, zero = _CLONE[os.uname().machine], ctypes.c_long(0)
    pid = _holding.syscall(ctypes.c_long(number), ctypes.c_long(_CLONE_PARENT | _SIGCHLD), zero, zero, zero, zero)
    return _check(int(pid), "fork")


def unshare(flags: int, what: str) -> None:
    _check(_libc.unshare(flags), what)


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    code = _libc.mount(
        source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), options.encode()
    )
    _check(code, f"mount {kind or 'bind'} on {target}")


def unmount(target: str) -> None:
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"unmount {target}")


def restrict_mount(target: str, attributes: int, *, recursive: bool = True, clear: int = 0) -> None:
    """Set mount attributes (read-only, no set-uid, no devices) on a mount and all below it, and take the attributes
    `clear` off: mount_setattr(2)."""
    request = (ctypes.c_uint64 * 4)(attributes, clear, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    where = ctypes.c_char_p(target.encode())
    syscall(f"restrict mount {target}", SYS_MOUNT_SETATTR, -100, where, flags, ctypes.byref(request), 32)


def pivot_root(new: str, old: str) -> None:
    number = _PIVOT_ROOT[os.uname().machine]
    syscall("pivot_root", number, ctypes.c_char_p(new.encode()), ctypes.c_char_p(old.encode()))


def prctl(what: str, option: int, *arguments: int) -> int:
    values = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    return _check(_libc.prctl(option, *values), what)


def drop_capabilities() -> None:
    """Empty every capability set of this process: bounding, ambient, effective, permitted, inheritable."""
    for capability in range(64):
        try:
            prctl("drop from bounding set", PR_CAPBSET_DROP, capability)
        except OSError:  # EINVAL: past the last capability of this kernel
            break
    prctl("clear ambient set", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)())), "capset")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install_seccomp(program: bytes) -> None:
    """Put a BPF program (`seccomp.py`) on this process and all it starts. Needs no_new_privs."""
    argument = _Program(len(program) // 8, program)
    code = _libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(argument), 0, 0)
    _check(code, "seccomp filter")
