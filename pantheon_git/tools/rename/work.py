"""Inspecting and making the renames of one task."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from pantheon_git.tools.files import read_bytes, resolve, write_bytes
from pantheon_git.tools.links.find import Finder, Found, Left, apply, decode, encode
from pantheon_git.tools.protocol import ToolError, Workspace
from pantheon_git.tools.rename import names
from pantheon_git.tools.rename.document import said, siblings
from pantheon_git.tools.rename.job import asked, expanded, faults, read_any, tree_files

_SHOWN = 50
"""References that a result names one by one."""


def inspected(workspace: Workspace) -> dict[str, Any]:
    """`names`: computed, best first, where the task gives none; `name`: the first of them."""
    files = tree_files(workspace)
    pairs = asked(workspace.params)
    missing = [old for old, new in pairs if new is None]
    offers = {old: offered(workspace, old, files) for old in missing}
    named = [(old, new or posixpath.join(posixpath.dirname(old), offers[old][0])) for old, new in pairs]
    if found := faults(named, files):
        raise ToolError("refused", "; ".join(found[:10]))
    single = missing[0] if len(pairs) == 1 and missing else None
    view = {"renames": [{"old": old, "new": new} for old, new in named], "names": [], "name": None}
    if single is None:
        return view
    about = said(single, read_bytes(workspace, single))
    return {
        **view,
        "names": offers[single],
        "name": offers[single][0],
        "old": posixpath.basename(single),
        "title": about.titles[0] if about.titles else "",
        "text": about.text,
        "siblings": siblings(single, files)[:20],
    }


def offered(workspace: Workspace, old: str, files: list[str]) -> list[str]:
    """Names for one file; ToolError("refused") where it has a good one already, or none can be computed."""
    if old not in files:
        raise ToolError("refused", f"{old}: there is no such file")
    name = posixpath.basename(old)
    found = names.candidates(old, said(old, read_bytes(workspace, old)).titles, siblings(old, files))
    if not found:
        raise ToolError("refused", f'{old}: no better name than {name} can be computed; give one: to = "new-name"')
    return found


def _computed(workspace: Workspace, old: str, files: list[str]) -> str | None:
    """Where a file goes for which nobody names a place; None where it is gone."""
    return posixpath.join(posixpath.dirname(old), offered(workspace, old, files)[0]) if old in files else None


def applied(workspace: Workspace, name: str | None) -> dict[str, Any]:
    """Make the renames. `name`: where the task names none."""
    files = tree_files(workspace)
    pairs = [(old, new or _computed(workspace, old, files)) for old, new in asked(workspace.params, name)]
    if nameless := [old for old, new in pairs if new is None]:
        raise ToolError("bad-argument", f"no new name is given for {', '.join(nameless)}")
    wanted = [(old, new) for old, new in pairs if new is not None]
    given = bool(workspace.params.get("to")) or "renames" in workspace.params
    if name and not given and not names.is_fine(name):
        raise ToolError("bad-argument", f"{name!r} is not a file name in kebab-case")
    author = "kept" if given else "model"  # of a name that is handed in here; who said it, the loop knows
    moves = expanded(wanted, files)
    done = [new for old, new in wanted if not _is_there(old, files)]
    if done and len(done) == len(wanted) and all(_is_there(new, files) for new in done):
        return _result(wanted, Found({}, []), changed=False, author=author)
    if found := faults(wanted, files):
        raise ToolError("refused", "; ".join(found[:10]))
    finder = Finder(files, lambda path: read_any(workspace, path), moves, bool(workspace.params.get("names")))
    made = _but(finder.find(), frozenset(workspace.params.get("leave", ())))
    _write(workspace, moves, made)
    return _result(wanted, made, changed=True, author=author)


def _but(found: Found, leave: frozenset[str]) -> Found:
    """What is found, without what stands in files that are to be left as they are."""
    stay = [Left(path, edit.line, edit.old, f"to be changed by hand: {edit.new}")
            for path in sorted(leave & found.edits.keys()) for edit in found.edits[path]]  # fmt: skip
    return Found({path: edits for path, edits in found.edits.items() if path not in leave}, [*found.left, *stay])


def _is_there(path: str, files: list[str]) -> bool:
    """As a file, or as a folder."""
    return path in files or any(other.startswith(path.rstrip("/") + "/") for other in files)


def _write(workspace: Workspace, moves: Mapping[str, str], found: Found) -> None:
    """First what is written in place, then the moves, each by way of a free name: two files may change places."""
    for path, edits in found.edits.items():
        text = decode(read_bytes(workspace, path))
        assert text is not None  # noqa: S101 - its references were found in it
        write_bytes(workspace, path, encode(apply(text, edits)))
    parked = {}
    for number, (old, new) in enumerate(sorted(moves.items())):
        parked[new] = resolve(workspace, f"{posixpath.dirname(new) or '.'}/.pantheon-{number}~")
        parked[new].parent.mkdir(parents=True, exist_ok=True)
        resolve(workspace, old).rename(parked[new])
    for new, place in parked.items():
        place.rename(resolve(workspace, new))
    for old in moves:
        _tidy(workspace, posixpath.dirname(old))


def _tidy(workspace: Workspace, folder: str) -> None:
    """Folders that are empty now."""
    while folder:
        target = resolve(workspace, folder)
        if not target.is_dir() or any(target.iterdir()):
            return
        target.rmdir()
        folder = posixpath.dirname(folder)


def _result(wanted: list[tuple[str, str]], found: Found, changed: bool, author: str) -> dict[str, Any]:
    edits = [(path, edit) for path, each in sorted(found.edits.items()) for edit in each]
    return {
        "renames": [{"old": old, "new": new} for old, new in wanted],
        "changed": changed,
        "files": sorted(found.edits),
        "references": len(edits),
        "rewritten": [f"{path}:{edit.line}: {edit.old} → {edit.new}" for path, edit in edits[:_SHOWN]],
        "left": [f"{one.path}:{one.line}: {one.text}: {one.why}" for one in found.left[:_SHOWN]],
        "authorship": {"name": author},
    }
