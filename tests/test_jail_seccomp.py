"""The filter as the kernel would run it, for both architectures: a small BPF machine decides each call."""

from __future__ import annotations

import errno
import struct

import pytest

from pantheon_git.jail.seccomp import program
from pantheon_git.jail.syscalls import ARCHITECTURES, DENIED

ALLOW, KILL, EPERM, ENOSYS = "allow", "kill", errno.EPERM, errno.ENOSYS
MACHINES = tuple(ARCHITECTURES)


def decide(code: bytes, audit: int, number: int, *arguments: int) -> str | int:
    """Run the program on one `struct seccomp_data`, with the kernel's own rules for jumps."""
    data = struct.pack("=iIQ6Q", number & 0x7FFFFFFF, audit, 0, *(arguments + (0,) * 6)[:6])
    steps = list(struct.iter_unpack("=HBBI", code))
    register, at = 0, 0
    while True:
        operation, if_true, if_false, value = steps[at]
        at += 1
        match operation:
            case 0x20:
                register = struct.unpack_from("=I", data, value)[0]
            case 0x54:
                register &= value
            case 0x15:
                at += if_true if register == value else if_false
            case 0x35:
                at += if_true if register >= value else if_false
            case 0x45:
                at += if_true if register & value else if_false
            case 0x06:
                if value == 0x7FFF0000:
                    return ALLOW
                return KILL if value == 0x80000000 else value & 0xFFFF
            case _:
                raise AssertionError(f"operation {operation:#x}")


@pytest.fixture(params=MACHINES)
def ask(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """`ask(name or number, *arguments)` for one machine."""
    machine = request.param
    arch = ARCHITECTURES[machine]

    def asked(call: str | int, *arguments: int) -> str | int:
        number = arch.numbers[call] if isinstance(call, str) else call
        return decide(program(machine), arch.audit, number, *arguments)

    asked.arch = arch  # type: ignore[attr-defined]
    return asked


def test_ordinary_calls_pass(ask) -> None:  # type: ignore[no-untyped-def]
    """Every number that no rule names, below the newest known, is allowed."""
    named = set(ask.arch.numbers.values())
    assert {ask(number) for number in range(457) if number not in named} == {ALLOW}


def test_denied_calls_answer_eperm_whatever_their_arguments(ask) -> None:  # type: ignore[no-untyped-def]
    """The table's calls never pass, and newer ones than the table do not exist."""
    for name in DENIED:
        if name in ask.arch.numbers:
            assert {ask(name), ask(name, 2**64 - 1, 1, 2)} == {EPERM}, name
    assert {ask(number) for number in (457, 467, 500, 2**29)} == {ENOSYS}
    assert ask("clone3") == ENOSYS


def test_namespaces_cannot_be_made(ask) -> None:  # type: ignore[no-untyped-def]
    """clone and unshare pass without CLONE_NEW* flags and never with one, whatever the upper half of the word says."""
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        for also in (0, 17, 0xFF00, 7 << 40):
            assert ask("clone", flag | also) == EPERM
            assert ask("unshare", flag | also) == EPERM
    assert ask("unshare", 0x80) == EPERM
    assert ask("clone", 0x3D0F00) == ask("clone", 17) == ask("unshare", 0x400) == ALLOW


def test_socket_families(ask) -> None:  # type: ignore[no-untyped-def]
    """TCP, UDP and netlink for routes: nothing else of 256 families, and no other protocol behind them."""
    flags = 0o2004000  # SOCK_CLOEXEC and SOCK_NONBLOCK
    allowed = {
        (family, kind)
        for family in range(256)
        for kind in range(16)
        if ask("socket", family, kind | flags, 0) == ALLOW and ask("socket", family | 1 << 40, kind, 0) == ALLOW
    }
    assert allowed == {(family, kind) for family in (2, 10) for kind in (1, 2)} | {(16, kind) for kind in range(16)}
    assert {protocol for protocol in range(300) if ask("socket", 2, 1, protocol) == ALLOW} == {0, 6, 17}
    assert ask("socket", 10, 1, 262) == ask("socket", 16, 3, 15) == EPERM
    assert ask("socketpair", 1, 1, 0) == ALLOW
    assert ask("socketpair", 1, 2, 0) == ask("socketpair", 1, 5, 0) == ask("socketpair", 2, 1, 0) == EPERM


def test_the_core_limit_only_seems_to_be_set(ask) -> None:  # type: ignore[no-untyped-def]
    """Setting RLIMIT_CORE answers 0 without happening; reading it, and every other limit, passes."""
    assert ask("setrlimit", 4, 0x1000) == 0
    assert {ask("prlimit64", 0, 4, new, 0) for new in (0x1000, 1 << 40)} == {0}
    assert ask("prlimit64", 0, 4, 0, 0x1000) == ALLOW
    assert ask("setrlimit", 7, 0x1000) == ask("prlimit64", 0, 7, 0x1000, 0) == ALLOW


def test_no_lease_on_a_file(ask) -> None:  # type: ignore[no-untyped-def]
    """fcntl passes but for F_SETLEASE."""
    assert ask("fcntl", 3, 1024, 0) == EPERM
    assert {ask("fcntl", 3, command) for command in (0, 1, 2, 3, 4, 1025, 1030, 1031)} == {ALLOW}


def test_terminal_tricks(ask) -> None:  # type: ignore[no-untyped-def]
    """TIOCSTI, TIOCLINUX and TIOCSETD are refused, also behind an upper half that the kernel ignores."""
    for request in (0x5412, 0x541C, 0x5423):
        assert ask("ioctl", 0, request) == ask("ioctl", 0, request | 1 << 63) == EPERM
    assert ask("ioctl", 0, 0x5413) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_another_table_of_numbers_ends_the_process(machine) -> None:  # type: ignore[no-untyped-def]
    """A foreign architecture, i386 on x86_64 and x32 are killed: their numbers mean other calls."""
    code = program(machine)
    for audit in (0x40000003, 0x40000028, 0, 0xC00000F3, *(a.audit for n, a in ARCHITECTURES.items() if n != machine)):
        assert decide(code, audit, 39) == KILL
    if machine == "x86_64":
        assert decide(code, ARCHITECTURES[machine].audit, 0x40000000 | 39) == KILL


def test_jumps_stay_inside(ask) -> None:  # type: ignore[no-untyped-def]
    """What the kernel checks at load: every jump lands in the program, its last step returns, and it is short."""
    steps = list(struct.iter_unpack("=HBBI", program(ask.arch.name)))
    assert steps[-1][0] == 0x06
    assert len(steps) < 4096
    for at, (operation, if_true, if_false, _) in enumerate(steps):
        if operation in (0x15, 0x35, 0x45):
            assert at + 1 + max(if_true, if_false) < len(steps)
