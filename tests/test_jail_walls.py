"""What a job cannot reach, in every combination of user, level and tree: network, files, processes, kernel.

An attack is first shown to succeed outside, where that is possible; else its failure inside would prove nothing.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.jailed import BASE_PYTHON, PAIRS, World, attacks, run

pytestmark = pytest.mark.jail


async def no_tcp_to_the_hosts_loopback(world: World) -> None:
    """A listener on the host's loopback hears from outside and never from a job."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        attempt = "import socket,sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 2)"
        subprocess.run([BASE_PYTHON, "-I", "-c", attempt, port], check=True)
        async with world.jail() as jail:
            answer = await jail.exec([BASE_PYTHON, "-I", "-c", attempt, port], 10)
            assert b"ConnectionRefusedError" in answer.stderr
            links = await world.python(jail, "import socket; print([n for _, n in socket.if_nameindex()])")
            assert links == "['lo']"


async def no_unix_socket_of_the_host(world: World) -> None:
    """Neither an abstract nor a path Unix socket of the host answers a job."""
    name = f"\0jail-test-{os.getpid()}"
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX) as one,
        socket.socket(socket.AF_UNIX) as two,
    ):
        one.bind(name)
        two.bind(f"{folder}/s")
        for listener in (one, two):
            listener.listen()
        attempt = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1].replace('@', chr(0)))"
        for target in (name.replace("\0", "@"), f"{folder}/s"):
            subprocess.run([BASE_PYTHON, "-I", "-c", attempt, target], check=True)
            async with world.jail() as jail:
                assert (await jail.exec([BASE_PYTHON, "-I", "-c", attempt, target], 10)).code == 1


async def no_odd_socket_family(world: World) -> None:
    """Only internet sockets and netlink for routes can be made."""
    code = """
import socket, errno
refused = []
for family in range(1, 46):
    for kind in (1, 2, 3, 5):
        for protocol in (0, 262, 15):
            try:
                socket.socket(family, kind, protocol).close()
            except OSError as error:
                if error.errno == errno.EPERM:
                    continue
                if family not in (1, 2, 10, 16): refused.append((family, kind, error.errno))
            else:
                refused.append((family, kind, protocol))
print(sorted({(f, k) for f, k, _ in refused}))
"""
    allowed = [(2, 1), (2, 2), (10, 1), (10, 2), (16, 2), (16, 3)]
    async with world.jail() as jail:
        assert await world.python(jail, code) == str(sorted(allowed))


async def no_secret_outside_is_readable(world: World) -> None:
    """Files of the person, of the runner and of other jobs are not there; neither is the real repository."""
    secrets = [world.base / "secret", Path(tempfile.gettempdir()) / f"secret-{os.getpid()}"]
    other = world.spec()
    try:
        for secret in secrets:
            secret.write_text("secret")
        async with world.jail() as jail:
            for path in (
                *secrets,
                world.base / "repo/README.md",
                other.job_dir,
                "/etc/shadow",
                world.checkout,
                "/job/outside",
            ):
                answer = await jail.exec(["cat", str(path)], 10)
                assert answer.code == 1, path
                assert b"No such file" in answer.stderr, path
            homes = await world.shell(jail, "ls -A /home /root /var /run /mnt /media /srv /boot 2>/dev/null")
            assert ".ssh" not in homes
            assert "pantheon-git" not in await world.shell(
                jail, "find / -name 'id_*' -o -name '*.pub' -o -name night 2>/dev/null | grep -v ^/proc | grep -v ^/usr"
            )
    finally:
        for secret in secrets:
            secret.unlink()


async def nothing_outside_is_writable(world: World) -> None:
    """All that is writable: the tree, /tmp, HOME, /dev/shm and the process's own files."""
    async with world.jail() as jail:
        for path in (
            "/x",
            "/usr/x",
            "/etc/x",
            "/etc/passwd",
            "/opt/pantheon/lib/x",
            "/dev/x",
            "/run/x",
            "/home/x",
            "/usr/bin/git",
        ):
            answer = await jail.exec(["sh", "-c", f"echo x > {path}"], 10)
            assert answer.code != 0, path
        found = await world.shell(
            jail, "find / -path /proc -prune -o -path /job/.git -prune -o -writable -print 2>/dev/null"
        )
        links = await world.shell(jail, "find / -path /proc -prune -o -type l -print 2>/dev/null")
        writable = {path for path in set(found.split("\n")) - set(links.split("\n")) if not path.startswith("/job/")}
        devices = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
        assert writable - devices == {"/job", "/tmp", "/home/job", "/dev/shm"}
        assert await world.shell(jail, "for d in /job /tmp /home/job /dev/shm; do touch $d/x || echo no; done") == ""


async def the_checkout_is_immutable(world: World) -> None:
    """Whatever a job does to its tree, the checkout it stands on stays as it was."""

    def state() -> list[tuple[str, int, int, bytes]]:
        found = []
        for path in sorted(world.checkout.parent.rglob("*")):
            if "pool" not in path.parts:
                status = path.lstat()
                data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
                found.append((str(path), status.st_mode, status.st_mtime_ns, data))
        return found

    before = state()
    async with world.jail() as jail:
        await world.shell(
            jail, "chmod -R 777 .; echo x | tee $(find . -type f) >/dev/null; rm -rf docs .git; ln -sf x link"
        )
        assert await world.shell(jail, "ls docs") != ""
    assert state() == before


