"""Which files need a specialist, by the conditions of its manifest (`[queue.find]`); none is known by name here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.day.queue import filled, meant_for
from pantheon_git.spec.agent import Agent, Find
from pantheon_git.spec.globs import Globs, escape

MAX_BYTES = 256 * 1024
"""Of one file that are looked at."""
_FLAGS = re.IGNORECASE | re.MULTILINE


@dataclass(frozen=True)
class Finding:
    """One file that needs one specialist."""

    agent: str
    path: str
    text: str
    """Its beginning, for the comparison with others."""


def needing(
    agent: Agent, paths: Iterable[str], tracked: Collection[str], root: Path, asked: bool = False
) -> Iterator[Finding]:
    """Those of the paths that the agent is meant for and that need it. `tracked`: all files of the repository; `asked`:
    a person asks for it, so it need not be usual here."""
    find = agent.queue.find
    if find is None:
        return
    if find.usual and not asked and not _usual(find, meant_for(tracked, agent.name, agent.queue), root):
        return
    there = (*find.unless, *(agent.queue.scope if find.new else ()))
    for path in meant_for(paths, agent.name, agent.queue):
        text = read(root / path)
        if text is not None and _needs(find, path, text) and not _exists(there, path, tracked):
            yield Finding(agent.name, path, text)


def _usual(find: Find, paths: Iterable[str], root: Path) -> bool:
    """Whether the repository has, somewhere, what is looked for."""
    texts = ((path, read(root / path)) for path in paths)
    return any(text and text.strip() and not _needs(find, path, text) for path, text in texts)


def read(file: Path) -> str | None:
    """The beginning of a regular file of text; None for anything else."""
    if file.is_symlink() or not file.is_file():
        return None
    with file.open("rb") as source:
        data = source.read(MAX_BYTES)
    return None if b"\0" in data else data.decode("utf-8", "replace")


def _needs(find: Find, path: str, text: str) -> bool:
    if not text.strip():
        return False
    if find.lacks is not None and re.search(find.lacks, text, _FLAGS):
        return False
    if find.has is not None and not re.search(find.has, text, _FLAGS):
        return False
    return find.name is None or not re.search(find.name, path, re.MULTILINE)


def _exists(there: Iterable[str], path: str, tracked: Collection[str]) -> bool:
    """Whether one of the files is there already."""
    globs = Globs(filled(text, path, escape) for text in there)
    return any(literal in tracked for literal in globs.literals) or (
        globs.has_wild and any(True for _ in globs.select(tracked))
    )


def by_agent(agents: Mapping[str, Agent]) -> dict[str, Agent]:
    """The specialists whose manifest says how their work is found."""
    return {name: agent for name, agent in agents.items() if agent.kind == "specialist" and agent.queue.find}
