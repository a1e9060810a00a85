"""Which file a target means: as a browser, a site generator or the parser of a format would take it, in a fixed order.

What a target means also says how it would be written for another file: `Hit.write`. Nothing is guessed there either:
`find.py` resolves what was written, in the tree as it will be, and takes it only where it means the right file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from pantheon_git.tools.links.span import Kind, percent
from pantheon_git.tools.links.tree import ALIASES, PAGES, Tree, above, address, bare, is_index, is_page, join

Way = Literal["exact", "bare", "html", "index", "alias", "name"]
_SCHEME = re.compile(r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|//|#|\?|mailto:|\{|<|\$)")
_SITE = re.compile(r"^(?:@site|@|~)(?=/)")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")


@dataclass(frozen=True)
class Hit:
    """What a target means, and how it says so."""

    path: str
    way: Way
    base: str
    """The folder that the path was looked for in."""
    own: bool
    """The base is the page's own address, as a folder: sites with an address for each page."""
    rooted: bool
    alias: int = 0
    """Which of `ALIASES`, where that is the way."""


@dataclass(frozen=True)
class Target:
    """A target taken apart: only `path` says which file is meant."""

    front: str
    """What stands before the path: `https://host/prefix`, `@site`; or nothing."""
    path: str
    tail: str
    """`?query#fragment`."""

    @property
    def rooted(self) -> bool:
        return bool(self.front) or self.path.startswith("/")

    def with_path(self, path: str) -> str:
        return self.front + path + self.tail


def take_apart(text: str, kind: Kind) -> Target | None:
    """None where the text cannot mean a file of the tree: empty, an anchor, another scheme."""
    front = ""
    if found := _SITE.match(text):
        front, text = found[0], text[found.end() :]
    if not text or _SCHEME.match(text) or len(text) > 1000 or "\n" in text:
        return None
    cut = min((at for at in (text.find("#"), text.find("?")) if at >= 0), default=len(text))
    if kind in ("path", "doc") or not text[:cut]:
        cut = len(text)
    return Target(front, text[:cut], text[cut:])


def resolve(tree: Tree, source: str, target: Target, kind: Kind) -> Hit | None:
    """The file that the target means in this tree; the first that fits."""
    path = target.path if kind == "path" else unquote(target.path)
    for base, own in _bases(tree, source, target, kind):
        joined = join(base, path.lstrip("/"))
        if joined is not None and (hit := _in(tree, joined, kind, target, base, own)):
            return hit
    if kind == "hugo" or (kind == "jekyll" and "/" not in path):
        return _by_name(tree, path, target)
    return None


def _bases(tree: Tree, source: str, target: Target, kind: Kind) -> Iterator[tuple[str, bool]]:
    here = posixpath.dirname(source)
    if kind == "path":
        yield "", False
    elif target.rooted or kind in ("hugo", "jekyll"):
        if not target.rooted and kind == "hugo":
            yield here, False
        yield from ((folder, False) for folder in tree.roots(here))
    else:
        yield here, False
        if kind == "nav":
            yield from ((site, False) for site in _near(tree, here))
            yield from ((site, False) for site in (tree.sites if "/" in target.path else ()))
        if kind == "link" and not _has_suffix(target.path):
            yield bare(source) if not is_index(source) else here, True
        if kind == "data" and here:
            yield "", False


def _near(tree: Tree, here: str) -> Iterator[str]:
    """Folders of content that a navigation file may speak of: below its own folder, or around it."""
    for folder in above(here):
        yield from (site for site in tree.sites if posixpath.dirname(site) == folder)
        yield folder


def _has_suffix(path: str) -> bool:
    found = _SUFFIX.search(path)
    return found is not None and found[0].lower() in (*PAGES, ".png", ".svg", ".jpg", ".js", ".css", ".json", ".yml")


def _in(tree: Tree, joined: str, kind: Kind, target: Target, base: str, own: bool) -> Hit | None:
    rooted = target.rooted

    def hit(path: str, way: Way, alias: int = 0) -> Hit:
        return Hit(path, way, base, own, rooted, alias)

    if joined in tree.files and not own:
        return hit(joined, "exact")
    if kind == "path":
        return hit(joined + "/", "exact") if target.path.endswith("/") and joined in tree.folders else None
    for suffix in PAGES:
        if joined + suffix in tree.files:
            return hit(joined + suffix, "bare")
    stem, ending = posixpath.splitext(joined)
    if ending in (".html", ".htm") and (page := _page(tree, stem)):
        return hit(page, "html")
    if kind == "doc":
        return None
    if joined in tree.folders and (kind in ("link", "hugo") or target.path.endswith("/")):
        return hit(page, "index") if (page := _index(tree, joined)) else None
    if kind not in ("link", "nav", "jekyll") and not (kind == "data" and rooted):
        return None
    found = _alias(tree, stem if ending in (".html", ".htm") else joined)
    return hit(found[0], "alias", found[1]) if found else None


