"""The seccomp filter of every jail: a BPF program made without libseccomp.

Source: Linux `Documentation/userspace-api/seccomp_filter.rst`, `include/uapi/linux/{filter,seccomp,audit}.h`. The
program is a list of `struct sock_filter` (u16 code, u8 jt, u8 jf, u32 k). What is denied answers EPERM; a foreign
architecture or the x32 call table ends the process, since numbers mean other calls there. clone3 answers ENOSYS: its
flags are out of a filter's reach, and C libraries then use clone. Both levels have the same filter.
"""

from __future__ import annotations

import errno
import functools
import os
import struct

from pantheon_git.jail.syscalls import ARCHITECTURES, DENIED, UNKNOWN_FROM, Architecture

_LD, _JEQ, _JGE, _JSET, _RET, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _ARGS = 0, 4, 16

_NAMESPACES = 0x7E020080
"""Every CLONE_NEW* flag; NEWTIME (0x80) is part of the exit signal in clone, where the kernel ignores it."""
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _DGRAM, _TYPE = 1, 2, 0x0F
_NETLINK_ROUTE, _TCP, _UDP = 0, 6, 17
_SETLEASE = 1024
"""fcntl: a lease on a shared file would hold up whoever opens it outside."""
_CORE = 4
"""RLIMIT_CORE. The host sets it to 1, the one value for which the kernel hands no dump to a program outside (core(5));
setting it seems to succeed and changes nothing, since many programs set it to 0 and fail if they cannot."""
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


def _sockets(number: int) -> list[Step]:
    """TCP and UDP, and netlink for routes. No Unix socket: one that lies in a shared folder, or whose name is abstract,
    would lead out of the jail."""
    internet = [
        _argument(1),
        (_AND, 0, 0, _TYPE),
        *_unless_equal(_STREAM, _unless_equal(_DGRAM, [_deny()])),
        _argument(2),
        *_unless_equal(0, _unless_equal(_TCP, _unless_equal(_UDP, [_deny()]))),
        _allow(),
    ]
    netlink = [_argument(2), *_if_equal(_NETLINK_ROUTE, [_allow()]), _deny()]
    body = [
        _argument(0),
        *_if_equal(_NETLINK, netlink),
        (_JEQ, 1, 0, _INET),
        (_JEQ, 0, len(internet), _INET6),
        *internet,
        _deny(),
    ]
    return _call(number, body)


def _socketpair(number: int) -> list[Step]:
    """A connected stream pair reaches nobody else; a datagram pair could be sent to a path."""
    stream = [_argument(1), (_AND, 0, 0, _TYPE), *_if_equal(_STREAM, [_allow()]), _deny()]
    return _call(number, [_argument(0), *_unless_equal(_UNIX, [_deny()]), *stream])


def _core_limit(number: int, resource: int, new: int | None) -> list[Step]:
    """Pretend to set RLIMIT_CORE. `new`: the argument that is a null pointer when a limit is only read."""
    pretend = [_deny(0)]
    if new is not None:
        high = (_LD, 0, 0, _ARGS + 8 * new + 4)
        pretend = [_argument(new), *_if_equal(0, [high, *_if_equal(0, [_allow()])]), _deny(0)]
    return _call(number, [_argument(resource), *_if_equal(_CORE, pretend), _allow()])


def _fcntl(number: int) -> list[Step]:
    return _call(number, [_argument(1), *_if_equal(_SETLEASE, [_deny()]), _allow()])


def _ioctl(number: int) -> list[Step]:
    checks = [step for request in _TERMINAL for step in _if_equal(request, [_deny()])]
    return _call(number, [_argument(1), *checks, _allow()])


def _steps(arch: Architecture) -> list[Step]:
    numbers = arch.numbers
    steps: list[Step] = [(_LD, 0, 0, _ARCH), (_JEQ, 1, 0, arch.audit), (_RET, 0, 0, _KILL), (_LD, 0, 0, _NR)]
    if arch.name == "x86_64":
        steps += [(_JGE, 0, 1, 0x40000000), (_RET, 0, 0, _KILL)]
    steps += [(_JGE, 0, 1, UNKNOWN_FROM), _deny(errno.ENOSYS)]
    steps += _clone(numbers["clone"]) + _new_namespaces(numbers["unshare"])
    steps += _call(numbers["clone3"], [_deny(errno.ENOSYS)])
    steps += _sockets(numbers["socket"]) + _socketpair(numbers["socketpair"])
    steps += _ioctl(numbers["ioctl"]) + _fcntl(numbers["fcntl"])
    steps += _core_limit(numbers["setrlimit"], 0, None) + _core_limit(numbers["prlimit64"], 1, 2)
    for name in DENIED:
        if name in numbers:
            steps += _call(numbers[name], [_deny()])
    return [*steps, _allow()]


@functools.cache
def program(machine: str = "") -> bytes:
    """The filter as bytes, for `bwrap --seccomp` or prctl. KeyError for an architecture without a table."""
    arch = ARCHITECTURES[machine or os.uname().machine]
    return b"".join(struct.pack("=HBBI", *step) for step in _steps(arch))
