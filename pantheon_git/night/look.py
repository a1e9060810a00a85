"""A jail such as a job of this repository would get at HEAD, for whoever wants to look around in it: `jail exec`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pantheon_git.errors import JailError, PantheonError
from pantheon_git.jail import streams
from pantheon_git.jail.open import open_jail
from pantheon_git.jail.protocol import Caps, JailSpec, Level
from pantheon_git.jail.trees import LOOK, CheckoutStore, locked_folder, sweep_locked
from pantheon_git.night.plan import read_policy
from pantheon_git.night.prepare import shares_of
from pantheon_git.night.room import caps_of
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git, require_supported
from pantheon_git.repo.objects import Objects

TIMED_OUT, NO_JAIL, KILLED = 124, 125, 137
"""Exit codes as `timeout` and `env` have them; 137 is a jail that was killed for what it used."""


@dataclass(frozen=True)
class Looked:
    """What came of one program in a jail."""

    code: int
    """As a shell would say it: 128 + N for signal N, 124 when the time was up."""
    base: str
    level: str
    tree: str
    memory: str
    seconds: float
    timed_out: bool
    killed: str
    """Why the whole jail was ended: too much memory, too much disk; else empty."""
    left_out: int
    """Bytes of output above the limit."""


@contextlib.contextmanager
def job_spec(git: Git) -> Iterator[tuple[JailSpec, str]]:
    """The jail that a job of HEAD's commit gets, and that commit: its checkout, the policy's limits and shares.

    PantheonError without a commit, for a broken policy, or for a share that is none.
    """
    require_supported(git)
    objects = Objects(git)
    base = objects.resolve("HEAD")
    if base is None:
        raise PantheonError("there is no commit yet, so there is no tree to jail", "commit something first")
    policy, _ = read_policy(objects, objects.commit(base).tree)
    state = paths.state_dir(git)
    shares = shares_of(policy, git.work_tree)
    place = state / LOOK
    sweep_locked(place.iterdir() if place.is_dir() else ())
    with locked_folder(place, "job-") as folder:
        job = folder / "job"
        job.mkdir(mode=0o700)
        checkout = CheckoutStore(state).get(objects, base)
        yield JailSpec(checkout, job, shares, caps_of(policy, policy.ceilings.wall_seconds)), base


def look(git: Git, level: Level | str, argv: Sequence[str], timeout: float | None, into: Sinks | None) -> Looked:
    """Run a program on this process's own streams, or on `into`. Interrupts and a closed stdout end the whole tree."""
    return asyncio.run(_look(git, level, argv, timeout, into))


@dataclass(frozen=True)
class Sinks:
    out: streams.Sink
    err: streams.Sink


async def _look(git: Git, level: Level | str, argv: Sequence[str], timeout: float | None, into: Sinks | None) -> Looked:
    with job_spec(git) as (spec, base):
        limit = spec.caps.wall_seconds - 30
        seconds = min(limit, timeout or limit)
        with _ended_by_signals() as (stop, cancel):
            try:
                return await _run(spec, base, level, argv, seconds, into, cancel)
            except asyncio.CancelledError:
                if not stop:
                    raise
                return Looked(128 + stop[0], base, str(level), "", "", 0.0, False, "", 0)


async def _run(
    spec: JailSpec,
    base: str,
    level: Level | str,
    argv: Sequence[str],
    seconds: float,
    into: Sinks | None,
    cancel: Callable[[int], None],
) -> Looked:
    loop = asyncio.get_running_loop()

    def broken() -> None:
        loop.call_soon_threadsafe(cancel, signal.SIGPIPE)

    def interrupted() -> None:
        loop.call_soon_threadsafe(cancel, signal.SIGINT)

    with _streams(spec.caps, into, broken, interrupted) as carried:
        jail = await open_jail(spec, level, streams=carried.theirs)
        carried.close_theirs()
        code, took, timed_out, killed = KILLED, 0.0, False, ""
        async with jail:
            try:
                ended = await jail.attach(argv, seconds, _environment(into))
                code, took, timed_out = ended.code, ended.seconds, ended.timed_out
            except JailError as error:
                killed = error.message
        await asyncio.to_thread(carried.drain)
    code = TIMED_OUT if timed_out else 128 - code if code < 0 else code
    return Looked(code, base, jail.level, jail.tree, jail.memory, took, timed_out, killed, carried.left_out)


def _streams(
    caps: Caps, into: Sinks | None, broken: Callable[[], None], interrupted: Callable[[], None]
) -> contextlib.AbstractContextManager[streams.Streams]:
    if into is None and _on_terminal():
        return streams.terminal(broken, interrupted)
    out, err = (into.out, into.err) if into else (streams.to_descriptor(1), streams.to_descriptor(2))
    return streams.piped(out, err, caps.output_kb * 1024, broken)


def _on_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and os.isatty(1)


def _environment(into: Sinks | None) -> dict[str, str]:
    return {"TERM": os.environ.get("TERM", "dumb")} if into is None and _on_terminal() else {}


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[tuple[list[int], Callable[[int], None]]]:
    """Signals that end a program end the task instead, and with it the jail; the first of them is kept."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    stop: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

    def cancel(number: int) -> None:
        if not stop and task is not None:
            stop.append(number)
            task.cancel()

    for number in signals:
        loop.add_signal_handler(number, cancel, number)
    try:
        yield stop, cancel
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
