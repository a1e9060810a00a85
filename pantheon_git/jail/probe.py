"""What a probe is, and the programs that several of them share."""

from __future__ import annotations

from dataclasses import dataclass

CONNECT = "import socket, sys\nsocket.socket({}, 1).connect({})"
_CALL = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
number = dict(zip(("x86_64", "aarch64"), ({numbers})))[os.uname().machine]
buffer = ctypes.create_string_buffer(4096)
{setup}
sys.exit(0 if libc.syscall(number, {arguments}) >= 0 else os.strerror(ctypes.get_errno()))
"""

OWN = "libc.unshare(0x54020000)"
"""User, mount, network and name namespaces, so that outside an ordinary user succeeds, too, and touches nothing of the
machine's. Inside it is refused, and what follows is tried all the same."""
ALSO_OWN = f"import ctypes, socket; libc = ctypes.CDLL(None); {OWN}\n"
PRIVATE_MOUNTS = f"{OWN}; libc.mount(b'none', b'/', None, 0x44000, None)"


ALTERNATES = """
import os, subprocess, sys
git_dir, older = sys.argv[1:]
if not older: sys.exit("the repository has no older commit")
env = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "GIT_CONFIG_NOSYSTEM": "1"}
subprocess.run(["git", "init", "-q", "x"], check=True, env=env)
open("x/.git/objects/info/alternates", "w").write(git_dir + "/objects\\n")
sys.exit(subprocess.run(["git", "-C", "x", "cat-file", "-e", older], env=env).returncode)
"""

SEGMENT = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
made = libc.shmget(0, 4096, 0o1600)
if made < 0: sys.exit(os.strerror(ctypes.get_errno()))
libc.shmctl(made, 0, None)
"""


def call(numbers: str, arguments: str, setup: str = "") -> str:
    return _CALL.format(numbers=numbers, arguments=arguments, setup=setup)


@dataclass(frozen=True)
class Probe:
    area: str
    name: str
    code: str
    arguments: tuple[str, ...] = ()
    then: str = ""
    """A second program, run after the first has ended, whose ending counts instead."""
    control_needs_root: bool = False
    """Outside, too, only root succeeds."""
    control: str = ""
    """Another program that shows outside that the way exists, where the probe itself cannot."""
    harm: str = ""
    """Why nothing at all is tried outside; then nothing is proved, and an escape is one all the same."""
    alone: bool = False
    """Not beside others: it takes what they need."""
