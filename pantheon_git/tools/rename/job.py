"""What is to be renamed: the task's parameters against the tree."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pantheon_git.tools.files import MAX_FILE, resolve
from pantheon_git.tools.protocol import ToolError, Workspace

_SKIPPED = frozenset({".git", ".pantheon", "node_modules", ".venv", "__pycache__", ".tox", ".mypy_cache"})
MOST_RENAMES = 500


def tree_files(workspace: Workspace) -> list[str]:
    """Every regular file of the tree, sorted; not what is installed into it, and no links."""
    found = []
    for base, folders, files in os.walk(workspace.root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        prefix = Path(base).relative_to(workspace.root).as_posix()
        for name in files:
            if not Path(base, name).is_symlink():
                found += [name if prefix == "." else f"{prefix}/{name}"]
    return sorted(found)


def read_any(workspace: Workspace, path: str) -> bytes:
    """The bytes of a file of the tree; none of one that is too large to be read."""
    target = resolve(workspace, path)
    if target.stat().st_size > MAX_FILE:
        return b""
    return target.read_bytes()


def asked(params: Mapping[str, Any], name: str | None = None) -> list[tuple[str, str | None]]:
    """(old, new) of each rename that the parameters ask for; `name`: the chosen name where they give none."""
    if "renames" in params:
        return [(_clean(one["old"]), destination(_clean(one["old"]), one.get("new"))) for one in params["renames"]]
    if not params.get("path"):
        raise ToolError("bad-argument", "the task names no file: params.path, or params.renames = [{ old, new }]")
    old = _clean(str(params["path"]))
    return [(old, destination(old, params.get("to") or name))]


def destination(old: str, to: str | None) -> str | None:
    """Where `to` leads: a name in the same folder, a path from the root, or (ending in `/`) a folder for it."""
    if not to:
        return None
    folder, own = posixpath.split(old.rstrip("/"))
    slash = "/" if old.endswith("/") else ""
    bare = to.rstrip("/")
    if to.endswith("/") and not slash:
        path = posixpath.join(bare, own)
    elif "/" in bare and not bare.startswith("./"):
        path = bare
    else:
        path = posixpath.join(folder, bare.removeprefix("./"))
    if not slash and not posixpath.splitext(path)[1]:
        path += posixpath.splitext(own)[1]
    return _clean(path) + slash


def _clean(path: str) -> str:
    slash = "/" if path.endswith("/") else ""
    clean = posixpath.normpath(path)
    if clean.startswith(("../", "/")) or clean in ("..", ".") or "\n" in path or "\x00" in path:
        raise ToolError("bad-argument", f"{path!r} is not a path within the repository")
    return clean + slash


def expanded(pairs: Iterable[tuple[str, str]], files: Iterable[str]) -> dict[str, str]:
    """Old path → new path of each file: a folder's are all that it holds."""
    known, found = sorted(files), dict[str, str]()
    for old, new in pairs:
        folder = old.rstrip("/") + "/"
        if old in known:
            found[old] = new
        else:
            inside = [path for path in known if path.startswith(folder)]
            found |= {path: posixpath.join(new.rstrip("/"), path[len(folder) :]) for path in inside}
    return {old: new for old, new in found.items() if old != new}


def faults(pairs: Iterable[tuple[str, str]], files: Iterable[str]) -> list[str]:
    """Why the renames cannot be made; the tree is as it was before them."""
    pairs, known = list(pairs), frozenset(files)
    moves = expanded(pairs, known)
    folders = {folder for path in known for folder in _above(path)}
    found = [f"{old}: there is no such file" for old, _ in pairs if old not in known and old.rstrip("/") not in folders]
    left = known - moves.keys()
    small = {path.lower(): path for path in left}
    counted: dict[str, str] = {}
    for old, new in sorted(moves.items()):
        if new in left:
            found.append(f"{old}: {new} exists")
        elif new.lower() in small:
            found.append(f"{old}: {new} is the same name as {small[new.lower()]} where case does not count")
        elif new in folders - {folder for path in moves for folder in _above(path)} or any(
            a in left for a in _above(new)
        ):
            found.append(f"{old}: {new} stands where a folder and a file would have one name")
        elif counted.setdefault(new.lower(), old) != old:
            found.append(f"{old}: {counted[new.lower()]} is to be called {new} too")
    if len(moves) > MOST_RENAMES:
        found.append(f"{len(moves)} files, at most {MOST_RENAMES} in one task")
    return found


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
