"""Addresses that a page gives itself in its front matter, where they follow from its path: they follow it to a new one.

A `slug` or `permalink` that says something else than the path was chosen by a person, and stays. So do old addresses
(`aliases`, `redirect_from`): readers still come by them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pantheon_git.tools.links.places import front_matter
from pantheon_git.tools.links.span import Span
from pantheon_git.tools.links.tree import ALIASES, above, address

_ADDRESSES = frozenset({"slug", "permalink", "url", "id", "path", "canonical", "translationkey", "docid"})
_MAKERS: tuple[Callable[[str], str], ...] = (str, *ALIASES)
_LOCALES = frozenset({"lang", "language", "locale"})


def own(text: str, old: str, new: str) -> Iterator[tuple[Span, str]]:
    """Spans of the file's front matter that say its old path, and what they say then."""
    for key, span in front_matter(text):
        name = key.lower().replace("_", "")
        said = None
        if name in _ADDRESSES:
            said = _moved(span.text, old, new)
        elif name in _LOCALES:
            said = _locale(span.text, old, new)
        if said is not None and said != span.text:
            yield span, said


def _moved(said: str, old: str, new: str) -> str | None:
    """The address after the move, made as the old one was made; None where it does not follow from the path."""
    inner = said.strip("/")
    front, tail = said[: len(said) - len(said.lstrip("/"))], said[len(said.rstrip("/")) :]
    if said in ("", "/") or not inner:
        return None
    for folder in above(posixpath.dirname(old)):
        for make in _MAKERS:
            before, after = (make(address(path)) for path in (old, new))
            base = make(folder)
            if before == posixpath.join(base, inner) and (not base or after.startswith(f"{base}/")):
                return front + (after[len(base) :].lstrip("/")) + tail
    stem, fresh = posixpath.basename(address(old)), posixpath.basename(address(new))
    same_folder = posixpath.dirname(old) == posixpath.dirname(new)
    if posixpath.basename(inner) in (stem, _spelled(stem)) and (same_folder or "/" not in inner):
        last = fresh if posixpath.basename(inner) == stem else _spelled(fresh)
        return front + posixpath.join(posixpath.dirname(inner), last) + tail
    return None


def _spelled(name: str) -> str:
    """As slugs are written, whatever the file's name is like."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def _locale(said: str, old: str, new: str) -> str | None:
    """A folder for a language that is called otherwise now."""
    before, after = old.split("/")[:-1], new.split("/")[:-1]
    if len(before) != len(after) or said not in before:
        return None
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    return changed[0][1] if len(changed) == 1 and changed[0][0] == said else None


def labels(text: str, known: Sequence[tuple[Span, str]], renames: Mapping[str, str]) -> Iterator[tuple[Span, str, str]]:
    """(span, new text, old path) of an old file name that stands, suffix and all, in a line that refers to the file:
    the label of its link, mostly. `known`: what is taken already, and the path that it means."""
    taken = [(span.start, span.end) for span, _ in known]
    for span, path in known:
        name, new = posixpath.basename(path), posixpath.basename(renames.get(path, path))
        if name == new or "." not in name.strip("."):
            continue
        shape = re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w-]|\.\w|/)")
        end = text.find("\n", span.end)
        for found in shape.finditer(text, text.rfind("\n", 0, span.start) + 1, end if end >= 0 else len(text)):
            start, stop = found.span()
            if not any(start < other and one < stop for one, other in taken):
                taken.append((start, stop))
                yield Span(start, stop, name, "word"), new, path
