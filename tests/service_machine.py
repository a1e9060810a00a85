"""A small machine of our own with systemd as process 1: namespaces, an overlay of this machine's root, a control group.

Nothing of it reaches this machine: files are written into an overlay in memory, the network is a namespace with one
cable to another, units, users and timers are the small machine's. Needs root, overlay mounts, control groups of
version 2 and systemd 250 or later as a program (`apt install systemd nftables iproute2`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.jail.layout import package_root, python
from pantheon_git.jail.removal import remove_tree

INIT = "/lib/systemd/systemd"
PYTHON, SOURCE, PROGRAM = "/opt/python", "/opt/pantheon/source", "/usr/local/bin/pantheon-git"
HERE, THERE = "192.0.2.1", "192.0.2.2"
"""The two ends of the cable (TEST-NET-1, RFC 5737)."""
_MASKED = (
    "systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service systemd-logind.service "
    "systemd-udevd.service systemd-udev-trigger.service systemd-networkd.service systemd-resolved.service "
    "systemd-timesyncd.service systemd-update-utmp.service systemd-random-seed.service systemd-hwdb-update.service "
    "systemd-firstboot.service sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount "
    "sys-kernel-config.mount dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount modprobe@.service "
    "getty.target console-getty.service nftables.service e2scrub_reap.service apt-daily.timer dpkg-db-backup.timer"
)
"""Units that would reach for the machine below, or that nobody here needs."""
_BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 dev dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
mkdir -p opt/python opt/pantheon/source srv var/lib
mount --bind "$2" opt/python
mount --bind "$3" opt/pantheon/source
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 lib var/lib
rm -rf etc/systemd/system etc/fstab
mkdir -p etc/systemd/system etc/ld.so.conf.d
for unit in $4; do ln -s /dev/null etc/systemd/system/$unit; done
echo 0123456789abcdef0123456789abcdef > etc/machine-id
echo /opt/python/lib > etc/ld.so.conf.d/python.conf
chroot . ldconfig
hostname pantheon-machine
ip link set lo up
pivot_root . mnt
umount -l /mnt
exec env -i container=pantheon PATH=/usr/sbin:/usr/bin:/sbin:/bin "$5" --system --unit=multi-user.target \
    --log-target=journal --show-status=0 </dev/null
"""


@dataclass(frozen=True)
class Machine:
    init: int
    """Process 1, as seen from here."""

    def run(self, *words: str, check: bool = True, seconds: float = 120) -> str:
        """A command as root in the machine; its output, both streams together."""
        into = ["nsenter", "-t", str(self.init), "-m", "-p", "-n", "-i", "-u", "-C", "-r", "-w", "--"]
        env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TZ": "UTC"}
        done = subprocess.run(
            [*into, *words], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=seconds, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)} exited with {done.returncode}: {done.stdout}")
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = Path(f"/proc/{self.init}/root{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)


def missing() -> str:
    """Why this machine cannot hold such a one; empty: it can."""
    if os.geteuid() != 0:
        return "root: makes a machine of namespaces"
    programs = {"nft": "nftables", "ip": "iproute2", "nsenter": "util-linux", "systemctl": "systemd"}
    lacking = sorted({package for name, package in programs.items() if not shutil.which(name)})
    if lacking or not Path(INIT).exists():
        return f"apt install {' '.join(lacking or ['systemd'])}"
    return "" if _cgroup2() else "control groups of version 2, writable"


def _cgroup2() -> Path | None:
    """The place of our own group in the second version's hierarchy."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    mounts = [Path(line.split()[4]) for line in lines if " - cgroup2 " in line]
    own = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    found = mounts[0] / own[0].lstrip("/") if mounts and own else None
    return found if found is not None and os.access(found, os.W_OK) else None


@contextlib.contextmanager
def machine() -> Iterator[Machine]:
    """Started and ready; ended with all that runs in it. RuntimeError where systemd does not come up."""
    base, parent = Path(tempfile.mkdtemp(prefix="machine-of-pantheon-", dir="/var/tmp")), _cgroup2()
    assert parent is not None
    group = parent / f"pantheon-machine-{os.getpid()}"
    group.mkdir()
    prefix = str(Path(python()).parent.parent)
    boot = ["unshare", "--cgroup", "--pid", "--mount", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
    words = [*boot, "sh", "-c", _BOOT, "boot", str(base), prefix, str(package_root().parent), _MASKED, INIT]
    outer = subprocess.Popen(
        ["sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', str(group), *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        found = Machine(_init(outer))
        _until_running(found, outer)
        found.write(PROGRAM, _wrapper(), 0o755)
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(outer.pid, signal.SIGKILL)
        (group / "cgroup.kill").write_text("1")
        outer.communicate()
        _remove(group)
        remove_tree(base)


def _init(outer: subprocess.Popen[str]) -> int:
    """The child of `unshare`, once there is one."""
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    deadline = time.monotonic() + 20
    while outer.poll() is None and time.monotonic() < deadline:
        if told := children.read_text().split():
            return int(told[0])
        time.sleep(0.02)
    raise RuntimeError(f"the machine was not made: {outer.stdout.read() if outer.stdout else ''}")


def _until_running(found: Machine, outer: subprocess.Popen[str]) -> None:
    deadline, said = time.monotonic() + 60, ""
    while time.monotonic() < deadline:
        if outer.poll() is not None:
            raise RuntimeError(f"the machine ended: {outer.stdout.read() if outer.stdout else ''}")
        if Path(f"/proc/{found.init}/comm").read_text().strip() == "systemd":
            said = found.run("systemctl", "is-system-running", check=False).strip()
            if said in ("running", "degraded"):
                return
        time.sleep(0.1)
    raise RuntimeError(f"systemd did not come up: {said}")


def _wrapper() -> str:
    """The installed command: this checkout, by this Python, at places that a service can read."""
    own, prefix = package_root().parent, Path(python()).parent.parent
    moved = []
    for place in (one for one in sys.path[1:] if one):
        path = Path(place)
        for old, new in ((own, SOURCE), (prefix, PYTHON)):
            if path.is_relative_to(old):
                path = Path(new) / path.relative_to(old)
        moved.append(str(path))
    name = Path(python()).name
    return (
        f'#!/bin/sh\nPYTHONPATH="{os.pathsep.join([SOURCE, *moved])}" exec {PYTHON}/bin/{name} -m pantheon_git "$@"\n'
    )


def _remove(group: Path) -> None:
    deadline = time.monotonic() + 10
    while group.exists() and time.monotonic() < deadline:
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        time.sleep(0.05)
