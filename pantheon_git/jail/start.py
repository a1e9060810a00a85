"""Starting a jail's process from the runner: pipes, plan, and the end of the whole tree."""

from __future__ import annotations

import contextlib
import json
import marshal
import os
import select
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pantheon_git.errors import JailError
from pantheon_git.jail.layout import jail_uid, plan
from pantheon_git.jail.memory import MemoryGroup
from pantheon_git.jail.protocol import JailSpec, Level
from pantheon_git.jail.spawn import spawn

Tree = Literal["overlay", "copy"]


@dataclass
class Started:
    """A running jail as the operating system sees it. All descriptors are the runner's ends."""

    pid: int
    """Of the launcher, a child of this process."""
    requests: int
    answers: int
    log: int
    info: int
    init: int = -1
    """pidfd of the jail's process 1, once known: it becomes readable when every process of the jail is dead."""
    code: int | None = None
    """The launcher's exit code, once it was waited for."""
    cpu_seconds: float = 0.0

    def read_init(self, timeout: float) -> bool:
        """Learn process 1 from the launcher's report, within `timeout` seconds. False: there is none."""
        if self.init < 0 and select.select([self.info], [], [], timeout)[0]:
            try:
                self.init = os.pidfd_open(json.loads(os.read(self.info, 4096))["child-pid"])
            except (ProcessLookupError, ValueError, KeyError):
                return False
        return self.init >= 0

    def kill(self) -> None:
        """End the jail: killing process 1 kills its pid namespace; without one, kill the launcher."""
        if self.code is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if self.read_init(0):
                signal.pidfd_send_signal(self.init, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait until all of the jail is dead and take its CPU time. Returns the launcher's exit code. Blocks."""
        if self.init >= 0:
            select.select([self.init], [], [])
        if self.code is None:
            _, status, usage = os.wait4(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
        return self.code

    def take(self, name: str) -> int:
        """Hand a descriptor over: who takes it closes it."""
        descriptor: int = getattr(self, name)
        setattr(self, name, -1)
        return descriptor

    def release(self) -> None:
        for name in ("requests", "answers", "log", "info", "init"):
            descriptor = getattr(self, name)
            if descriptor >= 0:
                os.close(descriptor)
            setattr(self, name, -1)


def prepare_job_dir(job_dir: Path) -> None:
    """Upper and work folder of the overlay, owned, as their parent, by the user that the jail runs as."""
    own(job_dir)
    for name in ("upper", "work"):
        (job_dir / name).mkdir(mode=0o755, exist_ok=True)
        own(job_dir / name)


def own(path: Path) -> None:
    uid = jail_uid()
    if uid is not None:
        os.chown(path, uid, uid, follow_symlinks=False)


def bubblewrap() -> str:
    """Path of the program, or an empty string."""
    return shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin") or ""


def start(
    spec: JailSpec,
    level: Level,
    tree: Tree,
    *,
    argv: Sequence[str] | None = None,
    group: MemoryGroup | None = None,
    streams: Sequence[int] = (),
) -> Started:
    """Start the launcher with its plan. `argv` replaces the tool host, for probes; `streams` are three descriptors for
    the host's `attach`, which stay the caller's to close. Raises JailError when the machine lacks what the level needs;
    what fails later is in the log pipe."""
    bwrap = bubblewrap()
    if level == "bubblewrap" and not bwrap:
        raise JailError("the jail level bubblewrap needs the program bwrap", "apt install bubblewrap")
    ours, theirs = _pipes()
    with contextlib.ExitStack() as on_failure:
        for descriptor in ours.values():
            on_failure.callback(os.close, descriptor)
        try:
            told = plan(spec, level, tree, bwrap, argv, attached=bool(streams))
            pid = spawn([*(theirs[name] for name in ("log", "requests", "answers", "info", "plan")), *streams])
        finally:
            for descriptor in theirs.values():
                os.close(descriptor)
        on_failure.pop_all()
    told["group"] = str(group.path / "cgroup.procs") if group is not None else ""
    with contextlib.suppress(BrokenPipeError), os.fdopen(ours.pop("plan"), "wb") as pipe:  # its log will say why
        pipe.write(marshal.dumps(told))
    return Started(pid, **ours)


def _pipes() -> tuple[dict[str, int], dict[str, int]]:
    """The runner's and the jail's ends of each pipe."""
    ours: dict[str, int] = {}
    theirs: dict[str, int] = {}
    try:
        for name in ("plan", "requests"):
            theirs[name], ours[name] = os.pipe()
        for name in ("answers", "log", "info"):
            ours[name], theirs[name] = os.pipe()
    except OSError as error:
        for descriptor in (*ours.values(), *theirs.values()):
            os.close(descriptor)
        raise JailError(f"no pipes for a jail: {error.strerror}", "ulimit -n 4096, or fewer --jobs") from error
    return ours, theirs
