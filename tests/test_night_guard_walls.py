"""What a process inside the night guard cannot do, each shown first to succeed outside; as root and as a user."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.jailed import USERS, World, run

pytestmark = pytest.mark.jail

WALLS = {
    "TCP to a listener of this machine": "import socket; socket.create_connection(('127.0.0.1', TCP), 2)",
    "UDP to a listener of this machine": """
import socket, time
s = socket.socket(2, 2); s.connect(('127.0.0.1', UDP)); s.send(b'x'); time.sleep(0.1)
try: s.recv(1, socket.MSG_DONTWAIT)
except BlockingIOError: pass  # nobody refused it
""",
    "TCP over IPv6": "import socket; socket.create_connection(('::1', TCP6), 2)",
    "an abstract Unix socket": "import socket; socket.socket(1, 1).connect(chr(0) + ABSTRACT)",
    "an agent's socket at a path": "import socket; socket.socket(1, 1).connect(AGENT)",
    "a key in the home folder": "open(HOME + '/.ssh/id_ed25519').read()",
    "a token in the home folder": "open(HOME + '/.netrc').read()",
    "what git would tell a server": """
import subprocess
env = {'HOME': HOME, 'PATH': os.environ['PATH'], 'GIT_TERMINAL_PROMPT': '0'}
asked = b'protocol=https\\nhost=example.org\\n\\n'
said = subprocess.run(['git', '-C', REPO, 'credential', 'fill'], input=asked, env=env, capture_output=True)
assert b'hunter2' in said.stdout, said.stderr
""",
    "a variable of a process outside": "assert b'OUTSIDE' in open(f'/proc/{PID}/environ', 'rb').read()",
    "the files of a process outside": "os.listdir(f'/proc/{PID}/root/')",
    "the descriptors of a process outside": "os.open(f'/proc/{PID}/fd/0', os.O_RDONLY)",
    "the network of a process outside": """
import ctypes
assert ctypes.CDLL(None).setns(os.open(f'/proc/{PID}/ns/net', os.O_RDONLY), 0x40000000) == 0
""",
    "tracing a process outside": """
import ctypes
assert ctypes.CDLL(None).ptrace(0x4206, PID, None, None) == 0
""",
    "writing in the main checkout": "open(REPO + '/README.md', 'r+').close()",
    "writing beside the models": "open(MODELS + '/planted', 'w').close(); os.unlink(MODELS + '/planted')",
}
BOLTED = {
    "asynchronous rings": """
import ctypes
assert ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(4096)) >= 0
""",
    "a socket to the machine below": "import socket; socket.socket(40, 1)",
    "a socket of the kernel's ciphers": "import socket; socket.socket(38, 5)",
    "its own network namespace by setns": """
import ctypes
assert ctypes.CDLL(None).setns(os.open('/proc/self/ns/net', os.O_RDONLY), 0x40000000) == 0
""",
}
"""Closed by the seccomp filter, so these are tried in a user namespace of one's own both times."""
MAY_LACK = {
    "TCP over IPv6": "a machine without IPv6",
    "the network of a process outside": "only root may",
    "tracing a process outside": "kernel.yama.ptrace_scope",
    "asynchronous rings": "kernel.io_uring_disabled",
    "a socket to the machine below": "a kernel without vsock",
    "a socket of the kernel's ciphers": "a kernel without AF_ALG",
}
"""Controls that may fail, and where; the wall is then not proven by that control."""

_DRIVER = """
import json, os, sys
from pathlib import Path
from pantheon_git.night import guard, guard_lock, guard_view
from pantheon_git.night.guard_keep import kept
from pantheon_git.repo.git import Git

told = json.loads(sys.argv[1])
if told["guard"]:
    view = kept(Git.discover(Path(told["known"]["REPO"])))
    guard.separate()
    guard_view.enter(view)
    guard.loopback_up()
if told["lock"]:
    guard_lock.lock()
found = {}
for name, code in told["ways"].items():
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            exec(code, {"os": os, **told["known"]})
            os.write(writing, b"worked")
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode()[:400])
        os._exit(0)
    os.close(writing)
    found[name] = os.fdopen(reading).read()
    os.wait()
print(json.dumps(found))
"""


@contextlib.contextmanager
def _outside(world: World) -> Iterator[dict[str, object]]:
    """A person's home, listeners, an agent and a process with a secret, all outside."""
    home, models = world.base / "person", world.base / "models"
    for folder in (home / ".ssh", models):
        folder.mkdir(parents=True, exist_ok=True)
    (home / ".ssh/id_ed25519").write_text("key")
    (home / ".netrc").write_text("machine example.org login a password hunter2\n")
    (home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    (home / ".git-credentials").write_text("https://ada:hunter2@example.org\n")
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        port6 = 9
        with contextlib.suppress(OSError):  # no IPv6 here: the control fails, and may
            six = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
            port6 = six.getsockname()[1]
        abstract, agent = secrets.token_hex(8), home / f"agent-{secrets.token_hex(4)}"
        for address in (f"\0{abstract}", str(agent)):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
        sleeper = subprocess.Popen(["/bin/sleep", "60"], env={"SECRET": "OUTSIDE"}, stdin=subprocess.DEVNULL)
        stack.callback(sleeper.wait)
        stack.callback(sleeper.kill)
        yield {
            "TCP": tcp.getsockname()[1], "UDP": udp.getsockname()[1], "TCP6": port6, "ABSTRACT": abstract,
            "AGENT": str(agent), "HOME": str(home), "PID": sleeper.pid, "REPO": str(world.git.path),
            "MODELS": str(models),
        }  # fmt: skip


def _try(known: dict[str, object], ways: dict[str, str], *, guard: bool, lock: bool) -> dict[str, str]:
    told = json.dumps({"known": known, "ways": ways, "guard": guard, "lock": lock})
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    env |= {"HOME": str(known["HOME"]), "PANTHEON_MODELS": str(known["MODELS"])}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run([sys.executable, "-c", _DRIVER, told], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _judge(before: dict[str, str], after: dict[str, str]) -> None:
    unproven = {name: said for name, said in before.items() if said != "worked" and name not in MAY_LACK}
    assert unproven == {}, "these do not even work outside, so they prove nothing"
    assert {name for name, said in after.items() if said == "worked"} == set()


async def walls(world: World) -> None:
    with _outside(world) as known:
        _judge(
            _try(known, WALLS, guard=False, lock=False),
            _try(known, WALLS, guard=True, lock=False),
        )


async def bolts(world: World) -> None:
    with _outside(world) as known:
        _judge(
            _try(known, BOLTED, guard=True, lock=False),
            _try(known, BOLTED, guard=True, lock=True),
        )


@pytest.mark.parametrize("user", USERS)
def test_nothing_leads_out(user: str) -> None:
    """Network, sockets, credentials, other processes and the checkout: each works outside the guard and not inside,
    also without the seccomp filter and also for root."""
    run(user, __name__, "walls", "bubblewrap", "overlay")


@pytest.mark.parametrize("user", USERS)
def test_the_last_bolt(user: str) -> None:
    """After `lock` neither rings nor sockets beside the namespaced families can be made; before it they could."""
    run(user, __name__, "bolts", "bubblewrap", "overlay")
