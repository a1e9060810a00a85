"""What the guard really is, looked at from inside, by the process that will run the night."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.night import guard_env, guard_view

_SIOCGIFFLAGS, _IFF_UP = 0x8913, 1


@dataclass(frozen=True)
class Facts:
    """Of this process, now."""

    interfaces: tuple[str, ...]
    """Network interfaces that are up."""
    routes: int
    """Ways out, over both families; those of the loopback interface aside."""
    environment: tuple[str, ...]
    """Names, no values."""
    left_out: int
    """Names that the guard did not take over."""
    hidden: tuple[str, ...]
    """Folders of the usual list that are empty for this process."""
    home: str
    """`fresh`, or `the person's`."""
    user_namespace: bool
    """Whether this is another user namespace than the machine's."""

    def as_info(self) -> dict[str, Any]:
        """For the night's signed opening."""
        return {"held": not self.faults(), **{name: _plain(value) for name, value in asdict(self).items()}}

    def faults(self) -> list[str]:
        """Why this is no night guard, in words."""
        extra = sorted(set(self.environment) - {*guard_env.KEPT, guard_env.MARK})
        return [
            *([f"interfaces {', '.join(self.interfaces)} are up"] if set(self.interfaces) - {"lo"} else []),
            *([f"{self.routes} routes lead out"] if self.routes else []),
            *([f"variables {', '.join(extra)} are set"] if extra else []),
            *(["the home folder is the person's"] if self.home != "fresh" else []),
        ]


def observe() -> Facts:
    """Look at interfaces, routes, environment and mounts of this process."""
    hidden = guard_view.hidden_now()
    home = os.path.realpath(Path.home())
    return Facts(
        interfaces=tuple(sorted(name for _, name in socket.if_nameindex() if _up(name))),
        routes=_routes(),
        environment=tuple(sorted(os.environ)),
        left_out=int(os.environ.get(guard_env.MARK, "0") or 0),
        hidden=tuple(path for path in hidden if path in guard_view.HIDDEN),
        home="fresh" if home in hidden else "the person's",
        user_namespace=Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"],
    )


def require() -> Facts:
    """The facts, where they are those of a guard; else PantheonError: a variable alone does not make one."""
    facts = observe()
    if faults := facts.faults():
        raise PantheonError(
            f"this process is not inside the night guard, although {guard_env.MARK} is set: {'; '.join(faults)}",
            f"unset {guard_env.MARK}; pantheon-git run",
        )
    return facts


def _up(name: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control.fileno(), _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()[:15]))
    return bool(struct.unpack_from("H", answer, 16)[0] & _IFF_UP)


def _routes() -> int:
    """Lines of the kernel's tables (proc(5)) whose interface, the first or the last field, is not loopback."""
    four = [line.split()[0] for line in _lines("/proc/net/route")[1:]]
    six = [line.split()[-1] for line in _lines("/proc/net/ipv6_route")]
    return sum(name != "lo" for name in (*four, *six))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except FileNotFoundError:  # no IPv6 in this kernel
        return []


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
