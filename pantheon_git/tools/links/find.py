"""The references that a set of renames would break, and how each is written afterwards."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pantheon_git.tools.links import places
from pantheon_git.tools.links.own import labels, own
from pantheon_git.tools.links.resolve import Hit, Target, resolve, tail_hit, take_apart, write
from pantheon_git.tools.links.site import CONFIGURATION, Site
from pantheon_git.tools.links.span import WRITERS, Span
from pantheon_git.tools.links.things import things
from pantheon_git.tools.links.tree import Tree, address, bare, is_index, is_page

_HISTORY = re.compile(
    r"(?:^|/)(?:change[-_ ]?log|changes|history|news|releases?|release[-_ ]?notes?|whats[-_ ]?new)[^/]*$"
    r"|(?:^|/)(?:changelogs?|releases?|release[-_ ]notes|_posts|\.changeset|changes|newsfragments)/",
    re.IGNORECASE,
)
"""Files that tell what was: addresses and paths in them stand as they were then; only their links are kept whole."""
_BINARY = re.compile(
    r"\.(?:png|jpe?g|gif|webp|ico|pdf|zip|gz|woff2?|ttf|eot|mp[34]|mov|lock|min\.js|map|svgz|avif|wasm)$"
)
_MOST = 2_000_000
"""Bytes of a file that is looked at."""


@dataclass(frozen=True)
class Edit:
    """One reference of a file: characters start … end of it become `new`."""

    start: int
    end: int
    old: str
    new: str
    line: int
    target: str
    """The path that it means, before."""


@dataclass(frozen=True)
class Left:
    """A reference that is broken by the renames and cannot be written anew where it stands."""

    path: str
    line: int
    text: str
    why: str


@dataclass(frozen=True)
class Found:
    edits: Mapping[str, list[Edit]]
    """Path, before the renames → its references, in order."""
    left: list[Left]


@dataclass(frozen=True)
class Mention:
    """A place in a file that means another file, or is a name of it (then there is nothing to resolve)."""

    span: Span
    target: Target | None
    path: str
    """What it means, before the renames."""
    said: str | None
    """What it has to say after them: what it says now where that stays right, None where nothing would do."""


def decode(data: bytes) -> str | None:
    """The text of a file, every byte of it kept; None for what is not text."""
    if b"\x00" in data[:8000] or len(data) > _MOST:
        return None
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def may_hold_links(path: str) -> bool:
    return not _BINARY.search(path.lower())


def is_history(path: str) -> bool:
    return _HISTORY.search(path) is not None


class Finder:
    """Finds the references in one tree. `read`: path → bytes; each file is read at most twice. `names`: also what the
    pages are called after (`things.py`)."""

    def __init__(
        self, files: Iterable[str], read: Callable[[str], bytes], renames: Mapping[str, str], names: bool = False
    ) -> None:
        self.before = Tree(files)
        self.after = self.before.moved(dict(renames))
        self.renames = {**renames, **_folders(self.before, self.after, renames)}
        self.read = read
        self.names = re.compile("|".join(re.escape(name) for name in sorted(_tokens(renames), key=len, reverse=True)))
        self.with_names = names
        self._site: Site | None = None
        self._twin: Finder | None = None

    def find(self) -> Found:
        edits: dict[str, list[Edit]] = {}
        left: list[Left] = []
        for path in sorted(self.before.files):
            text = self._candidate(path) if may_hold_links(path) else None
            for one in self.mentions(path, text) if text is not None else ():
                line = (text or "").count("\n", 0, one.span.start) + 1
                if one.said is None:
                    why = f"it means {one.path}, and cannot say where that is now"
                    left.append(Left(path, line, one.span.text, why))
                elif one.said != one.span.text:
                    raw, new = (text or "")[one.span.start : one.span.end], WRITERS[one.span.style](one.said)
                    edits.setdefault(path, []).append(Edit(one.span.start, one.span.end, raw, new, line, one.path))
        return Found(edits, left)

    def _candidate(self, path: str) -> str | None:
        text = decode(self.read(path))
        named = text is not None and (path in self.renames or self.names.search(text) is not None)
        return text if named else None

    def mentions(self, path: str, text: str) -> list[Mention]:
        """Of one file, in order and without overlap: what means a file of the tree."""
        found = self._own(path, text)
        for one in self._references(path, text):
            if not any(one.span.start < other.span.end and other.span.start < one.span.end for other in found):
                found.append(one)
        for span, said, old in labels(text, [(one.span, one.path) for one in found], self.renames):
            found.append(Mention(span, None, old, said))
        if self.with_names and (path in self.renames or any(one.said != one.span.text for one in found)):
            for span, said, old in things(text, self.renames):
                if not any(span.start < other.span.end and other.span.start < span.end for other in found):
                    found.append(Mention(span, None, old, said))
        return sorted(found, key=lambda one: one.span.start)

    def _own(self, path: str, text: str) -> list[Mention]:
        if path not in self.renames:
            return []
        return [Mention(span, None, path, said) for span, said in own(text, path, self.renames[path])]

    def _references(self, path: str, text: str) -> Iterator[Mention]:
        history = is_history(path)
        wanted: Iterable[str] = () if history else self.renames
        for span in places.spans(path, text, wanted):
            target = self.target(span)
            if target is None or (history and span.text.startswith("http")):
                continue
            if (hit := self.hit(path, span, target)) is not None:
                yield Mention(span, target, hit.path, self._rewritten(path, span, target, hit))

    def target(self, span: Span) -> Target | None:
        if span.text.startswith(("http://", "https://")):
            own_ = self.site.own(span.text) if self.names.search(span.text) else None
            return own_[0] if own_ else None
        return take_apart(span.text, span.kind)

    def hit(self, path: str, span: Span, target: Target) -> Hit | None:
        """What the reference means now."""
        return self._resolve(self.before, path, span, target)

    def _resolve(self, tree: Tree, path: str, span: Span, target: Target) -> Hit | None:
        if not target.front.startswith("http"):
            return resolve(tree, path, target, span.kind)
        found = self.site.own(target.with_path(target.path))
        if found is not None and found[1]:
            return resolve(tree, "", target, "path")
        return tail_hit(tree, target)

    def _rewritten(self, path: str, span: Span, target: Target, hit: Hit) -> str | None:
        """The target as it has to be; as it is where it still means the same file; None where nothing would do."""
        source, goal = self.renames.get(path, path), self.renames.get(hit.path, hit.path)
        if source == path and goal == hit.path:
            return span.text
        by_file = hit.way in ("exact", "index") and not hit.rooted and not hit.own
        for text in (target.path, *write(hit, target, hit.path, goal, path, source)):
            again = self._resolve(self.after, source, span, Target(target.front, text, target.tail))
            if again is None or again.path != goal or (span.kind == "nav" and _farther(span.text, text)):
                continue
            if not by_file or again.way in ("exact", "index"):  # who names the file, or its folder, means no address
                return Target(target.front, text, target.tail).with_path(text)
        return None

    def as_of(self, other: Finder) -> Finder:
        """This one, asking of the same words as `other` and believing the same addresses to be own."""
        self.names, self._twin = other.names, other
        return self

    @property
    def site(self) -> Site:
        """What addresses are own: read from all pages, once, and only where an address may be one of the renamed."""
        if self._twin is not None:
            return self._twin.site
        if self._site is None:
            texts: dict[str, str] = {}
            for path in self.before.files:
                if is_page(path) or CONFIGURATION.search(path):
                    texts[path] = decode(self.read(path)) or ""
            self._site = Site(self.before, texts)
        return self._site


def _farther(old: str, new: str) -> bool:
    """A bare name in a navigation that would become a path: what reads such a list looks in one folder alone."""
    return "/" not in old and "/" in new and "." not in posixpath.basename(old)


def _folders(before: Tree, after: Tree, renames: Mapping[str, str]) -> dict[str, str]:
    """Folders that are gone, all that they held being in one new folder at its old place below it; with `/` behind."""
    found: dict[str, str] = {}
    for folder in before.folders - after.folders:
        inside = [path for path in renames if path.startswith(f"{folder}/")]
        goals = {renames[path][: -len(path) + len(folder)] for path in inside
                 if renames[path].endswith(path[len(folder) :])}  # fmt: skip
        if len(goals) == 1 and len(inside) == sum(path.startswith(f"{folder}/") for path in before.files):
            found[f"{folder}/"] = f"{goals.pop()}/"
    return found


def _tokens(renames: Mapping[str, str]) -> set[str]:
    """Words of which at least one stands in every text that refers to an old path."""
    found: set[str] = set()
    for old in renames:
        name = posixpath.basename(address(old) if is_index(old) else bare(old))
        for form in (name, re.sub(r"^(?:\d+[-_.](?=\D)|\d{4}-\d\d?-\d\d?-)", "", name)):
            found |= {form, quote(form), form.lower(), form.replace("&", "&amp;"), form.lstrip("_")}
        if is_index(old):
            found.add(posixpath.basename(old))
    return {token for token in found if token} or {"README"}


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made; what lies between them stays as it is."""
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.new]
        at = edit.end
    return "".join([*parts, text[at:]])
