"""The seccomp filter of every jail: a BPF program made without libseccomp.

Source: Linux `Documentation/userspace-api/seccomp_filter.rst`, `include/uapi/linux/{filter,seccomp,audit}.h`. The
program is a list of `struct sock_filter` (u16 code, u8 jt, u8 jf, u32 k). What is denied answers EPERM; a foreign
architecture or the x32 call table ends the process, since numbers mean other calls there. clone3 answers ENOSYS: its
flags are out of a filter's reach, and C libraries then use clone.
"""

from __future__ import annotations

import errno
import functools
import os
import struct

from pantheon_git.jail.protocol import Level
from pantheon_git.jail.syscalls import ARCHITECTURES, DENIED, UNKNOWN_FROM, Architecture

_LD, _JEQ, _JGE, _JSET, _RET, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _ARGS = 0, 4, 16

_NAMESPACES = 0x7E020080
"""Every CLONE_NEW* flag; NEWTIME (0x80) is part of the exit signal in clone, where the kernel ignores it."""
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _DGRAM, _TYPE = 1, 2, 0x0F
_NETLINK_ROUTE, _MPTCP = 0, 262
_TERMINAL = (0x5412, 0x541C, 0x5423)
"""TIOCSTI types into the terminal, TIOCLINUX pastes, TIOCSETD changes the line discipline."""

Step = tuple[int, int, int, int]


def _deny(code: int = errno.EPERM) -> Step:
    return (_RET, 0, 0, _ERRNO | code)


def _allow() -> Step:
    return (_RET, 0, 0, _ALLOW)


def _argument(index: int) -> Step:
    """Load the low half of an argument: flags, families and ioctl numbers are 32 bits wide to the kernel."""
    return (_LD, 0, 0, _ARGS + 8 * index)


def _call(number: int, body: list[Step]) -> list[Step]:
    """`body` for one call number; it ends in a return on every way."""
    return [(_JEQ, 0, len(body), number), *body]


def _if_equal(value: int, body: list[Step]) -> list[Step]:
    return [(_JEQ, 0, len(body), value), *body]


def _unless_equal(value: int, body: list[Step]) -> list[Step]:
    return [(_JEQ, len(body), 0, value), *body]


def _new_namespaces(number: int) -> list[Step]:
    return _call(number, [_argument(0), (_JSET, 0, 1, _NAMESPACES), _deny(), _allow()])


def _clone(number: int) -> list[Step]:
    return _call(number, [_argument(0), (_JSET, 0, 1, _NAMESPACES & ~0xFF), _deny(), _allow()])


def _sockets(number: int, *, unix: bool) -> list[Step]:
    """Internet families without multipath and raw sockets, netlink for routes only, AF_UNIX where `unix`."""
    internet = [
        _argument(1),
        (_AND, 0, 0, _TYPE),
        *_unless_equal(_STREAM, _unless_equal(_DGRAM, [_deny()])),
        _argument(2),
        *_if_equal(_MPTCP, [_deny()]),
        _allow(),
    ]
    netlink = [_argument(2), *_if_equal(_NETLINK_ROUTE, [_allow()]), _deny()]
    body = [
        _argument(0),
        *(_if_equal(_UNIX, [_allow()]) if unix else []),
        *_if_equal(_NETLINK, netlink),
        (_JEQ, 1, 0, _INET),
        (_JEQ, 0, len(internet), _INET6),
        *internet,
        _deny(),
    ]
    return _call(number, body)


def _socketpair(number: int, *, unix: bool) -> list[Step]:
    """A connected stream pair reaches nobody else; a datagram pair could be sent to a path."""
    stream = [_argument(1), (_AND, 0, 0, _TYPE), *_if_equal(_STREAM, [_allow()]), _deny()]
    return _call(number, [_argument(0), *_unless_equal(_UNIX, [_deny()]), *([_allow()] if unix else stream)])


def _ioctl(number: int) -> list[Step]:
    checks = [step for request in _TERMINAL for step in _if_equal(request, [_deny()])]
    return _call(number, [_argument(1), *checks, _allow()])


def _steps(arch: Architecture, level: Level) -> list[Step]:
    unix = level == "bubblewrap"
    numbers = arch.numbers
    steps: list[Step] = [(_LD, 0, 0, _ARCH), (_JEQ, 1, 0, arch.audit), (_RET, 0, 0, _KILL), (_LD, 0, 0, _NR)]
    if arch.name == "x86_64":
        steps += [(_JGE, 0, 1, 0x40000000), (_RET, 0, 0, _KILL)]
    steps += [(_JGE, 0, 1, UNKNOWN_FROM), _deny(errno.ENOSYS)]
    steps += _clone(numbers["clone"]) + _new_namespaces(numbers["unshare"])
    steps += _call(numbers["clone3"], [_deny(errno.ENOSYS)])
    steps += _sockets(numbers["socket"], unix=unix) + _socketpair(numbers["socketpair"], unix=unix)
    steps += _ioctl(numbers["ioctl"])
    for name in DENIED:
        if name in numbers:
            steps += _call(numbers[name], [_deny()])
    return [*steps, _allow()]


@functools.cache
def program(level: Level, machine: str = "") -> bytes:
    """The filter of a level as bytes, for `bwrap --seccomp` or prctl. KeyError for an architecture without a table."""
    arch = ARCHITECTURES[machine or os.uname().machine]
    return b"".join(struct.pack("=HBBI", *step) for step in _steps(arch, level))
