"""`doctor --jail`: the probes of the jail's attestation, against a jail such as a night's, in this repository."""

from __future__ import annotations

import os

from pantheon_git.errors import PantheonError
from pantheon_git.jail.attest import Finding, attest
from pantheon_git.jail.protocol import Caps, JailSpec, Level
from pantheon_git.jail.trees import CheckoutStore, remove_tree
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

CAPS = Caps(processes=32, memory_mb=256, file_mb=8)
"""Small ones, so that the probes of limits end soon."""


async def prove(git: Git, level: Level | str) -> list[Finding]:
    """One finding for each probe; the signing keys are among what must not be readable. About five seconds."""
    objects = Objects(git)
    head = objects.resolve("HEAD")
    if head is None:
        raise PantheonError("there is no commit yet, so no checkout to jail", "commit something first")
    state = paths.state_dir(git) / "doctor"  # not where a night sweeps
    job = state / f"job-{os.getpid()}"
    job.mkdir(mode=0o700, parents=True)
    keys = [path for path in (paths.night_key(), paths.person_key()) if path.exists()]
    try:
        spec = JailSpec(CheckoutStore(state).get(objects, head), job, caps=CAPS)
        return await attest(spec, level, secrets=list(dict.fromkeys(keys)))
    finally:
        remove_tree(job)