def _alias(tree: Tree, joined: str) -> tuple[str, int] | None:
    """The one page that has this other address."""
    for name in dict.fromkeys((joined, ALIASES[0](joined))):
        pages = tree.aliases.get(name, ())
        if len({path for path, _ in pages}) == 1:
            return pages[0]
    return None


def _page(tree: Tree, stem: str) -> str | None:
    direct = next((stem + suffix for suffix in PAGES if stem + suffix in tree.files), None)
    if direct is None and posixpath.basename(stem) == "index":
        return _index(tree, posixpath.dirname(stem))
    return direct


def _index(tree: Tree, folder: str) -> str | None:
    prefix = f"{folder}/" if folder else ""
    for name in ("index", "README", "readme", "_index", "Readme", "INDEX"):
        for suffix in PAGES:
            if prefix + name + suffix in tree.files:
                return prefix + name + suffix
    return None


def _by_name(tree: Tree, path: str, target: Target) -> Hit | None:
    """Hugo finds a page by its name alone where only one has it; Jekyll's `post_url` names a post."""
    stem = bare(path).strip("/")
    pages = [page for page in tree.by_name.get(posixpath.basename(stem), ()) if _ends_with(address(page), stem)]
    if len(pages) != 1:
        return None
    base = address(pages[0])[: -len(stem)].rstrip("/")
    return Hit(pages[0], "exact" if is_page(path) else "name", base, False, True)


def _ends_with(path: str, tail: str) -> bool:
    return path == tail or path.endswith(f"/{tail}")


def tail_hit(tree: Tree, target: Target) -> Hit | None:
    """For an address of the tree's own site: the one page whose address ends so, wherever its site begins."""
    path = unquote(target.path).strip("/")
    stem = bare(path)
    if not stem or stem.rpartition("/")[2] == "index":
        stem = posixpath.dirname(stem)
    pages = [page for page in tree.by_name.get(posixpath.basename(stem), ()) if _ends_with(address(page), stem)]
    if not stem or len(pages) != 1:
        return None
    way: Way = "html" if path.endswith((".html", ".htm")) else "exact" if path.endswith(PAGES) else "bare"
    base = address(pages[0])[: -len(stem)].rstrip("/")
    return Hit(pages[0], "index" if way == "bare" and is_index(pages[0]) else way, base, False, True)


def write(hit: Hit, target: Target, old: str, new: str, source: str, new_source: str) -> Iterator[str]:
    """Paths that may say `new` as the target said `old`, the one that differs least first; the caller tries them.

    `source`, `new_source`: the file that it stands in, before and after.
    """
    for goal in dict.fromkeys(_goals(hit, new)):
        yield from dict.fromkeys(_texts(hit, target, old, goal, source, new_source))


def _goals(hit: Hit, new: str) -> Iterator[str]:
    """What a path is called in the way of the hit, from the root of the tree; then what might do as well."""
    if hit.way == "exact":
        yield new
    elif hit.way == "alias":
        yield ALIASES[hit.alias](bare(new))
    elif hit.way == "html":
        yield bare(new) + ".html"
    elif hit.way == "index" and not is_index(new):
        yield from (bare(new), new) if hit.rooted or hit.own else (new, bare(new))
    elif hit.way == "bare" and is_index(hit.path):
        yield bare(new)
    else:
        yield address(new)
    yield bare(new)
    if is_page(new):
        yield new


def _texts(hit: Hit, target: Target, old: str, goal: str, source: str, new_source: str) -> Iterator[str]:
    path = target.path
    slash = "/" if path.endswith("/") and not goal.lower().endswith(PAGES) else ""
    if hit.way == "alias" and path.endswith(".html"):
        slash = ".html"
    encode, goal = percent if "%" in path else str, goal.rstrip("/")
    for said in dict.fromkeys(_goals(hit, old)):
        gone, come = _difference(said.rstrip("/").split("/"), goal.split("/"))
        parts = path.rstrip("/").split("/")
        if gone and come and [unquote(part) for part in parts[-len(gone) :]] == gone:
            yield "/".join([*parts[: -len(gone)], *map(encode, come)]) + slash
    if hit.rooted:
        below = posixpath.relpath(goal or ".", hit.base or ".")
        if not below.startswith(".."):
            yield ("/" if path.startswith("/") else "") + encode(below) + slash
        return
    base = hit.base
    if hit.own:
        base = posixpath.dirname(new_source) if is_index(new_source) else bare(new_source)
    elif hit.base == posixpath.dirname(source):
        base = posixpath.dirname(new_source)
    relative = encode(posixpath.relpath(goal or ".", base or "."))
    yield ("./" if path.startswith("./") and not relative.startswith(".") else "") + relative + slash


def _difference(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """The two without the folders that they begin with alike."""
    same = 0
    while same < min(len(old), len(new)) - 1 and old[same] == new[same]:
        same += 1
    return old[same:], new[same:]
