"""Globs of `scope.paths` and `forbidden_paths`: one meaning for planner, jail and gate.

Paths are relative to the repository's root, `/` between parts, byte-exact (undecodable bytes as surrogates).
`*` and `?` stay within one part, `**` spans any number of parts (also none), `[ab]` and `[!ab]` are sets, a
trailing `/` means everything below. A path is matched whole; nothing is special about a leading dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

_WILD = re.compile(r"[*?[]")


class Globs:
    """A compiled set of globs; `in` asks whether a path matches any of them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self.literals = frozenset(unescape(p) for p in self.patterns if is_literal(p))
        """Patterns that can match one path only, as that path."""
        self._wild = tuple(compile_glob(p) for p in self.patterns if not is_literal(p))

    def __contains__(self, path: str) -> bool:
        return path in self.literals or any(glob.fullmatch(path) for glob in self._wild)

    def select(self, paths: Iterable[str]) -> Iterator[str]:
        return (path for path in paths if path in self)

    @property
    def has_wild(self) -> bool:
        return bool(self._wild)


def is_literal(pattern: str) -> bool:
    """Whether the pattern can match one path only (`[[]` and its like are escapes, not wildcards)."""
    return not pattern.endswith("/") and not _WILD.search(re.sub(r"\[[*?[]\]", "", pattern))


def escape(path: str) -> str:
    """The glob that matches just `path`."""
    return _WILD.sub(lambda found: f"[{found.group()}]", path)


def unescape(literal: str) -> str:
    return re.sub(r"\[([*?[])\]", r"\1", literal)


@lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> re.Pattern[str]:
    if pattern.endswith("/"):
        pattern += "**"
    parts = pattern.split("/")
    out: list[str] = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out.append(".*" if last else "(?:[^/]+/)*")
        else:
            out.append(_part(part) + ("" if last else "/"))
    return re.compile("".join(out), re.DOTALL)


def _part(part: str) -> str:
    out, at = "", 0
    while at < len(part):
        char = part[at]
        end = part.find("]", at + 2) if char == "[" else -1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif end > 0:
            out += _class(part[at + 1 : end])
            at = end
        else:
            out += re.escape(char)
        at += 1
    return out


def _class(body: str) -> str:
    """What stands between brackets; as in git, a range that runs backwards holds nothing, and none holds a slash."""
    negated = body.startswith("!")
    found, at = "", int(negated)
    while at < len(body):
        low, dash, high = body[at], body[at + 1 : at + 2], body[at + 2 : at + 3]
        if dash == "-" and high:
            found += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
            at += 3
        else:
            found += re.escape(low)
            at += 1
    if negated:
        return f"[^/{found}]"
    return f"(?!/)[{found}]" if found else "(?!)"
