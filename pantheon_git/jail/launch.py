"""The launcher: one small process per jail, from the runner's user to the tool host's first instruction.

Standard library only; forked by `starter.py`, with an empty environment. Reads its plan (marshal, from the runner's
pipe: our own bytes) and then, step by step: as root, leave root; a user and a mount namespace; the root of the
jail; and from there bubblewrap, or the same from here. Every failure is one line on stderr and exit code 71.
"""

from __future__ import annotations

import marshal
import os

from pantheon_git.jail import kernel
from pantheon_git.jail.assemble import TREE, assemble, bind, make_target, mount_point, open_path, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

FAILED, SIGKILL = 71, 9


def main(descriptor: int) -> NoReturn:
    """`descriptor` is that of the plan; without one the runner has given up."""
    with os.fdopen(descriptor, "rb") as pipe:
        told = pipe.read()
    if not told:
        os._exit(FAILED)
    plan = marshal.loads(told)  # noqa: S302 -- written by the runner for which this process was started
    try:
        launch(plan)
    except OSError as error:
        fail(error)
    os._exit(FAILED)


def launch(plan: dict[str, Any]) -> None:
    if plan["level"] == "namespaces":  # now: once root is left, our own modules may be out of reach
        from pantheon_git.jail.namespaces import run
    if plan["group"]:
        put(plan["group"], "0")  # this process, and so all that it starts
    sources = {path: path for path in plan["sources"]}
    if plan["uid"] is not None:
        sources = _stage(plan["sources"])
        _leave_root(plan["uid"])
    kernel.prctl("die with the runner", kernel.PR_SET_PDEATHSIG, SIGKILL)
    _user_namespace()
    root = assemble(plan, sources)
    if plan["level"] == "bubblewrap":
        _bubblewrap(plan, root)
    run(plan, root)


def fail(error: OSError) -> NoReturn:
    name = f" {error.filename}" if error.filename else ""
    os.write(2, f"jail: {error.args[-1]}{name}\n".encode())
    os._exit(FAILED)


def _stage(sources: list[str]) -> dict[str, str]:
    """As root: bind every source at a place that an unprivileged user can reach, in a private mount namespace."""
    kernel.unshare(kernel.CLONE_NEWNS, "mount namespace")
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    opened = [open_path(path) for path in sources]
    stage = mount_point()
    kernel.mount("stage", stage, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=1m,nr_inodes=1024")
    reachable = {}
    for number, (path, descriptor) in enumerate(zip(sources, opened, strict=True)):
        reachable[path] = f"{stage}/{number}"
        make_target(descriptor, reachable[path])
        bind(descriptor, reachable[path], 0)
        os.close(descriptor)
    return reachable


def _leave_root(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel.prctl("own /proc/self", kernel.PR_SET_DUMPABLE, 1)  # cleared by setuid; the uid map is written through it


def _user_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS, "user namespace")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        put(f"/proc/self/{name}", text)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)


def _memory_file(name: str, data: bytes) -> int:
    descriptor = os.memfd_create(name, 0)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _bubblewrap(plan: dict[str, Any], root: str) -> NoReturn:
    seccomp = _memory_file("seccomp", plan["seccomp"])
    options = [
        *("--unshare-user", "--disable-userns", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup", "--die-with-parent", "--as-pid-1", "--new-session", "--cap-drop", "ALL"),
        *("--hostname", "jail"),
        *("--dev-bind", root, "/", "--proc", "/proc", "--chdir", TREE),
        *("--seccomp", str(seccomp), "--info-fd", str(plan["info_fd"])),
    ]
    arguments = _memory_file("arguments", b"".join(option.encode() + b"\0" for option in options))
    os.execve(plan["bwrap"], ["bwrap", "--args", str(arguments), "--", *plan["argv"]], {})
