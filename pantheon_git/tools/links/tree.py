"""The paths of a tree, and the addresses under which sites serve its pages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

PAGES = (".md", ".mdx", ".markdown", ".rst", ".adoc", ".html", ".htm", ".mdown", ".ipynb", ".txt")
"""Suffixes that a site takes away, in the order in which they are tried."""
INDEX = ("index", "readme", "_index")
SITES = frozenset({"content", "docs", "doc", "pages", "site", "website", "src", "source", "static", "public", "book"})
"""Names of folders that sites are often made from: their content is served at `/`."""
_NUMBER = re.compile(r"^\d+[-_.](?=\D)")
_MARK = re.compile(
    r"conf\.py|_config\.ya?ml|(?:docusaurus|astro|vuepress|nuxt|gatsby)[.-]config\.\w+|hugo\.\w+|book\.toml|_quarto\.yml"
    r"|(?:docs|mint)\.json|antora\.yml|_sidebar\.md"
)
_LOCALE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2,4})?")
_DATE = re.compile(r"^(\d{4})-(\d\d?)-(\d\d?)-(?=.)")


class Tree:
    """A set of paths, `/` between parts, with what follows from it."""

    def __init__(self, files: Iterable[str]) -> None:
        self.files = frozenset(files)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file; the root is `""`."""
        found = {""}
        for path in self.files:
            while (path := posixpath.dirname(path)) not in found:
                found.add(path)
        return frozenset(found)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """Folders that a site may be made from, and those of a language in them; the shallowest first."""
        named = {folder for folder in self.folders if posixpath.basename(folder) in SITES}
        named |= {folder for folder in self.folders
                  if posixpath.dirname(folder) in named and _LOCALE.fullmatch(posixpath.basename(folder))}  # fmt: skip
        return tuple(sorted(named, key=lambda folder: (folder.count("/"), folder)))

    @cached_property
    def marked(self) -> frozenset[str]:
        """Folders that a generator's configuration lies in."""
        return frozenset(posixpath.dirname(path) for path in self.files if _MARK.fullmatch(posixpath.basename(path)))

    def roots(self, folder: str) -> tuple[str, ...]:
        """What `/` may stand for in a page of the folder, the likeliest first: a site's folder around it, any other one
        around it, the shallowest first (deeper ones have pages of the same name by chance), then all sites."""
        around = tuple(reversed(tuple(above(folder))))
        sites = [place for place in around if place in self.marked or place in self.sites]
        return tuple(dict.fromkeys((*sites, *around, *self.sites)))

    @cached_property
    def aliases(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Other addresses (from the root, without suffix) → the files they serve, and by which of `ALIASES`."""
        found: dict[str, set[tuple[str, int]]] = {}
        for path in self.files:
            if is_page(path):
                for number, make in enumerate(ALIASES):
                    if (alias := make(bare(path))) and alias != bare(path):
                        found.setdefault(alias, set()).add((path, number))
        return {alias: tuple(sorted(pages)) for alias, pages in found.items()}

    @cached_property
    def by_name(self) -> dict[str, tuple[str, ...]]:
        """The last part of a page's address → the pages that have it."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.files):
            if is_page(path):
                found.setdefault(posixpath.basename(address(path)), []).append(path)
        return {name: tuple(pages) for name, pages in found.items()}

    def moved(self, renames: dict[str, str]) -> Tree:
        return Tree((self.files - renames.keys()) | set(renames.values()))


def is_page(path: str) -> bool:
    return path.lower().endswith(PAGES)


def bare(path: str) -> str:
    """Without the suffix of a page."""
    stem, suffix = posixpath.splitext(path)
    return stem if suffix.lower() in PAGES else path


def is_index(path: str) -> bool:
    return posixpath.basename(bare(path)).lower() in INDEX


def address(path: str) -> str:
    """Without suffix, and an index page by its folder."""
    return posixpath.dirname(path) if is_index(path) else bare(path)


def above(folder: str) -> Iterator[str]:
    """The folder and those that hold it, up to the root."""
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def join(base: str, path: str) -> str | None:
    """Normalised; None where it leads out of the tree."""
    joined = posixpath.normpath(posixpath.join(base, path)) if base or path else ""
    joined = "" if joined == "." else joined
    return None if joined == ".." or joined.startswith(("../", "/")) else joined


def _each(path: str, change: Callable[[str], str]) -> str:
    return "/".join(part for part in (change(part) for part in path.split("/")) if part)


def _numbers(path: str) -> str:
    return _each(path, lambda part: _NUMBER.sub("", part))


def _collections(path: str) -> str:
    return _each(path, lambda part: part.lstrip("_"))


def _collections_gone(path: str) -> str:
    return _each(path, lambda part: "" if part.startswith("_") else part)


def _dated(path: str) -> str:
    return _each(path, lambda part: "" if part == "_posts" else _DATE.sub(r"\1/\2/\3/", part))


def _undated(path: str) -> str:
    return _each(path, lambda part: "" if part == "_posts" else _DATE.sub("", part))


def _folder_of_index(path: str) -> str:
    return address(_numbers(path))


ALIASES: tuple[Callable[[str], str], ...] = (
    _numbers, _folder_of_index, _collections, _collections_gone, _dated, _undated, str.lower,
)  # fmt: skip
"""How generators make an address of a path: Docusaurus takes numbers away, Jekyll the underscore of a collection or
the collection, and puts dates into folders; Hugo writes it small."""
