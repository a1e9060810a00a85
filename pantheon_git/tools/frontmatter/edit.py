"""The smallest edit of a document's front matter: only lines that must change do, and the result is proved.

Each format has one writer; `apply` reads its product again and refuses unless all other keys are what they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.frontmatter.document import WRITABLE, Document, parse
from pantheon_git.tools.protocol import ToolError

Value = str | list[str]
_TOML_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def apply(doc: Document, changes: Mapping[str, Value], *, to_yaml: bool = False) -> bytes:
    """The document's bytes with `changes` made (in their order); the very same bytes where there is nothing to do.

    `to_yaml` turns TOML and JSON front matter into YAML; otherwise each stays in its own format.
    Raises ToolError("refused") where the edit cannot be proved to be safe.
    """
    if doc.kind not in WRITABLE:
        raise ToolError("refused", doc.reason)
    convert = to_yaml and doc.kind in ("toml", "json")
    if not changes and not convert and not doc.repairs:
        return doc.raw
    if doc.kind in ("none", "rule"):
        text = _create(doc, changes)
    elif doc.kind == "yaml":
        text = _rewrap(doc, _set_all(_set_yaml, doc, changes))
    elif convert:
        from pantheon_git.tools.frontmatter.convert import to_yaml_text

        start = yamltext.read(to_yaml_text(doc)).text
        text = f"---{doc.eol}{_fold(_set_yaml, start, changes, doc)}---{doc.eol}{_gap(doc)}{doc.body}"
    elif doc.kind == "toml":
        text = doc.head + _set_all(_set_toml, doc, changes) + doc.close + doc.body
    else:
        text = doc.head + _set_all(_set_json, doc, changes) + doc.close + doc.body
    raw = doc.encode(text)
    _prove(doc, parse(raw), changes, convert)
    return raw


def _gap(doc: Document) -> str:
    """A line end between the new closing delimiter and a body that the old one was not parted from by one."""
    return "" if doc.close.endswith("\n") or not doc.body else doc.eol


def _create(doc: Document, changes: Mapping[str, Value]) -> str:
    inner = _fold(_set_yaml, "", changes, doc)
    first = doc.body[:1]
    gap = "" if first in ("", "\n", "\r") else doc.eol
    return f"---{doc.eol}{inner}---{doc.eol}{gap}{doc.body}"


def _rewrap(doc: Document, inner: str) -> str:
    """Delimiters as every reader knows them: nothing before the opening one, `---` (and not `...`) to close."""
    head = doc.head.lstrip(" \t\r\n")
    close = doc.close if doc.close.startswith("---") else "---" + doc.close[3:]
    return head + inner + close + doc.body


def _set_all(setter: Any, doc: Document, changes: Mapping[str, Value]) -> str:
    return _fold(setter, doc.inner, changes, doc)


def _fold(setter: Any, inner: str, changes: Mapping[str, Value], doc: Document) -> str:
    ascii_only = not doc.encoding.startswith("utf")
    previous: list[str] = []
    for key, value in changes.items():
        inner = setter(inner, key, value, doc.eol, ascii_only, previous)
        previous.append(key)
    return inner


def _say_yaml(value: Value, ascii_only: bool) -> str:
    if isinstance(value, str):
        return yamltext.say(value, ascii_only=ascii_only)
    return yamltext.say_list(value, ascii_only=ascii_only)


def _set_yaml(inner: str, key: str, value: Value, eol: str, ascii_only: bool, _: list[str]) -> str:
    read = yamltext.read(inner)
    if read.values is None or read.flow:
        raise ToolError("refused", read.reason or "the front matter is one flow mapping: `{…}`")
    said = _say_yaml(value, ascii_only)
    entry = next((e for e in read.entries if e.key == key), None)
    if entry is not None:
        return _replace_yaml(inner, entry, said, eol)
    at = _yaml_place(inner, read.entries, key)
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


def _yaml_place(inner: str, entries: tuple[yamltext.Entry, ...], key: str) -> int:
    """Title first, then description, then tags; never between a comment and the key that it speaks of."""
    if not entries:
        return len(inner)
    if key == "title":
        at = entries[0].key_start
        above = inner[:at].rpartition("\n\n")[0] if "\n\n" in inner[:at] else ""
        return at if not inner[:at].strip() or above else 0
    before = [e for e in entries if e.key in ("title", "description")[: 1 if key == "description" else 2]]
    for entry in reversed(before):
        end = inner.find("\n", entry.end)
        if entry.style in (None, "'", '"') and end >= 0 and inner[entry.start : entry.end]:
            return end + 1
    return len(inner)


def _set_toml(inner: str, key: str, value: Value, eol: str, ascii_only: bool, previous: list[str]) -> str:
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


def _set_json(inner: str, key: str, value: Value, eol: str, ascii_only: bool, previous: list[str]) -> str:
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


def _prove(before: Document, after: Document, changes: Mapping[str, Value], converted: bool) -> None:
    """The new bytes say what was asked, and all else says what it said."""
    old = plain(before.values)
    wanted = {k: v for k, v in old.items() if k not in changes}
    found = plain(after.values)
    rest = {k: v for k, v in found.items() if k not in changes}
    kind = "yaml" if converted or before.kind in ("none", "rule") else before.kind
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
