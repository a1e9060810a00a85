"""What a person means by a line: which specialist, on which files of this repository, with which parameters.

Words come from the specialists' own manifests (`[queue] asked`), files from what git tracks. Where a line is not
understood the reason says what is missing; nothing is guessed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from pantheon_git.day.findings import needing
from pantheon_git.day.queue import meant_for, unnameable
from pantheon_git.day.wish import Wish
from pantheon_git.repo.git import Git
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.globs import Globs

_TOKEN = re.compile(
    r"`([^`]{1,300})`|\[\[([^\]\[|#]{1,300})(?:[|#][^\]\[]{0,300})?\]\]|"
    r"\]\(<?([^)(>\s]{1,500})>?[^)(]{0,200}\)|([^\s`\[\]()<>,;\"']+)"
)
"""In backticks, a link of Obsidian, the target of a link, or a word."""
_BEFORE = frozenset(
    {"in", "to", "under", "below", "of", "for", "from", "inside", "within", "folder", "directory", "across"}
)
_ALL = re.compile(r"\b(?:all|every|each|whole|entire|everywhere|across|repository|missing)\b", re.IGNORECASE)


class NotUnderstoodError(ValueError):
    """Why a line asks for nothing that a specialist does."""


class NobodyAskedError(NotUnderstoodError):
    """No specialist is named, neither by words nor by labels: prose, as far as we can tell."""


class NothingNamedError(NotUnderstoodError):
    """A specialist is asked for, and nothing that looks like a file or folder is named."""


@dataclass(frozen=True)
class Meant:
    agent: Agent
    paths: tuple[str, ...]
    params: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was found out on the way, for the person."""


@dataclass
class Named:
    """What a text names of the repository."""

    files: dict[str, None] = field(default_factory=dict)
    """Files that are named themselves."""
    below: dict[str, None] = field(default_factory=dict)
    """Files in folders and globs that are named."""
    missing: list[str] = field(default_factory=list)
    """What looks like a path, and is none here."""


@dataclass(frozen=True)
class Roster:
    """The specialists and files of one work tree."""

    git: Git
    root: Path
    agents: Mapping[str, Agent]
    """Specialists only."""
    tracked: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    """Label → agent, as the person says."""
    fallback: str = ""
    """The agent of a line that names none."""

    @cached_property
    def files(self) -> frozenset[str]:
        return frozenset(self.tracked)

    @cached_property
    def folders(self) -> frozenset[str]:
        return frozenset(str(above) for path in self.tracked for above in PurePosixPath(path).parents) - {"."}

    @cached_property
    def by_name(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.tracked:
            pure = PurePosixPath(path)
            for name in {pure.name, pure.stem}:
                found.setdefault(name.casefold(), []).append(path)
        return found


def understand(wish: Wish, roster: Roster) -> Meant:
    """What the wish asks for. NotUnderstoodError with the reason, in words for its author."""
    named = _named(wish, roster)
    agent = _agent_named(wish, roster)
    params: dict[str, str] = {}
    if agent is None:
        agent, params = _agent_asked(wish, roster, named)
        others = {path: None for path in named.files if path not in params.values()}
        named.files = others or named.files  # where something goes is not what it is about
    everything = not named.files and not named.below and not wish.paths and bool(_ALL.search(wish.text))
    if everything and not named.missing:
        named.below = dict.fromkeys(roster.tracked)
    fit, notes = _fit(agent, named, roster)
    if not fit:
        raise _nothing(agent, named)
    if bad := next((f"{path!r}: {why}" for path in fit if (why := unnameable(path))), ""):
        raise NotUnderstoodError(bad)
    new_names = set(params.values())
    notes += [f"{name}: no tracked file is called so" for name in named.missing if name not in new_names]
    return Meant(agent, tuple(fit), params, tuple(notes))


def _named(wish: Wish, roster: Roster) -> Named:
    """From what the source calls paths, else from the text, else from the details."""
    named = Named()
    if wish.paths:
        for path in wish.paths:
            if not _resolve(path, named, roster):
                named.missing.append(path)
        return named
    for text in (wish.text, wish.details):
        for token, sure in _tokens(text, roster):
            if not _resolve(token, named, roster) and sure:
                named.missing.append(token)
        if named.files or named.below or named.missing:
            break
    return named


def _tokens(text: str, roster: Roster) -> Iterator[tuple[str, bool]]:
    """What may name files, and whether it must: a link, or a word with a slash and a dot."""
    before = ""
    for quoted, wiki, link, word in (found.groups() for found in _TOKEN.finditer(text)):
        bare = (word or "").strip(".:!?*_").removesuffix("'s")
        if link or wiki:
            if "://" not in (link or ""):
                yield (link or wiki).partition("#")[0].strip(), True
        elif quoted:
            yield quoted.strip(), "/" in quoted and " " not in quoted
        elif "/" in bare or re.search(r"\w\.\w{1,8}$", bare):
            if "://" not in bare and bare not in roster.agents:
                yield bare, "/" in bare and "." in bare
        elif before in _BEFORE and bare in roster.folders:
            yield bare + "/", True
        before = bare.casefold() if bare.casefold() not in ("the", "our", "folder") else before


def _resolve(token: str, named: Named, roster: Roster) -> bool:
    path = token.strip().removeprefix("./").lstrip("/")
    if path in roster.files:
        named.files[path] = None
        return True
    if path.rstrip("/") in roster.folders:
        named.below.update(dict.fromkeys(one for one in roster.tracked if one.startswith(path.rstrip("/") + "/")))
        return True
    if re.search(r"[*?]", path):
        found = list(Globs([path]).select(roster.tracked))
        named.below.update(dict.fromkeys(found))
        return bool(found)
    alike = roster.by_name.get(path.casefold(), []) if "/" not in path else []
    if len(alike) == 1:
        named.files[alike[0]] = None
    return len(alike) == 1


def _agent_named(wish: Wish, roster: Roster) -> Agent | None:
    """By its name, or by a label."""
    if wish.agent:
        if wish.agent not in roster.agents:
            close = difflib.get_close_matches(wish.agent, list(roster.agents), n=1, cutoff=0.4)
            nearest = f"; did you mean {close[0]!r}?" if close else f" (known: {', '.join(sorted(roster.agents))})"
            raise NotUnderstoodError(f"there is no specialist {wish.agent!r}{nearest}")
        return roster.agents[wish.agent]
    for name, agent in roster.agents.items():
        if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.]*\w)", wish.text):
            return agent
    short = {name.rpartition(".")[2].casefold(): agent for name, agent in roster.agents.items()}
    for label in wish.labels:
        name = roster.labels.get(label, label)
        if found := roster.agents.get(name) or short.get(name.casefold()):
            return found
    return None


