"""The containment certificate: before a night, every probe against the very jail that its jobs will get.

The result goes into the night's signed opening (`info.certificate`). One probe that works inside ends the night
before its first job. A probe whose control cannot succeed on this machine proves nothing: it is signed as such.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon_git.errors import JailError
from pantheon_git.jail.attest import Finding, attest
from pantheon_git.jail.protocol import JailSpec, Level
from pantheon_git.jail.shares import share_digest
from pantheon_git.jail.trees import LOOK, locked_folder
from pantheon_git.night.plan import Plan
from pantheon_git.night.prepare import shares
from pantheon_git.night.room import caps_of
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

UNCOVERED = (
    "a defect in the kernel that an unprivileged process may reach",
    "the time and the load that a job takes from others",
    "what a job learns from /usr, /proc/cpuinfo and the machine's clock",
    "a document or a test that deceives the model or the person",
    "disk, and memory where control groups are not writable: watched several times a second, not at each step",
)
"""What no probe shows, in words for the person."""
_HOME = (
    *(".ssh/id_ed25519", ".ssh/id_rsa", ".ssh/id_ecdsa", ".ssh/config", ".ssh/known_hosts", ".gitconfig", ".netrc"),
    *(".git-credentials", ".config/git/credentials", ".config/gh/hosts.yml", ".aws/credentials", ".npmrc", ".pypirc"),
    *(".docker/config.json", ".kube/config", ".bash_history"),
)


@dataclass(frozen=True)
class Certificate:
    level: str
    findings: Sequence[Finding]
    shares: dict[str, str]
    """Digest of each folder that jobs share (`share_digest`), by its place in their tree."""
    seconds: float

    def of(self, verdict: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict == verdict]

    def record(self) -> dict[str, Any]:
        """As it is signed. Every probe is there, by area, with what it came to inside."""
        return {
            "made": True,
            "level": self.level,
            "seconds": round(self.seconds, 3),
            "held": len(self.of("held")),
            "escaped": [finding.name for finding in self.of("escaped")],
            "not_provable": {finding.name: finding.outside for finding in self.of("not provable here")},
            "probes": [[f.area, f.name, f.verdict, f.inside] for f in self.findings],
            "not_covered": list(UNCOVERED),
            "shares": self.shares,
        }


NOT_MADE: dict[str, Any] = {"made": False, "why": "this was a night of a test or a benchmark, without the guard"}


async def certified(git: Git, objects: Objects, plan: Plan, checkout: Path, level: Level | str) -> dict[str, Any]:
    """The certificate of a plan's jails, for the night's record. JailError when a probe got out."""
    caps = caps_of(plan.policy, plan.policy.ceilings.wall_seconds)
    spec = JailSpec(checkout, checkout.parent, shares(plan, git.work_tree), caps)
    made = await certify(git, objects, plan.base, spec, level)
    require_held(made)
    return made.record()


async def certify(git: Git, objects: Objects, base: str, spec: JailSpec, level: Level | str) -> Certificate:
    """Try every probe in jails of `spec` (whose own job folder is not used). Does not judge: see `require_held`."""
    started = time.monotonic()
    parents = objects.commit(base).parents
    with locked_folder(paths.state_dir(git) / LOOK, "proof-") as folder:
        job = folder / "job"
        job.mkdir(mode=0o700)
        own = JailSpec(spec.checkout, job, spec.shares, spec.caps)
        findings = await attest(
            own,
            level,
            secrets=secrets(git),
            git_dir=git.common_dir,
            older=parents[0] if parents and objects.has(parents[0]) else "",
        )
    digests = {share.dest: share_digest(share.source) for share in spec.shares}
    return Certificate(str(level), findings, digests, time.monotonic() - started)


def describe_certificate(record: Mapping[str, Any]) -> str:
    """One line, of what was signed."""
    if record.get("made") is not True:
        return f"NO CERTIFICATE OF THE JAIL: {record.get('why', 'the night does not say that it made one')}"
    unproven, escaped = record["not_provable"], record["escaped"]
    told = f"{record['held']} of {len(record['probes'])} ways out work outside the jail and not inside"
    told += f", {len(unproven)} not provable here" if unproven else ""
    told += f"; ESCAPED: {', '.join(escaped)}" if escaped else ""
    return f"jail {record['level']}: {told}"


def require_held(certificate: Certificate) -> None:
    """JailError when a probe got out."""
    if escaped := certificate.of("escaped"):
        told = "; ".join(f"{finding.area}: {finding.name} ({finding.inside})" for finding in escaped)
        raise JailError(
            f"the jail does not hold, so nothing runs: works inside it too: {told}", "pantheon-git doctor --jail"
        )


def secrets(git: Git) -> dict[str, Path]:
    """Files that no job may read, as far as this process sees them, by what they are: keys, trust, a person's
    credentials, `.env` files, the repository's own configuration."""
    wanted = {f"~/{name}": Path.home() / name for name in _HOME}
    wanted |= {f"the key {path.name}": path for path in sorted(paths.keys_dir().glob("*"))}
    wanted |= {"the trusted keys": paths.trust_file(), "the repository's config": git.common_dir / "config"}
    if git.work_tree is not None:
        wanted |= {f"{path.name} of the checkout": path for path in sorted(git.work_tree.glob(".env*"))}
    return {name: path for name, path in wanted.items() if path.is_file()}
