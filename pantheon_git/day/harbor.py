"""Import of a task of the Harbor project: `task.toml` and the `instruction.md` beside it become one task of ours.

Fields as in Harbor's documentation, schema 1.0 to 1.4 (https://www.harborframework.com/docs/tasks). What a Harbor task
does with a container, a network or hidden tests has no counterpart in a job that runs in this repository's jail; each
such field is named, and none is dropped in silence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pantheon_git.day.wish import Wish
from pantheon_git.errors import PantheonError
from pantheon_git.spec.policy import Policy

TIERS = {"trivial": 1, "easy": 2, "medium": 4, "hard": 6, "expert": 8}
"""Harbor's `metadata.difficulty`, a free word, as a tier of the curriculum."""
_VERSIONS = re.compile(r"1\.\d+")
_NO_COUNTERPART: Mapping[str, str] = {
    "task.authors": "the person who commits the task file is its author",
    "task.keywords": "tasks have no keywords",
    "agent.user": "a job runs as nobody",
    "verifier": "hidden tests do not run; give what must hold as --check COMMAND, with files of this repository",
    "environment": "a job runs in this repository's jail, without a container or a network",
    "solution": "reference solutions are not read",
    "artifacts": "every node's artifact is kept anyway",
    "metadata": "tasks carry no free metadata",
    "source": "tasks carry no free metadata",
}
"""Field, or the table that it stands in → why it maps to nothing."""


@dataclass
class Imported:
    """What a Harbor task says in our words."""

    name: str
    """For the task's id: the name behind the organisation's, or that of the folder."""
    goal: str
    limits: dict[str, Any] = field(default_factory=dict)
    tier: int = 1
    mapped: list[str] = field(default_factory=list)
    """`FIELD → FIELD = VALUE`, one for each field that was taken over."""
    unmapped: list[str] = field(default_factory=list)
    """`FIELD: why`, one for each that was not."""


def read_harbor(file: Path, policy: Policy) -> Imported:
    """Read a Harbor task. PantheonError names what cannot be read, or what is no task of one step."""
    raw = _toml(file)
    version = str(raw.get("schema_version", raw.get("version", "1.0")))
    if not _VERSIONS.fullmatch(version):
        raise PantheonError(f"{file}: schema_version: {version!r}; 1.x is known", "pantheon-git add --help")
    if raw.get("steps"):
        raise PantheonError(f"{file}: steps: a task of {len(raw['steps'])} steps has no counterpart",
                            "write one task for each step, and `needs` between them")  # fmt: skip
    instruction = file.parent / "instruction.md"
    try:
        goal = instruction.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PantheonError(f"{instruction}: {error}", "the task's text belongs beside task.toml") from error
    if not goal:
        raise PantheonError(f"{instruction}: it is empty", "write what is asked for")
    name = str(_table(file, raw, "task").get("name", file.resolve().parent.name))
    found = Imported(name.rpartition("/")[2], goal)
    found.mapped.append("instruction.md → goal.summary")
    for name, value in _leaves(raw):
        _take(found, file, name, value, policy)
    return found


def _take(found: Imported, file: Path, name: str, value: Any, policy: Policy) -> None:
    """One field: taken over, or named with the reason."""
    if name in ("schema_version", "version"):
        return
    if name == "task.name":
        found.mapped.append(f"{name} → id")
    elif name == "task.description":
        found.unmapped.append(f"{name}: instruction.md says what is asked for")
    elif name == "agent.timeout_sec":
        asked, most = _seconds(file, name, value), policy.ceilings.wall_seconds
        found.limits["wall_seconds"] = min(asked, most)
        cut = f" (the policy's ceiling; {asked:g} asked)" if asked > most else ""
        found.mapped.append(f"{name} → limits.wall_seconds = {min(asked, most):g}{cut}")
    elif name == "metadata.difficulty" and str(value).casefold() in TIERS:
        found.tier = TIERS[str(value).casefold()]
        found.mapped.append(f"{name} → tier = {found.tier}")
    elif name == "metadata.difficulty":
        found.unmapped.append(f"{name}: {value!r} is none of {', '.join(TIERS)}")
    else:
        found.unmapped.append(f"{name}: {_why(name)}")


def _why(name: str) -> str:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if why := _NO_COUNTERPART.get(".".join(parts[:length])):
            return why
    return "no counterpart"


def _seconds(file: Path, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise PantheonError(f"{file}: {name}: {value!r} is no number of seconds", f"{name} = 120.0")
    return float(value)


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PantheonError(f"{file}: {error}", "name the task.toml of a Harbor task") from error
    except tomllib.TOMLDecodeError as error:
        raise PantheonError(f"{file}: not TOML: {error}", "name the task.toml of a Harbor task") from error


def _table(file: Path, raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = raw.get(name, {})
    if not isinstance(table, dict):
        raise PantheonError(f"{file}: {name}: {table!r} is no table", f"[{name}]")
    return table


def _leaves(raw: Mapping[str, Any], before: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    """Each value with its dotted name, in the file's order; a list is one value."""
    for key, value in raw.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*before, key))
        else:
            yield ".".join((*before, key)), value


def as_wish(found: Imported, place: str, paths: Sequence[str] = ()) -> Wish:
    """The Harbor task as one task over all its files; `paths`: what the person says it is about."""
    text, _, details = found.goal.partition("\n")
    return Wish(f"{place}:1", f"harbor:{found.name}", text.lstrip("# "), id=found.name, details=details.strip(),
                paths=tuple(paths), tier=found.tier, limits=found.limits, whole=True, mapped=found.mapped,
                unmapped=found.unmapped)  # fmt: skip
