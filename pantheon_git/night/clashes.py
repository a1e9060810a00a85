"""New names that are harmless alone and harmful beside others: one file for two names, a folder that is a repository.

Case and composition: what git's `core.ignoreCase` and `core.precomposeUnicode` are about. A folder with `HEAD`,
`objects` and `refs` is a repository to git (`setup.c`, `is_git_directory`), whose config then runs programs of its
choice as soon as somebody types `git status` in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pantheon_git.jail.names import plain, shown
from pantheon_git.repo.objects import FOLDER, Objects

_REPOSITORY = {"head", "objects", "refs"}


def clashes(reader: Objects, base: str, tree: str, paths: Iterable[bytes]) -> Iterator[tuple[bytes, str]]:
    """Of the written `paths` in `tree`, those below a new name that may not stand where it does, each with the reason.

    Names that the base has are never told, however they clash: they are a person's.
    """
    written = sorted(paths)
    told: dict[bytes, dict[bytes, str]] = {}
    for path in written:
        for folder in _folders(path):
            if folder not in told:
                told[folder] = _folder(reader, base, tree, folder)
            name = path[len(folder) :].partition(b"/")[0]
            if reason := told[folder].get(name):
                yield path, reason
                break


def _folders(path: bytes) -> Iterator[bytes]:
    """`b""`, `b"a/"`, `b"a/b/"` for `b"a/b/c"`."""
    yield b""
    for at, byte in enumerate(path):
        if byte == 0x2F:
            yield path[: at + 1]


def _folder(reader: Objects, base: str, tree: str, folder: bytes) -> dict[bytes, str]:
    """New names of a folder that may not be there → why."""
    names, before = _names(reader, tree, folder), _names(reader, base, folder)
    forms = {name: plain(name.decode("utf-8", "surrogateescape")) for name in names}
    count = Counter(forms.values())
    found = {}
    for name in names - before:
        if count[forms[name]] > 1:
            others = (other for other in sorted(names) if other != name and forms[other] == forms[name])
            found[name] = f"the same name as {shown(next(others))} on some systems"
        elif forms[name] in _REPOSITORY and set(forms.values()) >= _REPOSITORY:
            found[name] = "it makes its folder a git repository"
    return found


def _names(reader: Objects, tree: str, folder: bytes) -> set[bytes]:
    if folder:
        entry = reader.find(tree, folder[:-1])
        if entry is None or entry.mode != FOLDER:
            return set()
        tree = entry.oid
    return {entry.name for entry in reader.tree(tree)}