def _agent_asked(wish: Wish, roster: Roster, named: Named) -> tuple[Agent, dict[str, str]]:
    """By the words of the manifests: the longest match whose agent is meant for the files."""
    hits: list[tuple[int, str, dict[str, str]]] = []
    for name, agent in roster.agents.items():
        for pattern in agent.queue.asked:
            for found in re.finditer(pattern, wish.text, re.IGNORECASE):
                params = {key: value.strip("`\"' ") for key, value in found.groupdict().items() if value}
                hits.append((len(found[0]), name, params))
    hits.sort(key=lambda hit: (-hit[0], hit[1]))
    paths = [*named.files, *named.below]
    fit = [hit for hit in hits if not paths or meant_for(paths, hit[1], roster.agents[hit[1]].queue)]
    if not fit and roster.fallback:
        return roster.agents[roster.fallback], {}
    if not hits:
        raise NobodyAskedError("no specialist is asked for in these words; name one in a label or with --agent")
    if not fit:
        names = ", ".join(dict.fromkeys(hit[1] for hit in hits))
        raise NotUnderstoodError(f"asks for {names}, which is not meant for {', '.join(paths[:3])}")
    rivals = {name for length, name, _ in fit if length == fit[0][0]}
    if len(rivals) > 1:
        raise NotUnderstoodError(f"asks for {' or '.join(sorted(rivals))}; name one in a label")
    return roster.agents[fit[0][1]], fit[0][2]


def _fit(agent: Agent, named: Named, roster: Roster) -> tuple[list[str], list[str]]:
    """Named files as they are; of folders what the agent is meant for, and of that what needs it."""
    below = meant_for(named.below, agent.name, agent.queue)
    notes = []
    if below and agent.queue.find is not None:
        lacking = [one.path for one in needing(agent, below, roster.files, roster.root, asked=True)]
        if not lacking and not named.files:
            raise NotUnderstoodError(f"of the {len(below)} files there none needs it ({agent.queue.find.what})")
        if len(lacking) < len(below):
            notes.append(f"{len(lacking)} of {len(below)} files need it ({agent.queue.find.what})")
        below = lacking
    return list(dict.fromkeys([*named.files, *below])), notes


def _nothing(agent: Agent, named: Named) -> NotUnderstoodError:
    if named.below:
        return NotUnderstoodError(f"none of the {len(named.below)} files there is for {agent.name}")
    if named.missing:
        return NotUnderstoodError(f"no tracked file matches {', '.join(named.missing)}")
    return NothingNamedError(f"names no file or folder of this repository for {agent.name}")
