"""The repository's schema as the tools use it: what a document lacks, and how its people write it.

The data comes with a task's parameters (`schemas`, and `documents` that say which holds where); without it every
document gets title, description and tags, plain values and lists on one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.frontmatter.safe import why_unsafe
from pantheon_git.tools.frontmatter.words import bag

FIELDS = ("title", "description", "tags")
INDEX = frozenset({"index", "_index", "readme"})
_CLAIMS = re.compile(
    r"author|creat|updat|date|publish|review|contribut|editor|owner|expire|lastmod|version|id$|uuid|email|image|^url"
    r"|weight|order|position",
    re.IGNORECASE,
)
_KINDS = ("bool", "int", "float", "timestamp")
_SMALL = bag("a an the and or of to in on at for and with from by as is via vs into per your you it its")


@dataclass(frozen=True)
class Schema:
    format: str = "yaml"
    """Of front matter that is new: `yaml` or `toml`."""
    order: Sequence[str] = FIELDS
    unused: frozenset[str] = frozenset()
    """Of FIELDS those that this repository does without."""
    quote: Mapping[str, str] = field(default_factory=dict)
    """Key → `plain`, `single` or `double`."""
    lists: str = "flow"
    indent: int = 0
    """Of a block list's dashes."""
    fill: Mapping[str, str] = field(default_factory=dict)
    """Key → pattern of its value, with {title} and the names of `places` in it."""
    case: str = ""
    """Of titles: `title`, `sentence`, or nothing where there is no habit."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Field → the folder's words around a document's own name, which stands as {} in words, and as {stem} as the path
    has it."""
    learn: bool = True
    """Whether descriptions may begin with “Learn how to”."""
    stop: bool = True
    """Whether they end with a stop."""
    tags: tuple[int, int] | None = None
    """How few and how many tags nearly all documents have."""

    def missing(self, values: Mapping[str, Any], path: str, title: str) -> dict[str, str | yamltext.Scalar]:
        """Keys beside FIELDS that nearly all have and this document lacks, with what they say; nothing that is more
        than words to a browser, a template or a terminal (`safe.py`), whoever wrote it first."""
        known = {**places(path), "title": title}
        found: dict[str, str | yamltext.Scalar] = {}
        for key in self.order:
            if (
                key in self.fill
                and key not in values
                and (said := fill(self.fill[key], known))
                and not why_unsafe(said)
            ):
                value = _read(said) if self.quote.get(key) == "plain" and self.fill[key] != "{title}" else said
                if value is not None:
                    found[key] = value
        return found


def schema_of(params: Mapping[str, Any], path: str) -> Schema:
    """The schema that holds for this path; the plain one where the parameters name none."""
    about = params.get("documents", {}).get(path, {})
    schemas = params.get("schemas", ())
    number = about.get("schema")
    if not isinstance(number, int) or not 0 <= number < len(schemas):
        return Schema()
    given = schemas[number]
    kind = str(given.get("format", "yaml"))
    yaml = kind == "yaml"
    tags = given.get("tags")
    return Schema(
        kind,
        tuple(given.get("order", FIELDS)),
        frozenset(given.get("unused", ())),
        given.get("quote", {}) if yaml else {},
        str(given.get("lists", "flow")),
        int(given.get("indent", 0)),
        given.get("fill", {}) if yaml else {},
        str(given.get("case", "")),
        given.get("templates", {}),
        given.get("learn", True) is not False,
        given.get("stop", True) is not False,
        (int(tags[0]), int(tags[1])) if tags else None,
    )


def _read(text: str) -> str | yamltext.Scalar | None:
    """What plain YAML text says; None where it is more than one text, number, date or boolean."""
    values = yamltext.read(f"k: {text}\n").values or {}
    value = values.get("k")
    plain = isinstance(value, yamltext.Scalar) and (value.kind in _KINDS and value.text == text)
    return value if len(values) == 1 and (plain or value == text) else None


def places(path: str) -> dict[str, str]:
    """What a path gives to a pattern: the file's name (or its folder's, of an index), and the folder that it is in."""
    pure = PurePosixPath(path)
    stem = pure.name.split(".")[0]
    above = [part for part in pure.parent.parts if part != "."]
    if stem.casefold() in INDEX and above:
        stem = above.pop()
    dated = re.match(r"(\d{4}-\d{2}-\d{2})-(.+)", stem)
    found = {"stem": stem, "folder": above[-1] if above else ""}
    return {**found, "date": dated[1], "name": dated[2]} if dated else found


def fill(pattern: str, known: Mapping[str, str]) -> str:
    """The pattern with its names replaced once; empty where one of them is not known."""
    names = re.findall(r"\{(\w+)\}", pattern)
    if not all(known.get(name) for name in names):
        return ""
    return re.sub(r"\{(\w+)\}", lambda match: known[match[1]], pattern)


def is_claim(key: str, value: str) -> bool:
    """Whether a constant would claim something of one document (who wrote it, when, under which number) that nobody
    said of it."""
    return bool(_CLAIMS.search(key)) or bool(re.search(r"\d{4}-\d\d|https?:|@", value))


def title_case(titles: Sequence[str]) -> str:
    """`title` or `sentence`, where nine in ten of the titles of several words are of one kind."""
    kinds = [_cased(title) for title in titles if len(title.split()) > 1]
    for kind in ("title", "sentence"):
        if len(kinds) >= 5 and kinds.count(kind) >= 0.9 * len(kinds):
            return kind
    return ""


def _cased(title: str) -> str:
    words = [word for word in title.split()[1:] if word.casefold() not in _SMALL and word.isalpha()]
    upper = sum(word[0].isupper() for word in words)
    if not words or (0 < upper < len(words)):
        return "mixed" if words else "either"
    return "title" if upper else "sentence"


def in_case(title: str, case: str) -> str:
    """A title made of a file's name, in Title Case where the repository writes so; names keep their capitals."""
    if case != "title":
        return title
    words = [w if w.casefold() in _SMALL or w[:1].isupper() or w != w.lower() else w[:1].upper() + w[1:]
             for w in title.split(" ")]  # fmt: skip
    return " ".join(words)
