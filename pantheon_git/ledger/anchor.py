"""Freshness: a ledger that was rolled back whole is consistent in itself; only what was seen before can tell.

Anchors: the ledger's heads that merges carry in a trailer, a high-water mark that each verifier keeps outside the
repository, and an oid that a person gives.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.key_records import KEYS
from pantheon_git.ledger.layout import FROZEN, META, RUNS
from pantheon_git.ledger.notes import REF
from pantheon_git.ledger.origin import NO_GRAFTS, UNCACHED
from pantheon_git.ledger.verdict import JobVerdict
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git

TRAILER = "Pantheon-Ledger"
_MERGES = 10
"""Merges asked for their trailer, newest first."""
_HEADS = (RUNS, META, KEYS, FROZEN, REF)


def check_anchors(
    git: Git, refs: Mapping[str, str], oid: str | None = None, high_water: Path | None = None
) -> Iterator[JobVerdict]:
    """One verdict for each anchor that the ledger has fallen behind, or a remark when there was no anchor at all."""
    merged = _from_merges(git)
    wrong = [verdict for anchor in ([oid] if oid else []) + merged if (verdict := _behind(git, anchor))]
    seen = read_marks(high_water)
    back = [verdict for ref, mark in sorted(seen.items()) if (verdict := moved_back(git, ref, mark, refs.get(ref)))]
    anew = f"only if it was you who made this repository anew: rm {shlex.quote(str(high_water))}"
    wrong += [replace(verdict, hint=anew) for verdict in back]
    yield from wrong
    if not (oid or merged or seen):
        yield JobVerdict("remark", problem="freshness not proven: no anchor; give one with --at OID")


def _from_merges(git: Git) -> list[str]:
    asked = ("log", f"-{_MERGES}", f"--grep=^{TRAILER}: ", f"--format=%(trailers:key={TRAILER},valueonly)", "HEAD")
    found = git.run(*UNCACHED, *asked, check=False, env=NO_GRAFTS)  # no commit yet: no merge
    return list(dict.fromkeys(found.out.decode("utf-8", "replace").split())) if found.code == 0 else []


def _behind(git: Git, anchor: str) -> JobVerdict | None:
    """Whether no head of the ledger holds the anchor in its history."""
    heads = [ref for ref in _HEADS if ref != REF]
    asked = ("for-each-ref", f"--contains={anchor}", REF, *heads)
    found = git.run(*UNCACHED, *asked, check=False, env=NO_GRAFTS)
    if found.code == 0 and found.out:
        return None
    problem = f"rolled back: it once held {anchor[:40]}, and no head of it does now (or the refs were not fetched)"
    return JobVerdict("tampered", where=REF, oid=anchor, problem=problem)


def moved_back(git: Git, ref: str, mark: str, now: str | None) -> JobVerdict | None:
    """The fault, if `ref` stands before or beside the oid `mark` that it once held."""
    if now == mark:
        return None
    if now is None:
        return JobVerdict("tampered", where=ref, oid=mark, problem="it was here when last verified, and is gone")
    if is_ancestor(git, mark, now):
        return None
    return JobVerdict("tampered", where=ref, oid=now, problem=f"rolled back: it was at {mark} when last verified")


def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Whether the history of `new` holds `old`, or is it."""
    return git.run(*UNCACHED, "merge-base", "--is-ancestor", old, new, check=False, env=NO_GRAFTS).code == 0


def read_marks(path: Path | None) -> dict[str, str]:
    """Ref → oid as last seen; empty where nothing was. PantheonError when the file cannot be read: it is never made
    anew in silence, since that would launder a rollback."""
    if path is None or not path.exists():
        return {}
    try:
        return {str(ref): str(oid) for ref, oid in json.loads(path.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise PantheonError(f"the high-water mark cannot be read: {path}: {error}", f"look, then: rm {path}") from error


def marks_file(git: Git) -> Path:
    """Where this user keeps the marks of this repository."""
    return paths.state_dir(git) / "high-water.json"


def write_marks(path: Path, refs: Mapping[str, str]) -> None:
    """Remember the ledger's heads. Call it only after a verification that found nothing wrong."""
    marks = {ref: oid for ref, oid in sorted(refs.items()) if ref.startswith(_HEADS)}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(marks, file, indent=1)
        file.flush()
        os.fsync(file.fileno())  # an empty file after a power cut would stop every night
    Path(file.name).replace(path)
