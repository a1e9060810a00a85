"""The night as a live service: `python -m tests.service_kit [--engine E]`. systemd runs as process 1 of a machine of
our own (`service_machine.py`), `night install --apply` installs, the timer starts the night, nftables block its user.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.night_kit import BODY, task
from tests.service_machine import HERE, PROGRAM, PYTHON, THERE, Machine, machine, missing

USER, HOME, REPO = "pantheon", "/var/lib/pantheon", "/srv/project"
PORT = 4711
_LISTEN = f"""
import socket, threading
def serve(s):
    while True:
        s.accept()[0].close()
for family, address in ((2, '0.0.0.0'), (10, '::')):
    s = socket.socket(family, 1)
    s.setsockopt(41, 26, 1) if family == 10 else None
    s.bind((address, {PORT})); s.listen(64)
    threading.Thread(target=serve, args=(s,)).start()
"""
_CONNECT = """
import socket, sys
kind, address, port = sys.argv[1:]
try:
    if kind == "udp":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((address, 9)); s.send(b"x")
    else:
        socket.create_connection((address, int(port)), 5).close()
    print("open")
except OSError as error:
    print("closed:", error.strerror or error)
"""


@dataclass
class Live:
    """The machine with the night installed, and what to ask it."""

    machine: Machine
    steps: list[str] = field(default_factory=list)

    def connect(self, user: str, kind: str, address: str) -> str:
        """Whether a program of `user` reaches an address of the two namespaces: "open", or "closed: REASON"."""
        python = f"{PYTHON}/bin/{Path(os.path.realpath(sys._base_executable)).name}"  # type: ignore[attr-defined]
        argv = ("runuser", "-u", user, "--", python, "-I", "-S", "-c", _CONNECT, kind, address, str(PORT))
        return self.machine.run(*argv).strip()

    def status(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.machine.run(PROGRAM, "night", "status", "--json", check=False))
        return said

    def night(self, wait: float = 180) -> dict[str, str]:
        """Wait until the service has run and is over: its properties."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            told = self.machine.run("systemctl", "show", "pantheon-night.service")
            found = dict(line.partition("=")[::2] for line in told.splitlines())
            if found.get("ExecMainExitTimestamp") and found["ActiveState"] in ("inactive", "failed"):
                return found
            time.sleep(0.3)
        raise TimeoutError("the night did not run")

    def ledger(self, *words: str) -> str:
        env = ("env", f"HOME={HOME}")
        return self.machine.run("runuser", "-u", USER, "--", *env, PROGRAM, "-C", f"{HOME}/project.git", *words)

    def journal(self, unit: str = "pantheon-night.service") -> str:
        return self.machine.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)


def installed(found: Machine, engine: str = "control", at: str = "23:00", until: str = "06:00") -> Live:
    """A developer's repository with one task, the cable to a second namespace, and `night install --apply`."""
    live = Live(found)
    _cable(found)
    found.write(f"{REPO}/docs/a.md", BODY.format(name="number 1"))
    found.write(f"{REPO}/.pantheon/queue/t000.toml", task("docs/a.md", flow="doc.frontmatter"))
    git = ("git", "-C", REPO, "-c", "user.name=dev", "-c", "user.email=dev@localhost")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Start")):
        found.run(*git, *words)
    found.run("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", HOME,
              "--shell", "/usr/sbin/nologin", USER)  # fmt: skip
    _models(found, engine)
    options = ("--user", USER, "--at", at, "--until", until, "--repo", REPO, "--program", PROGRAM)
    if engine == "control":  # the one thing that the generated unit is not asked for: which engine
        run = f"ExecStart={PROGRAM} -C {HOME}/project.git run --until {until} --quiet --engine=control"
        found.write("/etc/systemd/system/pantheon-night.service.d/engine.conf", f"[Service]\nExecStart=\n{run}\n")
    said = found.run(PROGRAM, "night", "install", *options, "--apply", "--json")
    live.steps = json.loads(said[said.index("{") :])["steps"]
    return live


def _models(found: Machine, engine: str) -> None:
    """The model that `night install` would fetch: there is no network to fetch it from."""
    store = Path(f"/proc/{found.init}/root{HOME}/models")
    if engine == "control":
        found.write(f"{HOME}/models/none/none", "")
    else:
        ours = Path(os.environ.get("PANTHEON_MODELS") or Path.home() / ".cache/pantheon-git/models")
        shutil.copytree(ours, store)
    found.run("chown", "-R", f"{USER}:{USER}", HOME)
    found.run("chmod", "0750", HOME)


def _cable(found: Machine) -> None:
    """A second network namespace with somebody who listens, and a way there."""
    python = f"{PYTHON}/bin/{Path(os.path.realpath(sys._base_executable)).name}"  # type: ignore[attr-defined]
    options = ("--unit=far", "--property=PrivateNetwork=yes", "--quiet")
    found.run("systemd-run", *options, python, "-I", "-S", "-c", _LISTEN)
    pid = found.run("systemctl", "show", "-P", "MainPID", "far.service").strip()
    far = ("nsenter", "-t", pid, "-n", "ip")
    found.run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "end")
    found.run("ip", "link", "set", "end", "netns", pid)
    for ip, name, address, six in ((("ip",), "cable", HERE, "2001:db8::1"), (far, "end", THERE, "2001:db8::2")):
        found.run(*ip, "address", "add", f"{address}/24", "dev", name)
        found.run(*ip, "address", "add", f"{six}/64", "dev", name, "nodad")
        found.run(*ip, "link", "set", name, "up")


def soon() -> tuple[str, str]:
    """A start within the next two minutes, and an end two hours later, as `--at` and `--until` want them."""
    moment = time.time() + 75
    return time.strftime("%H:%M", time.gmtime(moment)), time.strftime("%H:%M", time.gmtime(moment + 7200))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--engine", default="control")
    chosen = options.parse_args()
    if why := missing():
        sys.exit(f"cannot be shown here: {why}")
    with machine() as found:
        found.run("ln", "-sf", "/usr/share/zoneinfo/UTC", "/etc/localtime")
        live = installed(found, chosen.engine, *soon())
        told = [f"installed: {len(live.steps)} steps"]
        for kind, address in (("tcp", THERE), ("tcp", "2001:db8::2"), ("udp", THERE), ("tcp", HERE)):
            by = {user: live.connect(user, kind, address) for user in (USER, "nobody")}
            told.append(f"{kind} to {address}: {by}")
        told.append(found.run("systemctl", "list-timers", "--no-pager", "pantheon-night.timer").splitlines()[1])
        print("\n".join(told), flush=True)  # noqa: T201 - a command of its own
        ended = live.night(300)
        print(f"started by {ended.get('TriggeredBy')}, {ended['Result']}, exit {ended['ExecMainStatus']}")  # noqa: T201
        print(live.journal(), live.status(), live.ledger("verify"), sep="\n")  # noqa: T201
        print(found.run("systemd-analyze", "security", "--no-pager", "pantheon-night.service").splitlines()[-1])  # noqa: T201


if __name__ == "__main__":
    main()
