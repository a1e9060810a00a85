"""The last bolt of the guard, drawn once the containment certificate is made: a seccomp filter on the runner itself.

A network namespace does not cover AF_VSOCK (vsock(7)), the way to the host of a virtual machine, and asynchronous rings
open sockets past any filter. setns is denied although nothing outside can be entered anyway. What runs below, engine
and jails, inherits the filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from pantheon_git.errors import PantheonError
from pantheon_git.jail import kernel
from pantheon_git.jail.spawn import retire
from pantheon_git.jail.syscalls import ARCHITECTURES, Architecture

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_LD, _JEQ, _JGE, _RET = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _NR, _ARCH, _FIRST = 0x7FFF0000, 0x00050000, 0, 4, 16
_X32 = 0x40000000
DENIED = ("setns", "io_uring_setup", "io_uring_enter", "io_uring_register")
FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, and AF_NETLINK, by which bubblewrap brings loopback up. All follow the network namespace,
but for Unix sockets at paths, and those are hidden."""

Step = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def lock() -> None:
    """Put the filter on every thread of this process, for good. PantheonError where the kernel refuses."""
    arch = ARCHITECTURES.get(os.uname().machine)
    if arch is None:
        raise PantheonError(f"there is no seccomp table for {os.uname().machine}: nothing runs", "pantheon-git doctor")
    code = b"".join(struct.pack("=HBBI", *step) for step in steps(arch))
    argument = _Program(len(code) // 8, code)
    try:
        kernel.prctl("no new privileges", kernel.PR_SET_NO_NEW_PRIVS, 1)
        number = _SECCOMP[arch.name]
        kernel.syscall("seccomp filter", number, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(argument))
    except OSError as error:
        raise PantheonError(f"the night guard cannot be closed: {error.args[-1]}", "pantheon-git doctor") from error
    retire()  # the process that starts jails has not got the filter; its successor will


def steps(arch: Architecture) -> list[Step]:
    """`struct sock_filter`s (linux/filter.h): code, jump if true, jump if false, value."""
    refuse: Step = (_RET, 0, 0, _ERRNO | errno.EPERM)
    found: list[Step] = [(_LD, 0, 0, _ARCH), (_JEQ, 1, 0, arch.audit), refuse, (_LD, 0, 0, _NR)]
    if arch.name == "x86_64":
        found += [(_JGE, 0, 1, _X32), refuse]
    for name in DENIED:
        found += [(_JEQ, 0, 1, arch.numbers[name]), refuse]
    families = [step for family in FAMILIES for step in ((_JEQ, 0, 1, family), (_RET, 0, 0, _ALLOW))]
    sockets: list[Step] = [(_LD, 0, 0, _FIRST), *families, (_RET, 0, 0, _ERRNO | errno.EAFNOSUPPORT)]
    return [*found, (_JEQ, 0, len(sockets), arch.numbers["socket"]), *sockets, (_RET, 0, 0, _ALLOW)]
