"""Which parsers read which file, and what the texts of it may mean."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from pantheon_git.tools.links import data, html, words
from pantheon_git.tools.links.span import Kind, Span

MARKDOWN = (".md", ".mdx", ".markdown", ".mdown", ".mdc")
_MARKUP = (".html", ".htm", ".vue", ".svelte", ".astro", ".njk", ".liquid", ".xml", ".svg", ".xhtml", ".hbs", ".ejs")
_SCRIPTS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_NAVIGATION = re.compile(
    r"(?:^|/)(?:mkdocs[\w.-]*\.ya?ml|properdocs\.ya?ml|zensical\.toml|\.pages|\.nav\.ya?ml|sidebars?[\w.-]*\.(?:js|ts|mjs|cjs|json|ya?ml)"
    r"|docusaurus\.config\.\w+|docs\.json|mint\.json|_category_\.(?:json|ya?ml)|_?toc\.ya?ml|_data/.+|\.vitepress/.+"
    r"|\.vuepress/.+|astro\.config\.\w+|book\.(?:toml|json)|\.gitbook\.ya?ml|navigation\.\w+|nav\.\w+|_meta\.\w+|meta\.json"
    r"|menus?\.(?:ya?ml|toml|json)|hugo\.\w+|theme\.config\.\w+|_quarto\.yml|antora\.yml|summary\.\w+|manifest\.json"
    r"|_sidebar\.\w+|\.readthedocs\.ya?ml|conf\.py|docfx\.json)$",
    re.IGNORECASE,
)
_FRONT = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)(?:\r?\n)?^\1[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_PROSE_KEYS = frozenset({
    "title", "description", "summary", "tags", "categories", "keywords", "author", "authors", "layout", "type",
    "template", "date", "draft", "weight", "lang", "aliases", "alias", "redirect_from", "slug", "permalink", "id",
    "url", "sidebar_label", "label", "text", "name", "version",
})  # fmt: skip
"""Keys of data whose text is not read as a target: words for people, and addresses that a page has of its own."""
_PAGE_KEYS = frozenset({
    "next", "prev", "previous", "parent", "related", "see_also", "pagination_next", "pagination_prev",
    "redirect_to", "canonical", "link", "href", "to", "path", "file", "page", "doc", "docs", "pages", "items",
    "sidebar", "include", "includes", "root", "readme",
})  # fmt: skip
"""Keys whose text may name a page without a folder or suffix."""


def is_navigation(path: str) -> bool:
    return _NAVIGATION.search(path) is not None


def spans(path: str, text: str, wanted: Iterable[str]) -> list[Span]:
    """What in the file may mean another one; where two overlap, the first in the list goes first. `wanted`: paths that
    are looked for as they stand, whatever the kind of file."""
    return [span for span in (*_parsed(path, text), *words.paths(text, wanted)) if span.text]


def _parsed(path: str, text: str) -> Iterator[Span]:
    suffix = posixpath.splitext(path)[1].lower()
    yield from words.shortcodes(text)
    if suffix in MARKDOWN:
        yield from _document(text, suffix)
    elif suffix in _MARKUP:
        yield from _chosen(front_matter(text), navigation=False)
        yield from html.spans(text)
        if suffix in (".vue", ".svelte", ".astro"):
            yield from html.attributes(text)
    elif suffix in (".rst", ".rest") or (suffix in (".txt", ".inc") and "toctree" in text):
        yield from words.sphinx(text)
    elif suffix in (".adoc", ".asciidoc"):
        yield from words.asciidoc(text)
    elif posixpath.basename(path) == "_redirects":
        yield from words.redirects(text)
    else:
        yield from _data(path, text, suffix)


def _document(text: str, suffix: str) -> Iterator[Span]:
    from pantheon_git.tools.links import markdown

    front = _FRONT.match(text)
    begin = front.end() if front else 0
    yield from _chosen(front_matter(text), navigation=False)
    body = text[begin:]
    if "toctree" in body or "{doc}" in body:
        yield from (_moved(span, begin) for span in words.sphinx(body))
    yield from (_moved(span, begin) for span in markdown.spans(body, mdx=suffix != ".md" or "import " in body))


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by, span.text, span.style, span.kind)


def front_matter(text: str) -> Iterator[tuple[str, Span]]:
    """(key, span) of the scalars of a document's front matter; none where it has none."""
    if front := _FRONT.match(text):
        inner, start = front[2], front.start(2)
        if front[1] == "---":
            yield from data.yaml_spans(inner, "data", start)
        else:
            yield from ((key, _moved(span, start)) for key, span in data.toml_spans(inner, "data"))


def _data(path: str, text: str, suffix: str) -> Iterator[Span]:
    navigation = is_navigation(path)
    kind: Kind = "nav" if navigation else "data"
    if suffix in (".yml", ".yaml", ".pages", ".cff") or posixpath.basename(path) in (".pages", ".nav"):
        found = data.yaml_spans(text, kind)
    elif suffix in (".json", ".jsonc", ".json5", ".webmanifest"):
        found = data.json_spans(text, kind)
    elif suffix == ".toml":
        found = data.toml_spans(text, kind)
    elif suffix in _SCRIPTS:
        found = data.script_spans(text, kind, typed="ts" in suffix)
    else:
        yield from words.quoted(text, MARKDOWN)
        return
    yield from _chosen(found, navigation)


def _chosen(found: Iterable[tuple[str, Span]], navigation: bool) -> Iterator[Span]:
    """Of the texts of data those that may be targets: paths and addresses, and in a navigation also bare names."""
    for key, span in found:
        name = key.lower().replace("-", "_")
        if " " in span.text and not span.text.startswith(("/", ".")) and not span.text.lower().endswith(MARKDOWN):
            continue
        looks = "/" in span.text or posixpath.splitext(span.text)[1].lower() in (*MARKDOWN, ".rst", ".html", ".adoc")
        if name in _PROSE_KEYS and not (navigation and looks):
            continue
        if looks or navigation or name in _PAGE_KEYS:
            yield span