async def the_environment_is_empty(world: World) -> None:
    """A program gets the five variables that the host names, and no process inside holds the runner's."""
    os.environ["JAIL_TEST_SECRET"] = "sesame"
    async with world.jail() as jail:
        code = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))"
        assert await world.python(jail, code) == "['HOME', 'LANG', 'PATH', 'PYTHONDONTWRITEBYTECODE', 'TMPDIR']"
        seen = await world.shell(
            jail, "cat /proc/*/environ /proc/*/task/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'"
        )
        assert "sesame" not in seen
        assert "SECRET" not in seen
        given = await jail.exec(["env"], 10, env={"GIVEN": "1"})
        assert b"GIVEN=1" in given.stdout


async def no_descriptor_is_inherited(world: World) -> None:
    """A program has its three streams only, and cannot take the host's channel from /proc."""
    leak = os.open(world.base / "repo/README.md", os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        async with world.jail() as jail:
            assert await world.python(jail, "import os; print(os.listdir('/proc/self/fd'))") == "['0', '1', '2', '3']"
            for pid in (1, 2):
                for what in ("fd", "mem", "environ"):
                    # bubblewrap's own process 1 holds nothing but the log pipe
                    if (pid, world.level) != (1, "bubblewrap"):
                        assert "Permission denied" in await world.shell(
                            jail, f"cat /proc/{pid}/{what}/0 /proc/{pid}/{what}"
                        )
            written = await world.shell(jail, "for f in /proc/1/fd/*; do readlink $f; done")
            assert "README" not in written
            line = '{"ok": true, "cpu": 0.1, "result": {"forged": 1}, "seconds": 1}'
            await world.shell(jail, f"for f in /proc/1/fd/* /proc/2/fd/*; do echo '{line}' > $f; done")
            answer = await jail.call("file.read", {"path": "docs/a.md"}, 10)
            assert answer.result["text"] == "a\n"
    finally:
        os.close(leak)


async def nobody_special(world: World) -> None:
    """Not root, no capability, no way to gain one, one filter or more, no supplementary group of weight."""
    async with world.jail() as jail:
        status = await world.shell(jail, "cat /proc/self/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert "0" not in fields["Uid"].split() + fields["Gid"].split()
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(fields[name], 16) == 0, name
        assert fields["NoNewPrivs"] == "1"
        assert fields["Seccomp"] == "2"
        inside = await world.shell(
            jail,
            "su -c id; mount -t tmpfs x /tmp; unshare -Ur id; unshare -m id; echo x > /proc/sys/kernel/core_pattern",
        )
        assert "uid=0" not in inside
        assert (await jail.exec(["unshare", "-U", "true"], 10)).code != 0


async def the_kernels_doors_are_shut(world: World) -> None:
    """Calls that open new ground answer EPERM; those newer than the table, ENOSYS."""
    code = """
import ctypes, errno, os
from pantheon_git.jail import syscalls
numbers = syscalls.ARCHITECTURES[os.uname().machine].numbers
libc = ctypes.CDLL(None, use_errno=True)
for name in (*syscalls.DENIED, "clone3", "unshare", "ioctl"):
    if name not in numbers: continue
    arguments = {"unshare": (0x10000000,), "ioctl": (0, 0x5412, 0), "clone": (0x10000011, 0)}.get(name, (0, 0, 0, 0))
    result = libc.syscall(numbers[name], *(ctypes.c_long(a) for a in arguments))
    want = errno.ENOSYS if name == "clone3" else errno.EPERM
    assert (result, ctypes.get_errno()) == (-1, want), (name, result, ctypes.get_errno())
for high in (0xFFFFFFFF << 32,):
    result = libc.syscall(numbers["ioctl"], ctypes.c_long(0), ctypes.c_long(high | 0x5412), ctypes.c_long(0))
    assert (result, ctypes.get_errno()) == (-1, errno.EPERM)
for number in (457, 458, 467, 999):
    assert (libc.syscall(number, 0), ctypes.get_errno()) == (-1, errno.ENOSYS)
print("shut")
"""
    run = f"import sys; sys.path.append('/opt/pantheon/lib'); exec({code!r})"
    async with world.jail() as jail:
        assert await world.python(jail, run) == "shut"


async def a_foreign_call_table_ends_the_process(world: World) -> None:
    """x32 numbers (and so 32-bit programs' table) are not another way round the filter."""
    if os.uname().machine != "x86_64":
        return
    async with world.jail() as jail:
        code = "import ctypes; ctypes.CDLL(None).syscall(0x40000000 | 39)"
        answer = await jail.exec([BASE_PYTHON, "-I", "-c", code], 10)
        assert answer.code == -signal.SIGSYS


@pytest.mark.parametrize("attack", attacks(__name__))
@pytest.mark.parametrize(("user", "level", "tree"), PAIRS)
def test_attack(attack: str, user: str, level: str, tree: str) -> None:
    """Each attack's docstring states what holds."""
    run(user, __name__, attack, level, tree)
