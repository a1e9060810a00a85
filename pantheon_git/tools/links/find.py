"""The references that a set of renames would break, and how each is written afterwards."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pantheon_git.tools.links import places
from pantheon_git.tools.links.own import own
from pantheon_git.tools.links.resolve import Hit, Target, resolve, tail_hit, take_apart, write
from pantheon_git.tools.links.site import CONFIGURATION, Site
from pantheon_git.tools.links.span import WRITERS, Span
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
    """Finds the references in one tree. `read`: path → bytes; each file is read at most twice."""

    def __init__(self, files: Iterable[str], read: Callable[[str], bytes], renames: Mapping[str, str]) -> None:
        self.renames = dict(renames)
        self.before = Tree(files)
        self.after = self.before.moved(self.renames)
        self.read = read
        self.names = re.compile("|".join(re.escape(name) for name in sorted(_tokens(renames), key=len, reverse=True)))
        self._site: Site | None = None

    def find(self) -> Found:
        edits: dict[str, list[Edit]] = {}
        left: list[Left] = []
        for path in sorted(self.before.files):
            if may_hold_links(path) and (text := self._candidate(path)) is not None:
                for one in self.references(path, text):
                    if isinstance(one, Left):
                        left.append(one)
                    else:
                        edits.setdefault(path, []).append(one)
        return Found({path: sorted(each, key=lambda edit: edit.start) for path, each in edits.items()}, left)

    def _candidate(self, path: str) -> str | None:
        text = decode(self.read(path))
        named = text is not None and (path in self.renames or self.names.search(text) is not None)
        return text if named else None

    def references(self, path: str, text: str) -> Iterator[Edit | Left]:
        """Of one file: what has to be written anew, and what cannot be."""
        mine: set[int] = set()
        if path in self.renames:
            for span, said in own(text, path, self.renames[path]):
                mine.add(span.start)
                yield _edit(text, span, said, path)
        history = is_history(path)
        wanted: Iterable[str] = () if history else self.renames
        for span in places.spans(path, text, wanted):
            target = self.target(span)
            if target is None or span.start in mine or (history and span.text.startswith("http")):
                continue
            if (hit := self.hit(path, span, target)) is None:
                continue
            new = self._rewritten(path, span, target, hit)
            if new is None:
                line = text.count("\n", 0, span.start) + 1
                yield Left(path, line, span.text, f"it means {hit.path}, and cannot say where that is now")
            elif new != span.text:
                yield _edit(text, span, new, hit.path)

    def target(self, span: Span) -> Target | None:
        if span.text.startswith(("http://", "https://")):
            own = self.site.own(span.text) if self.names.search(span.text) else None
            return own[0] if own else None
        return take_apart(span.text, span.kind)

    def hit(self, path: str, span: Span, target: Target) -> Hit | None:
        """What the reference means now."""
        return self._resolve(self.before, path, span, target)

    def _resolve(self, tree: Tree, path: str, span: Span, target: Target) -> Hit | None:
        if not target.front.startswith("http"):
            return resolve(tree, path, target, span.kind)
        own = self.site.own(target.with_path(target.path))
        if own is not None and own[1]:
            return resolve(tree, "", target, "path")
        return tail_hit(tree, target)

    def cannot(self, path: str, span: Span, target: Target, hit: Hit) -> bool:
        """Whether no way of writing it would mean the right file after the renames."""
        return self._rewritten(path, span, target, hit) is None

    def _rewritten(self, path: str, span: Span, target: Target, hit: Hit) -> str | None:
        """The target as it has to be; as it is where it still means the same file; None where nothing would do."""
        source, goal = self.renames.get(path, path), self.renames.get(hit.path, hit.path)
        if source == path and goal == hit.path:
            return span.text
        for text in (target.path, *write(hit, target, hit.path, goal, path, source)):
            again = self._resolve(self.after, source, span, Target(target.front, text, target.tail))
            if again is not None and again.path == goal and not (span.kind == "nav" and _farther(span.text, text)):
                return Target(target.front, text, target.tail).with_path(text)
        return None

    @property
    def site(self) -> Site:
        """What addresses are own: read from all pages, once, and only where an address may be one of the renamed."""
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


def _edit(text: str, span: Span, said: str, path: str) -> Edit:
    line = text.count("\n", 0, span.start) + 1
    return Edit(span.start, span.end, text[span.start : span.end], WRITERS[span.style](said), line, path)


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
