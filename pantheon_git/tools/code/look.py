"""`code.context` and `code.search`: what of the files at hand a task is about, by the words of its goal."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pantheon_git.tools.files import read_bytes, resolve
from pantheon_git.tools.protocol import ToolError, Workspace

MAX_FILES = 200
MAX_FOUND = 40
WINDOW = 40
"""Lines of one excerpt, where a file is not shown whole."""
WHOLE = 120
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_COMMON = frozenset(
    {
        "the",
        "a",
        "an",
        "of",
        "to",
        "in",
        "and",
        "or",
        "is",
        "be",
        "are",
        "it",
        "that",
        "this",
        "with",
        "for",
        "as",
        "by",
    }
    | {"on", "from", "not", "no", "if", "else", "return", "def"}
)


def context(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """The file among `files` that has most of the goal's words, and its lines about them.

    `path`, `text` (the whole file, or the window with the most of the words), `first` and `last` line (from 1).
    """
    wanted = _weights(arguments["goal"]) + _weights(arguments.get("said", ""))
    ranked = []
    for path in arguments["files"][:MAX_FILES]:
        lines = _lines(workspace, path)
        if lines is not None:
            score = _score(wanted, "\n".join([path, *lines]))
            ranked.append((-score, len(lines), path, lines))
    if not ranked:
        raise ToolError("not-found", "none of the files in scope is there as text; a new file is not this tool's work")
    _, _, path, lines = min(ranked)
    first, last = _window(wanted, lines)
    return {"path": path, "text": "\n".join(lines[first:last]), "first": first + 1, "last": last}


def search(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Lines that contain `text` (as it is written), as `path:line: text`, at most 40."""
    found: list[str] = []
    for path in arguments["files"][:MAX_FILES]:
        for number, line in enumerate(_lines(workspace, path) or (), 1):
            if arguments["text"] in line:
                found.append(f"{path}:{number}: {line.strip()[:200]}")
    return {"found": found[:MAX_FOUND], "total": len(found)}


def _lines(workspace: Workspace, path: str) -> list[str] | None:
    if not resolve(workspace, path).is_file():
        return None
    try:
        return read_bytes(workspace, path).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None


def _parts(text: str) -> list[str]:
    """The words of a text, and those that names are made of, in lower case."""
    words = [word for word in _WORD.findall(text) if word.lower() not in _COMMON]
    parts = [part.lower() for word in words for part in _PART.findall(word)]
    return [word.lower() for word in words] + [part for part in parts if len(part) > 2 and part not in _COMMON]


def _weights(goal: str) -> Counter[str]:
    return Counter(_parts(goal))


def _score(wanted: Counter[str], text: str) -> float:
    have = set(_parts(text))
    return float(sum(weight for word, weight in wanted.items() if word in have))


def _window(wanted: Counter[str], lines: list[str]) -> tuple[int, int]:
    """First line and the one behind the last (from 0), of the part that has most of the words. Begins at a line that is
    not indented where there is one near."""
    if len(lines) <= WHOLE:
        return 0, len(lines)
    scores = [_score(wanted, line) for line in lines]
    sums = [sum(scores[at : at + WINDOW]) for at in range(len(lines) - WINDOW + 1)]
    first = sums.index(max(sums))
    best = max(range(first, first + WINDOW), key=lambda at: scores[at])
    first = max(0, min(first, best - 5))
    for at in range(best, max(-1, best - WINDOW), -1):
        if lines[at] and not lines[at][0].isspace() and lines[at][0] not in ")]}":
            first = at
            break
    return first, min(len(lines), first + 2 * WINDOW)
