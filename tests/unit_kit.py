"""The restrictions of the generated unit, put on a real night without systemd: `python -m tests.unit_kit [--engine E]`.

Each directive is read from the unit's own text and made here by the same means that systemd has: namespaces, mounts,
an id map, capability sets and seccomp filters whose call lists come from `systemd-analyze syscall-filter`. What this
cannot show is said by `LEFT_OUT`.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from pantheon_git.day.unit import HOME, Service, service_text
from pantheon_git.jail import kernel
from pantheon_git.jail.assemble import bind, make_target, open_path
from pantheon_git.jail.layout import package_root, python
from pantheon_git.night.guard import loopback_up
from tests.cli_support import CHECKOUT, make_repo, put
from tests.night_kit import BODY, commit, task

UID = 1043
LEFT_OUT = {
    "IPAddressDeny": "a BPF program of systemd's; PrivateNetwork alone is made here",
    "DevicePolicy": "a BPF program; PrivateDevices leaves no other node to open",
    "KeyringMode": "a keyring of its own; the calls are denied anyway",
    "RemoveIPC": "happens after the end",
    "ProtectClock": "its call filter is made, /dev/rtc is not there",
    "ProtectKernelModules": "its call filter is made, the module folder stays readable",
    "TasksMax": "a control group",
    "RuntimeMaxSec": "a timer of systemd's",
}
HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
_LD, _JEQ, _JSET, _RET, _ALLOW, _ERRNO = 0x20, 0x15, 0x45, 0x06, 0x7FFF0000, 0x00050000
_FAMILY = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
_MODES = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "mkdir": 1, "mkdirat": 2, "mknod": 1, "mknodat": 2, "creat": 1}
"""Calls of RestrictSUIDSGID= and which argument holds the mode."""


def missing() -> str:
    """Why this machine cannot show it; empty: it can."""
    if os.geteuid() != 0 or os.uname().machine != "x86_64":
        return "root on x86_64: makes the service's namespaces"
    if not HEADER.is_file():
        return "the table of system calls: apt install linux-libc-dev"
    return "" if shutil.which("systemd-analyze") else "systemd-analyze: apt install systemd"


def directives(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def calls(words: list[str]) -> set[str]:
    """The names behind SystemCallFilter= lines, groups within groups, `~` lines taken off."""
    found: set[str] = set()
    for line in words:
        names = _expand(line.removeprefix("~").split())
        found = found - names if line.startswith("~") else found | names
    return found


def _expand(names: list[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        if name.startswith("@"):
            said = subprocess.run(
                ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
            )
            found |= _expand(
                [line.strip() for line in said.stdout.splitlines()[1:] if not line.strip().startswith("#")]
            )
        elif name:
            found.add(name)
    return found


def numbers() -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+)\s+(\d+)", HEADER.read_text())}


def filters(unit: dict[str, list[str]]) -> list[bytes]:
    """One BPF program each for the list of calls, the families, the mode bits and the personality."""
    known = numbers()
    allowed = sorted(known[name] for name in calls(unit["SystemCallFilter"]) | _expand(["@default"]) if name in known)
    deny = (_RET, 0, 0, _ERRNO | errno.EPERM)
    allow = (_RET, 0, 0, _ALLOW)
    number = (_LD, 0, 0, 0)
    lists = [number, *(step for one in allowed for step in ((_JEQ, 0, 1, one), allow)), deny]
    families = [_FAMILY[name] for name in unit["RestrictAddressFamilies"][0].split()]
    inside = [(_LD, 0, 0, 16), *(step for one in families for step in ((_JEQ, 0, 1, one), allow))]
    inside.append((_RET, 0, 0, _ERRNO | errno.EAFNOSUPPORT))
    sockets = [number, (_JEQ, 0, len(inside), known["socket"]), *inside, allow]
    modes = [number]
    for name, argument in _MODES.items():
        modes += [(_JEQ, 0, 4, known[name]), (_LD, 0, 0, 16 + 8 * argument), (_JSET, 0, 1, 0o6000), deny, allow]
    persona = [number, (_JEQ, 0, 4, known["personality"]), (_LD, 0, 0, 16), (_JEQ, 1, 0, 0), deny, allow]
    programs = [lists, sockets, [*modes, allow], [*persona, allow]]
    return [b"".join(struct.pack("=HBBI", *step) for step in one) for one in programs]


def become(text: str, programs: list[bytes], state: Path, shown: list[Path], argv: list[str]) -> NoReturn:
    """This process becomes the service's: `state` stands for its home, `shown` are the program's own folders."""
    unit = directives(text)
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC, "namespaces of a service")
    loopback_up()
    _mounts(unit, state, shown)
    if unit["PrivateUsers"] == ["yes"]:
        _private_users()
    os.setgroups([])
    for capability in range(64):
        try:
            kernel.prctl("bounding set", kernel.PR_CAPBSET_DROP, capability)
        except OSError:
            break
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    kernel.prctl("own /proc/self", kernel.PR_SET_DUMPABLE, 1)
    os.umask(int(unit["UMask"][0], 8))
    os.chdir(state)
    kernel.prctl("no new privileges", kernel.PR_SET_NO_NEW_PRIVS, 1)
    for program in reversed(programs):  # the list of calls last: it may deny what installs a filter
        kernel.install_seccomp(program)
    env = {"HOME": str(state), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "pantheon"}
    env |= dict(pair.replace(HOME, str(state)).split("=", 1) for pair in unit["Environment"])
    os.execve(argv[0], argv, env)  # noqa: S606 - no shell is wanted


def _mounts(unit: dict[str, list[str]], state: Path, shown: list[Path]) -> None:
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    readable = [Path(path) for path in unit.get("BindReadOnlyPaths", [])] + shown
    opened = {path: open_path(str(path)) for path in readable}
    nodes = {name: open_path(f"/dev/{name}") for name in ("null", "zero", "full", "random", "urandom", "tty")}
    kernel.mount("proc", "/proc", "proc", 14, "hidepid=invisible")
    kernel.mount("dev", "/dev", "tmpfs", kernel.MS_NOSUID, "mode=0755")
    for name, descriptor in nodes.items():
        make_target(descriptor, f"/dev/{name}")
        bind(descriptor, f"/dev/{name}", 0)
    for name, target in {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0"}.items():
        Path("/dev", name).symlink_to(target)
    Path("/dev/shm").mkdir()
    for path, mode in {"/dev/shm": "1777", "/tmp": "1777", "/var/tmp": "1777", "/home": "755", "/root": "755"}.items():
        kernel.mount("private", path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"mode={mode}")
    for path, descriptor in opened.items():
        if not path.exists():
            make_target(descriptor, str(path))
            bind(descriptor, str(path), 0)
    kernel.restrict_mount("/", kernel.ATTR_RDONLY)
    again = open_path(str(state))
    bind(again, str(state), 0)
    for writable in ("/proc", "/dev", "/dev/shm", "/tmp", "/var/tmp", str(state)):
        kernel.restrict_mount(writable, 0, clear=kernel.ATTR_RDONLY, recursive=False)


def _private_users() -> None:
    """Root and the service's user are mapped to themselves, nobody else exists."""
    told, tell = os.pipe()
    if os.fork() == 0:
        os.read(told, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{os.getppid()}/{name}").write_text(f"0 0 1\n{UID} {UID} 1\n")
        os._exit(0)
    kernel.unshare(kernel.CLONE_NEWUSER, "user namespace of a service")
    os.write(tell, b"x")
    assert os.wait()[1] == 0


def prepare(base: Path) -> tuple[str, Path, list[Path]]:
    """A developer's repository with one task, and the night's own home: unit text, home, folders of the program."""
    repo, state = base / "srv/project", base / "state"
    make_repo(repo, {"docs/a.md": BODY.format(name="number 1")})
    put(repo / ".pantheon/queue/t000.toml", task("docs/a.md", flow="doc.frontmatter"))
    commit(repo, "Queue")
    state.mkdir()
    program = put(
        base / "pantheon-git",
        f'#!/bin/sh\nPYTHONPATH="{os.pathsep.join([str(CHECKOUT), *filter(None, sys.path[1:])])}" '
        f'exec "{sys.executable}" -m pantheon_git "$@"\n',
    )
    program.chmod(0o755)
    base.chmod(0o755)
    env = {"HOME": str(state), "PATH": os.environ["PATH"]}
    clone = f"{state}/project.git"
    for words in (
        ["git", "config", "--global", "--add", "safe.directory", "*"],
        ["git", "clone", "-q", "--bare", str(repo), clone],
        ["git", "-C", clone, "config", "remote.origin.fetch", "+refs/heads/*:refs/heads/*"],
        [str(program), "-C", clone, "init", "--no-hook"],
    ):
        subprocess.run(words, env=env, check=True, capture_output=True, cwd="/")
    if "PANTHEON_MODELS" in os.environ and Path(os.environ["PANTHEON_MODELS"]).is_dir():
        shutil.copytree(os.environ["PANTHEON_MODELS"], state / "models")
    for folder, _, files in os.walk(state):
        for path in (Path(folder), *(Path(folder, file) for file in files)):
            os.chown(path, UID, UID)
    service = Service("pantheon", "23:00", "06:00", str(repo), str(program))
    shown = [Path(sys.prefix), Path(python()).parent.parent, package_root().parent, base]
    return service_text(service).replace(HOME, str(state)), state, list(dict.fromkeys(shown))


def night(base: Path, engine: str = "control", *, without: str = "") -> dict[str, Any]:
    """ExecStartPre= and ExecStart= of the unit, each under all of it, and what they said. `without`: a word that is
    taken out of the unit first."""
    text, state, shown = prepare(base)
    text = text.replace(without, "") if without else text
    unit = directives(text)
    programs = filters(unit)
    said = []
    for line in (*unit["ExecStartPre"], *unit["ExecStart"]):
        more = [f"--engine={engine}"] if " run " in line else []
        words = [*shlex.split(line), *more]
        told = json.dumps([text, [one.hex() for one in programs], str(state), [str(path) for path in shown], words])
        argv = [sys.executable, "-m", "tests.unit_kit", "--become", told]
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False, stdin=subprocess.DEVNULL)
        said.append({"line": line, "code": done.returncode, "out": done.stdout, "err": done.stderr})
    return {"said": said, "clone": f"{state}/project.git", "home": str(state)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--engine", default="control")
    options.add_argument("--become")
    chosen = options.parse_args()
    if chosen.become:
        text, programs, state, shown, argv = json.loads(chosen.become)
        become(text, [bytes.fromhex(one) for one in programs], Path(state), [Path(path) for path in shown], argv)
    if why := missing():
        sys.exit(f"cannot be shown here: needs {why}")
    with tempfile.TemporaryDirectory(prefix="unit-of-pantheon-", dir="/var/lib") as folder:
        print(json.dumps(night(Path(folder), chosen.engine), indent=1))  # noqa: T201 - a command of its own
    for name, why in LEFT_OUT.items():
        print(f"not shown: {name}=: {why}")  # noqa: T201


if __name__ == "__main__":
    main()
