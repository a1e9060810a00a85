"""The smallest edit of a document's front matter: only lines that must change do, and the result is proved.

Each format has one writer; `apply` reads its product again and refuses unless all other keys are what they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.frontmatter.document import WRITABLE, Document, parse
from pantheon_git.tools.frontmatter.schema import FIELDS, Schema
from pantheon_git.tools.protocol import ToolError

Value = str | list[str] | yamltext.Scalar
_PLAIN = Schema()
_ADDRESS = re.compile(r"/[A-Za-z0-9./_-]*")
"""Read by every reader as a word, and written without quotes where others write it so."""
_TOML_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def apply(doc: Document, changes: Mapping[str, Value], *, to_yaml: bool = False, schema: Schema = _PLAIN) -> bytes:
    """The document's bytes with `changes` made (in their order); the very same bytes where there is nothing to do.

    `schema` says where new keys stand and how values are written; what is there keeps its place and its form.

    `to_yaml` turns TOML and JSON front matter into YAML; otherwise each stays in its own format.
    Raises ToolError("refused") where the edit cannot be proved to be safe.
    """
    if doc.kind not in WRITABLE:
        raise ToolError("refused", doc.reason)
    convert = to_yaml and doc.kind in ("toml", "json")
    if not changes and not convert and not doc.repairs:
        return doc.raw
    if doc.kind in ("none", "rule"):
        text = _create(doc, changes, schema, "yaml" if to_yaml else schema.format)
    elif doc.kind == "yaml":
        text = _rewrap(doc, _fold(_set_yaml, doc.inner, changes, doc, schema))
    elif convert:
        from pantheon_git.tools.frontmatter.convert import to_yaml_text

        start = yamltext.read(to_yaml_text(doc)).text
        text = f"---{doc.eol}{_fold(_set_yaml, start, changes, doc, schema)}---{doc.eol}{_gap(doc)}{doc.body}"
    elif doc.kind == "toml":
        text = doc.head + _fold(_set_toml, doc.inner, changes, doc, schema) + doc.close + doc.body
    else:
        text = doc.head + _fold(_set_json, doc.inner, changes, doc, schema) + doc.close + doc.body
    raw = doc.encode(text)
    kind = "yaml" if to_yaml else schema.format if doc.kind in ("none", "rule") else doc.kind
    _prove(doc, parse(raw), changes, kind)
    return raw


def _gap(doc: Document) -> str:
    """A line end between the new closing delimiter and a body that the old one was not parted from by one."""
    return "" if doc.close.endswith("\n") or not doc.body else doc.eol


def _create(doc: Document, changes: Mapping[str, Value], schema: Schema, kind: str) -> str:
    setter, fence = (_set_toml, "+++") if kind == "toml" else (_set_yaml, "---")
    inner = _fold(setter, "", changes, doc, schema)
    first = doc.body[:1]
    gap = "" if first in ("", "\n", "\r") else doc.eol
    return f"{fence}{doc.eol}{inner}{fence}{doc.eol}{gap}{doc.body}"


def _rewrap(doc: Document, inner: str) -> str:
    """Delimiters as every reader knows them: nothing before the opening one, `---` (and not `...`) to close."""
    head = doc.head.lstrip(" \t\r\n")
    close = doc.close if doc.close.startswith("---") else "---" + doc.close[3:]
    return head + inner + close + doc.body


def _fold(setter: Any, inner: str, changes: Mapping[str, Value], doc: Document, schema: Schema) -> str:
    ascii_only = not doc.encoding.startswith("utf")
    for key, value in changes.items():
        inner = setter(inner, key, value, doc.eol, ascii_only, schema)
    return inner


def _say_yaml(key: str, value: Value, ascii_only: bool, schema: Schema) -> str:
    if isinstance(value, yamltext.Scalar):
        return value.text
    if isinstance(value, str):
        if key in schema.fill and schema.quote.get(key) == "plain" and _ADDRESS.fullmatch(value):
            return value
        return yamltext.say(value, ascii_only=ascii_only, quote=schema.quote.get(key, "plain"))
    return yamltext.say_list(value, ascii_only=ascii_only)


def _set_yaml(inner: str, key: str, value: Value, eol: str, ascii_only: bool, schema: Schema) -> str:
    read = yamltext.read(inner)
    if read.values is None or read.flow:
        raise ToolError("refused", read.reason or "the front matter is one flow mapping: `{…}`")
    said = _say_yaml(key, value, ascii_only, schema)
    entry = next((e for e in read.entries if e.key == key), None)
    if entry is not None:
        return _replace_yaml(inner, entry, said, eol)
    at = _yaml_place(inner, read.entries, key, schema.order)
    if isinstance(value, list) and value and schema.lists == "block":
        items = (yamltext.say(item, ascii_only=ascii_only) for item in value)
        said = "".join(f"{eol}{' ' * schema.indent}- {item}" for item in items)
        return f"{inner[:at]}{key}:{said}{eol}{inner[at:]}"
    return f"{inner[:at]}{key}: {said}{eol}{inner[at:]}"


def _replace_yaml(inner: str, entry: yamltext.Entry, said: str, eol: str) -> str:
    if entry.start < entry.end:
        old = inner[entry.start : entry.end]
        return inner[: entry.start] + said + (eol if old.endswith("\n") else "") + inner[entry.end :]
    colon = inner.index(":", entry.key_end)
    rest = re.match(r"[ \t]*(#[^\n]*?)?[ \t]*(\r?\n|\Z)", inner[colon + 1 :])
    if rest is None:
        raise ToolError("refused", f"the empty value of {entry.key!r} has an anchor or a tag")
    comment = f" {rest[1]}" if rest[1] else ""
    return f"{inner[: colon + 1]} {said}{comment}{rest[2]}{inner[colon + 1 + rest.end() :]}"


def _yaml_place(inner: str, entries: tuple[yamltext.Entry, ...], key: str, order: Sequence[str]) -> int:
    """Behind the nearest key that the schema has before this one, else before the nearest that it has after it; never
    between a comment and the key that it speaks of."""
    if not entries:
        return len(inner)
    rank = {name: at for at, name in enumerate(order)} if key in order else {k: n for n, k in enumerate(FIELDS)}
    mine = rank.get(key, len(rank))
    before = sorted((e for e in entries if rank.get(e.key, mine) < mine), key=lambda e: -rank[e.key])
    for entry in before:
        end = inner.find("\n", entry.end)
        if entry.style in (None, "'", '"') and end >= 0 and inner[entry.start : entry.end]:
            return end + 1
    after = [e for e in entries if rank.get(e.key, -1) > mine]
    if before or (mine and not after):
        return len(inner)
    return _with_comment(inner, min(after, key=lambda e: rank[e.key]).key_start if mine else entries[0].key_start)


def _with_comment(inner: str, at: int) -> int:
    """Where the key's lines begin, the comment directly above it included."""
    while at and (above := inner[: at - 1].rpartition("\n")[2]).lstrip().startswith("#"):
        at -= len(above) + 1
    return at


