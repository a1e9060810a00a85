"""Showing that a jail holds: each probe succeeds outside, else it proves nothing, and fails inside.

Three trials run side by side: all probes outside, all probes in a jail of the very kind that jobs get, and, in a second
one with small limits, those that use up a whole job's memory or disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pantheon_git.errors import JailError
from pantheon_git.jail.layout import LIBRARY, package_root, python
from pantheon_git.jail.open import OpenJail, open_jail
from pantheon_git.jail.outside import outside
from pantheon_git.jail.probe import Probe
from pantheon_git.jail.probes import GREEDY, PROBES
from pantheon_git.jail.protocol import Caps, JailSpec, Level, Share
from pantheon_git.jail.removal import remove_tree
from pantheon_git.jail.start import own
from pantheon_git.jail.trial import NOT_STARTED

Verdict = Literal["held", "escaped", "not provable here"]
Ending = tuple[int, str]
SMALL = Caps(wall_seconds=30, memory_mb=128, disk_mb=24, file_mb=16, processes=32)
"""For the greedy ones, so that neither the jail nor the control has to use up much."""
_SECONDS, _WIDTH = 10.0, 6
_PATH = re.compile(r"(?<=.): '/.*'$")
"""Where a file lies on this machine is nothing that everybody who has the ledger has to know."""
_PROGRAM = "import sys; sys.path.append(%r); from pantheon_git.jail.trial import main; main()"


@dataclass(frozen=True)
class Finding:
    """What one probe found. `outside` and `inside` are the last lines that it said there."""

    area: str
    name: str
    verdict: Verdict
    outside: str
    inside: str


async def attest(
    spec: JailSpec,
    level: Level | str,
    *,
    secrets: Mapping[str, Path] | None = None,
    git_dir: Path | None = None,
    older: str = "",
    words: Mapping[str, str] | None = None,
    probes: Sequence[Probe] = PROBES,
    greedy: Sequence[Probe] = GREEDY,
) -> list[Finding]:
    """Try every probe against a jail of `spec`; `secrets` are files (keys, credentials) that must not be readable, by
    what they are; `git_dir` is the real repository and `older` a commit that a job must not reach; `words` are more for
    probes' arguments.

    The jail's folder is used up by this. Raises JailError when there is no such jail.
    """
    probes = [*probes, *(_secret(name, path) for name, path in (secrets or {}).items())]
    with outside(spec, git_dir, older) as (known, lent):
        known |= words or {}
        small = replace(spec, job_dir=Path(tempfile.mkdtemp(prefix="greedy-", dir=spec.job_dir.parent)), caps=SMALL)
        try:
            controls, inside, controls_greedy, inside_greedy, linked = await asyncio.gather(
                _controls(probes, known, lent),
                _within(spec, level, probes, known),
                _controls(greedy, known | _limits(SMALL), lent),
                _greedily(small, level, greedy, known | _limits(SMALL)),
                _through_a_link(small, level, Path(known["secret"]).parent),
            )
        finally:
            remove_tree(small.job_dir)
    return [
        *(_judge(*one) for one in zip(probes, controls, inside, strict=True)),
        *(_judge(*one) for one in zip(greedy, controls_greedy, inside_greedy, strict=True)),
        linked,
    ]


def _limits(caps: Caps) -> dict[str, str]:
    return {name: str(getattr(caps, name)) for name in ("processes", "memory_mb", "file_mb", "disk_mb")}


def _secret(name: str, path: Path) -> Probe:
    return Probe("secrets", f"read {name}", "import sys; open(sys.argv[1], 'rb').read(1)", (str(path),))


def _judge(probe: Probe, control: Ending, inside: Ending) -> Finding:
    """A probe whose control failed is no proof, but one that got through is an escape all the same."""
    shown = control[0] == 0 and inside[0] != NOT_STARTED
    verdict: Verdict = "escaped" if inside[0] == 0 else "held" if shown else "not provable here"
    said = control[1] or ("succeeded" if control[0] == 0 else f"exit code {control[0]}")
    if inside[0] == NOT_STARTED:
        said = f"in the jail {inside[1]}"
    elif verdict == "not provable here" and probe.control_needs_root and os.geteuid():
        said = f"needs root: {said}"
    met = _PATH.sub("", inside[1]) or ("succeeded" if inside[0] == 0 else "ended")
    return Finding(probe.area, probe.name, verdict, _PATH.sub("", said), met)


def _as_control(probe: Probe) -> Probe:
    if probe.harm:
        return replace(probe, code=f"import sys; sys.exit({probe.harm!r})", then="")
    return replace(probe, code=probe.control, then="") if probe.control else probe


def _told(probes: Sequence[Probe], known: dict[str, str], width: int) -> list[str]:
    """Both rounds as `trial.py` wants them: what all do, and what those with a second program do after."""
    rounds = []
    for code in ("code", "then"):
        rows = [
            {
                "code": getattr(probe, code) or "import sys; sys.exit('nothing to do')",
                "arguments": [argument.format_map(known) for argument in probe.arguments],
                "alone": probe.alone,
                "seconds": _SECONDS,
            }
            for probe in probes
            if code == "code" or probe.then
        ]
        rounds.append(json.dumps({"width": width, "probes": rows}))
    return rounds


def _merged(probes: Sequence[Probe], first: list[Any], second: list[Any]) -> list[Ending]:
    later = iter(second)
    pairs = [next(later) if probe.then else one for probe, one in zip(probes, first, strict=True)]
    return [(int(code), str(said)) for code, said in pairs]


async def _controls(probes: Sequence[Probe], known: dict[str, str], lent: int) -> list[Ending]:
    """Outside, in a folder of their own. The descriptor `lent` is inherited, and stands for any that might be."""
    answers = []
    probes = [_as_control(probe) for probe in probes]
    with tempfile.TemporaryDirectory(prefix="control-") as folder:
        for told in _told(probes, known, _WIDTH):
            process = await asyncio.create_subprocess_exec(
                *(python(), "-I", "-S", "-B", "-c", _PROGRAM % str(package_root().parent), told),
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # should this night end before it does, it has nobody to tell
                env=_environment(known),
                pass_fds=[lent],
                start_new_session=True,
            )
            answers.append(json.loads((await process.communicate())[0]))
    return _merged(probes, answers[0], answers[1])


def _environment(known: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "PROBE_MARK": known["mark"]}


async def _within(spec: JailSpec, level: Level | str, probes: Sequence[Probe], known: dict[str, str]) -> list[Ending]:
    width = _WIDTH if spec.caps.processes >= 4 * _WIDTH else 1
    async with await open_jail(spec, level) as jail:
        first, second = [await _in_jail(jail, told) for told in _told(probes, known | _limits(spec.caps), width)]
    return _merged(probes, first, second)


async def _in_jail(jail: OpenJail, told: str) -> list[Any]:
    answer = await jail.exec([python(), "-I", "-S", "-B", "-c", _PROGRAM % LIBRARY, told], 6 * _SECONDS)
    try:
        found = json.loads(answer.stdout)
    except ValueError:
        said = answer.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise JailError(f"the probes did not run in the jail: {said or answer.code}", "pantheon-git doctor") from None
    assert isinstance(found, list)  # noqa: S101 -- our own program's answer
    return found


async def _greedily(spec: JailSpec, level: Level | str, probes: Sequence[Probe], known: dict[str, str]) -> list[Ending]:
    """Each in a jail of its own: the watchdog ends a jail whole."""
    few = asyncio.Semaphore(_WIDTH)

    async def one(probe: Probe) -> Ending:
        async with few:
            return await _one_greedy(spec, level, probe, known)

    return list(await asyncio.gather(*(one(probe) for probe in probes)))


async def _one_greedy(spec: JailSpec, level: Level | str, probe: Probe, known: dict[str, str]) -> Ending:
    own = replace(spec, job_dir=Path(tempfile.mkdtemp(prefix="one-", dir=spec.job_dir)))
    async with await open_jail(own, level) as jail:
        try:
            ended = (await _in_jail(jail, _told([probe], known, 1)[0]))[0]
        except JailError as error:  # the jail was ended whole, which is an answer too
            return 1, error.message
    return int(ended[0]), str(ended[1])


async def _through_a_link(spec: JailSpec, level: Level | str, outside: Path) -> Finding:
    """A base commit that has a link where a shared folder is to go. Outside, the link is followed."""
    checkout, share, job_dir = (spec.job_dir / name for name in ("linked", "share", "linked-job"))
    for folder in (checkout, share, job_dir):
        folder.mkdir(mode=0o755)
        own(folder)
    (checkout / "share").symlink_to(outside)
    name, followed = "mount a shared folder beyond a link", (checkout / "share/secret").exists()
    try:
        async with await open_jail(JailSpec(checkout, job_dir, [Share(share, "share")], spec.caps), level):
            return Finding("files", name, "escaped", "succeeded", "the jail was opened")
    except JailError as error:
        met = "the jail was refused" if "is a link" in error.message else error.message
        verdict: Verdict = "held" if followed and "is a link" in error.message else "not provable here"
        return Finding("files", name, verdict, "succeeded" if followed else met, met)
