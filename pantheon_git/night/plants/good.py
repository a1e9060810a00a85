"""Changes that are known to be good: what people committed, shown as if a job had just made it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from pantheon_git.agent.checklists import tests
from pantheon_git.agent.checklists.item import Whole
from pantheon_git.agent.view import ChangeView
from pantheon_git.night.patch import Edit, Side
from pantheon_git.night.plants.draft import Draft, without_keys
from pantheon_git.tools.frontmatter.document import SUFFIXES, parse
from pantheon_git.tools.frontmatter.edit import plain
from pantheon_git.tools.protocol import ToolError

File = tuple[str, bytes]
Made = Iterator[tuple[str, tuple[Edit, ...]]]
_CODE = (".js", ".mjs", ".ts", ".py", ".go", ".rs", ".java", ".rb", ".c", ".h", ".css")
_BEFORE, _BEHIND = rb"(?<=[/(\"'])", rb"(?=[.)/#\"'])"
_LINKED = re.compile(_BEFORE + rb"[a-z0-9]+(?:-[a-z0-9]+)+" + _BEHIND)
"""A name of several words in a link or path."""
_DOC_BLOCK = re.compile(r"^[ \t]*/\*\*.*?\*/[ \t]*\n|^([ \t]+)\"\"\".*?\"\"\"[ \t]*\n", re.MULTILINE | re.DOTALL)
_HEAD = re.compile(r"\A(?:(?:#(?!!)|//)[^\n]*\n)+|\A/\*.*?\*/[ \t]*\n", re.DOTALL)


def _edit(path: str, old: bytes | None, new: bytes | None) -> Edit:
    sides = [None if data is None else Side(0o100644, data) for data in (old, new)]
    return Edit(path.encode("utf-8", "surrogateescape"), *sides)


def _frontmatter(files: Sequence[File]) -> Made:
    """A document that has title and description, before: without them, and without tags."""
    for path, data in files:
        if not path.lower().endswith(SUFFIXES):
            continue
        try:
            found = parse(data)
        except ToolError:
            continue
        told = [plain(found.values.get(name)) for name in ("title", "description")]
        if all(isinstance(value, str) and value.strip() for value in told) and not found.repairs:
            before = without_keys(found, {"title", "description", "tags"})
            if before is not None:
                yield path, (_edit(path, before, data),)


def _tests(files: Sequence[File]) -> Made:
    """A test that was not there."""
    for path, data in files:
        if tests.touched(ChangeView("", "", path, None, data, b""), Whole(())) and path.endswith(_CODE):
            yield path, (_edit(path, None, data),)


def _rename(files: Sequence[File]) -> Made:
    """A document of several words and a link to it, before: under a name with capitals and underscores."""
    linking: dict[bytes, list[File]] = {}
    for path, data in files:
        for stem in dict.fromkeys(_LINKED.findall(data)):
            linking.setdefault(stem, []).append((path, data))
    for path, data in files:
        place = PurePosixPath(path)
        stem, suffix = place.stem, place.suffix
        others = [one for one in linking.get(stem.encode(), ())[:2] if one[0] != path]
        if "-" not in stem or suffix.lower() not in SUFFIXES or stem != stem.lower() or not others:
            continue
        old, (other, text) = "_".join(word.capitalize() for word in stem.split("-")), others[0]
        before = re.sub(_BEFORE + re.escape(stem).encode() + _BEHIND, old.encode(), text)
        yield path, (_edit(str(place.with_name(old + suffix)), data, None), _edit(path, None, data),
                     _edit(other, before, text))  # fmt: skip


def _code(files: Sequence[File]) -> Made:
    """A source with a comment at its head or before a function, before: without it."""
    for path, data in files:
        text = data.decode("utf-8", "replace")
        found = (_HEAD.search(text) or _DOC_BLOCK.search(text)) if path.endswith(_CODE) else None
        if found and "\ufffd" not in text:
            yield path, (_edit(path, (text[: found.start()] + text[found.end() :]).encode(), data),)


_MADE: dict[str, Callable[[Sequence[File]], Made]] = {
    "frontmatter": _frontmatter, "tests": _tests, "rename": _rename, "code": _code,
}  # fmt: skip


def good_changes(kind: str, files: Sequence[File]) -> Iterator[Draft]:
    """Good changes of this kind that the repository's own files give, in the files' order."""
    for path, edits in _MADE[kind](files) if kind in _MADE else ():
        yield Draft("as-committed", f"{path} as it is committed", edits, bad=False)