def _set_toml(inner: str, key: str, value: Value, eol: str, ascii_only: bool, schema: Schema) -> str:
    said = json.dumps(value, ensure_ascii=ascii_only).replace("\x7f", "\\u007f")
    table = _TOML_TABLE.search(inner)
    top = inner[: table.start()] if table else inner
    old = re.search(rf"^([ \t]*{key}[ \t]*=[ \t]*)(?:\"[ \t]*\"|'[ \t]*'|\[[ \t]*\])", top, re.MULTILINE)
    if old:
        return inner[: old.end(1)] + said + inner[old.end() :]
    at = 0
    for name in ("title", "description"):
        line = re.search(rf"^[ \t]*{name}[ \t]*=[ \t]*(?:\"(?!\"\")|'(?!''))[^\n]*\n", top, re.MULTILINE)
        at = line.end() if line and name != key and (name, key) != ("description", "title") else at
    return f"{inner[:at]}{key} = {said}{eol}{inner[at:]}"


def _set_json(inner: str, key: str, value: Value, eol: str, ascii_only: bool, schema: Schema) -> str:
    said = json.dumps(value, ensure_ascii=ascii_only)
    old = re.search(rf'("{key}"[ \t]*:[ \t]*)(?:"[ \t]*"|null|\[[ \t]*\])', inner)
    if old:
        return inner[: old.end(1)] + said + inner[old.end() :]
    pair = f"{json.dumps(key)}: {said}"
    brace = re.match(r"\{(\s*)", inner)
    space = brace[1] if brace else ""
    if inner[1 + len(space) :] == "}":
        return "{" + (eol + "  " if "\n" in space else "") + pair + (eol if "\n" in space else "") + "}"
    for name in reversed(("title", "description")):
        line = re.search(rf'"{name}"\s*:\s*"(?:[^"\\]|\\.)*"', inner)
        if line and name != key and (name, key) != ("description", "title"):
            return f"{inner[: line.end()]},{space or ' '}{pair}{inner[line.end() :]}"
    return "{" + space + pair + "," + (space or " ") + inner[1 + len(space) :]


def _prove(before: Document, after: Document, changes: Mapping[str, Value], kind: str) -> None:
    """The new bytes say what was asked, and all else says what it said."""
    old = plain(before.values)
    wanted = {k: v for k, v in old.items() if k not in changes}
    found = plain(after.values)
    rest = {k: v for k, v in found.items() if k not in changes}
    added = 1 if before.kind in ("none", "rule") else 0
    body = after.body
    if added and body != before.body:
        body = body.removeprefix(before.eol)
    ok = (
        after.kind == kind
        and list(rest.items()) == list(wanted.items())
        and all(found.get(key) == value for key, value in changes.items())
        and body == before.body
        and not after.repairs
    )
    if not ok:
        raise ToolError("refused", "the edit could not be proved to leave all else as it was")


def plain(value: Any) -> Any:
    """A value in one form, whichever format it came from: strings, None, lists, dicts, and Scalars for the rest."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (str, yamltext.Scalar)):
        return value
    from pantheon_git.tools.frontmatter.convert import scalar

    return scalar(value)
