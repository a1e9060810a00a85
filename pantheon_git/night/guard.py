"""The night guard: `run` becomes a process without network, credentials or home before it reads a single task.

In place (`execve`, the same process id), so that signals, exit codes, terminal and lease are as without it. A user
namespace first, also for root: from inside, no process outside can be traced and no other network namespace entered,
and `/proc/PID/{root,environ,fd}` of processes outside stay closed. User ids are mapped to themselves, files keep their
owner, and the jail's own ladder of namespaces (user_namespaces(7)) goes on below.

There is no option that turns this off. Benchmarks and tests that call `run_night` in their own process are no nights of
`run`: what they record as the guard says so.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pantheon_git.errors import PantheonError
from pantheon_git.jail import kernel
from pantheon_git.jail.layout import package_root
from pantheon_git.jail.orphans import sweep_orphans
from pantheon_git.night import guard_env, guard_view
from pantheon_git.night.guard_keep import kept
from pantheon_git.repo.git import Git

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_GIT_CONFIG = "/tmp/gitconfig"  # noqa: S108 -- in the night's own, empty /tmp
_HINTS = {
    errno.EPERM: "as this user the kernel allows no user namespace: sysctl kernel.unprivileged_userns_clone=1, "
    "or kernel.apparmor_restrict_unprivileged_userns=0; in a container: --security-opt seccomp=unconfined",
    errno.ENOSPC: "sysctl user.max_user_namespaces=10000 (and user.max_net_namespaces, user.max_mnt_namespaces)",
    errno.EUSERS: "too many namespaces inside one another: run it outside of this sandbox",
}


def begun() -> bool:
    """Whether this process says that it came through `enter`. `guard_facts.require` looks whether it is so."""
    return guard_env.MARK in os.environ


def enter(git: Git, words: Sequence[str], models: Sequence[Path] = ()) -> NoReturn:
    """Become `pantheon-git WORDS` inside the guard. Does not return; PantheonError where it cannot be made.

    `models`: model files that lie outside the store. Words must hold no path that is relative to a folder.
    """
    view = kept(git, models)
    guard_view.require_apart(view)
    config = guard_env.git_config(git)
    environment = guard_env.rebuilt(os.environ, view.home, package_root().parent, _GIT_CONFIG)
    argv = [sys.executable, "-P", "-m", "pantheon_git", *words]
    sweep_orphans()  # while they can still be reached: they live in the namespaces of the runner that was killed
    try:
        separate()
        guard_view.enter(view)
        loopback_up()
        Path(_GIT_CONFIG).write_text(config, encoding="utf-8", errors="surrogateescape")
        kernel.prctl("no new privileges", kernel.PR_SET_NO_NEW_PRIVS, 1)
        _close_descriptors()
        os.chdir(git.path)
        os.execve(sys.executable, argv, environment)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise refusal(error) from error


def try_out(git: Git) -> None:
    """Make the guard in a child process that then ends. PantheonError where `run` would refuse."""
    view = kept(git)
    guard_view.require_apart(view)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            separate()
            guard_view.enter(view)
            loopback_up()
        except OSError as error:
            os.write(tell, f"{error.errno} {error.args[-1]}".encode())
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as pipe:
        said = pipe.read().decode("utf-8", "replace")
    os.waitpid(child, 0)
    if said:
        code, _, text = said.partition(" ")
        raise refusal(OSError(int(code), text))


def refusal(error: OSError) -> PantheonError:
    step = f"{error.args[-1]}{f' {error.filename}' if error.filename else ''}"
    hint = _HINTS.get(error.errno or 0, "pantheon-git doctor")
    return PantheonError(f"the night guard cannot be made, so nothing runs: {step}", hint)


def separate() -> None:
    """Leave the machine's network and mounts: new user, network and mount namespaces, every id mapped to itself."""
    told, tell = os.pipe()
    done, confirm = os.pipe()
    maps = _maps()
    mapper = os.fork()
    if mapper == 0:
        _map_for_parent(maps, told, confirm, tell)
    for descriptor in (told, confirm):
        os.close(descriptor)
    try:
        flags = kernel.CLONE_NEWUSER | kernel.CLONE_NEWNET | kernel.CLONE_NEWNS
        kernel.unshare(flags, "user, network and mount namespaces")
        os.write(tell, b"x")
        said = os.read(done, 256).decode()
    finally:
        os.close(tell)
        os.close(done)
        os.waitpid(mapper, 0)
    if said:
        code, _, text = said.partition(" ")
        raise OSError(int(code), f"id map of the user namespace: {text}")


def _maps() -> dict[str, str]:
    """Root maps every id that it has itself, since jails run as another user; an ordinary user may map one."""
    if os.geteuid() == 0:
        return {name: _identity(Path(f"/proc/self/{name}").read_text()) for name in ("uid_map", "gid_map")}
    uid, gid = os.geteuid(), os.getegid()
    return {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}


def _identity(own: str) -> str:
    ranges = [(int(inside), int(count)) for inside, _, count in (line.split() for line in own.splitlines())]
    return "".join(f"{inside} {inside} {count}\n" for inside, count in ranges)


def _map_for_parent(maps: dict[str, str], told: int, confirm: int, tell: int) -> NoReturn:
    """In a child that stayed outside: a process may not map more than itself. Says what went wrong, or nothing."""
    os.close(tell)
    try:
        if os.read(told, 1):
            for name, text in maps.items():
                descriptor = os.open(f"/proc/{os.getppid()}/{name}", os.O_WRONLY)
                os.write(descriptor, text.encode())
    except OSError as error:
        os.write(confirm, f"{error.errno} {error.strerror}".encode())
    finally:
        os._exit(0)


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control.fileno(), _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))


def _close_descriptors() -> None:
    """Nothing that was inherited: a connected socket works in any namespace. A terminal stays, to type a passphrase."""
    if not os.isatty(0):
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, 1 << 20)
