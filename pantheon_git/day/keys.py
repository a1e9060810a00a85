"""What front matter a repository has and what the queued documents lack: totals by key, said when tasks are made."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from pantheon_git.night import matter, schema
from pantheon_git.repo.git import Git
from pantheon_git.tools.frontmatter.schema import FIELDS, schema_of

SHOWN = 12
"""Keys that are named."""


def totals(git: Git, root: Path, paths: Collection[str]) -> list[str]:
    """One line on the tracked documents' keys and one on what those of `paths` lack of their folder's schema."""
    listed = (os.fsdecode(path) for path in git.run("-C", str(root), "ls-files", "-z").out.split(b"\0") if path)
    documents = [path for path in listed if path.lower().endswith(matter.SUFFIXES) and _is_file(root / path)]
    read = {path: found for path in documents if (found := matter.read(_head(root / path))) is not None}
    schemas, where = schema.learn(read, paths)
    lacks: Counter[str] = Counter()
    for path in paths:
        params = {"schemas": schemas, "documents": {path: {"schema": where[path]}} if path in where else {}}
        held = schema_of(params, path)
        wanted = [key for key in FIELDS if key not in held.unused] + list(held.fill)
        lacks.update(key for key in wanted if path not in read or key not in read[path].keys)
    have = _said(schema.totals(read))
    lines = [f"{len(read)} of {len(documents)} documents have front matter: {have}"] if read else []
    return [*lines, f"the {len(paths)} queued lack: {_said(dict(lacks.most_common())) or 'no key'}"]


def _said(counts: dict[str, int]) -> str:
    shown = [f"{key} {number}" for key, number in list(counts.items())[:SHOWN]]
    return ", ".join(shown) + (f" and {len(counts) - SHOWN} other keys" if len(counts) > SHOWN else "")


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(matter.HEAD)
