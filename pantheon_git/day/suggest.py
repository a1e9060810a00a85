"""Repetitive work of a repository that specialists could do, ranked by what would come of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pantheon_git.day.clusters import clusters
from pantheon_git.day.findings import Finding, by_agent, needing
from pantheon_git.day.intents import Roster
from pantheon_git.day.queue import already_queued
from pantheon_git.day.success import Record, Success
from pantheon_git.day.wish import Wish
from pantheon_git.spec.agent import Agent


@dataclass(frozen=True)
class Suggestion:
    """Files that are alike and need one specialist."""

    agent: Agent
    what: str
    """In words, with the folder that they share."""
    paths: tuple[str, ...]
    """The most typical one first."""
    success: Success

    @property
    def worth(self) -> float:
        """Tasks that would come through: repetition times the specialist's measured chance."""
        return len(self.paths) * self.success.chance


def suggest(
    roster: Roster, record: Record, within: Collection[str] | None = None, only: str = ""
) -> tuple[list[Suggestion], int]:
    """Suggestions, the most worthwhile first, and how many files are queued already. `within`: paths to look at;
    `only`: one specialist."""
    found: list[Suggestion] = []
    waiting = 0
    for name, agent in by_agent(roster.agents).items():
        if only and name != only:
            continue
        needy = list(needing(agent, roster.tracked if within is None else sorted(within), roster.files, roster.root))
        have = already_queued(roster.root, [one.path for one in needy], name, agent.loop.over)
        waiting += len(have)
        open_ = [one for one in needy if one.path not in have]
        found += [_suggestion(agent, group, record.of(name)) for group in clusters(open_)]
    found.sort(key=lambda one: (-one.worth, one.agent.name, one.paths))
    return found, waiting


def _suggestion(agent: Agent, group: Sequence[Finding], success: Success) -> Suggestion:
    assert agent.queue.find is not None  # noqa: S101 - `by_agent` takes no others
    folder = _shared([one.path for one in group])
    where = f" in {folder}/" if folder else ""
    return Suggestion(agent, f"{agent.queue.find.what}{where}", tuple(one.path for one in group), success)


def _shared(paths: Sequence[str]) -> str:
    """The deepest folder that holds all of them; empty for the root."""
    parents = [PurePosixPath(path).parent.parts for path in paths]
    shared = []
    for parts in zip(*parents, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)


def wishes(suggestions: Sequence[Suggestion]) -> list[Wish]:
    """The suggestions as wishes, from which tasks are made as from any other."""
    return [
        Wish(f"suggestion {number}", f"suggest:{one.agent.name}:{one.paths[0]}", one.what,
             agent=one.agent.name, paths=one.paths)
        for number, one in enumerate(suggestions, 1)
    ]  # fmt: skip
