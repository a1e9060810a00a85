"""The report's word on whether its records are what was signed."""

from __future__ import annotations

from dataclasses import replace

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.anchor import marks_file
from pantheon_git.ledger.trust import NIGHT, PERSON, TrustedKeys
from pantheon_git.ledger.verify import summarise, verify
from pantheon_git.morning.metrics import Report
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects


def verified(git: Git, objects: Objects, report: Report) -> Report:
    """The report with the verdict on its night. Where nothing can be verified (no trusted key here) it says so."""
    try:
        keys = TrustedKeys.load(paths.trust_file())
    except PantheonError as error:
        return replace(report, verified=f"not verified: {error.message}")
    found = verify(git, keys, night=report.night, high_water=marks_file(git), objects=objects)
    summary = summarise(found)
    if summary.first is None:
        return replace(report, good=True, verified=f"verified, {summary.jobs} jobs", one_key=_one_key(keys))
    if summary.first.kind == "tampered":
        return replace(report, good=False, verified=str(summary.first))
    return replace(report, verified=f"not verified: {summary.first}", one_key=_one_key(keys))


def _one_key(keys: TrustedKeys) -> bool:
    """Whether every key that may sign nights may sign reviews too: nobody but the signer has looked, then."""
    nights, persons = (
        {entry.key.key_id for entry in keys.entries if role in entry.principals} for role in (NIGHT, PERSON)
    )
    return bool(nights) and nights <= persons
