"""Bytes → Document: where the front matter is, of which kind, and what it says. Nothing is ever lost:
`document.text == head + inner + close + body`, and encoding it again gives the very bytes that were read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.protocol import ToolError

Kind = Literal["none", "yaml", "toml", "json", "unclosed", "malformed", "rule"]
"""`rule`: a leading thematic break that is no front matter. `unclosed` and `malformed` are never written to."""

WRITABLE: tuple[Kind, ...] = ("none", "yaml", "toml", "json", "rule")
SUFFIXES = (".md", ".mdx", ".markdown", ".mdown", ".mkd", ".mkdn", ".qmd", ".rmd")
MAX_BYTES = 4_000_000

_YAML_OPEN = re.compile(r"---[ \t]*\r?\n")
_YAML_CLOSE = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_TOML_OPEN = re.compile(r"\+\+\+[ \t]*\r?\n")
_TOML_CLOSE = re.compile(r"^\+\+\+[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_BLANKS = re.compile(r"(?:[ \t]*\r?\n)+")
_KEY_LINE = re.compile(r"^[A-Za-z_][\w-]*[ \t]*:(?:[ \t]|\r?\n|\Z)", re.MULTILINE)
_KEY = re.compile(r"[\w$@/.<-]+(?: [\w$@/.<-]+){0,2}")
_KNOWN_KEYS = {"title", "description", "date", "layout", "slug", "draft", "tags", "categories", "author", "weight"}


@dataclass(frozen=True)
class Document:
    raw: bytes
    encoding: str
    bom: str
    eol: str
    kind: Kind
    head: str
    """What stands before the front matter's own text: blank lines and the opening delimiter."""
    inner: str
    close: str
    body: str
    reason: str = ""
    """Why the kind is what it is, where that is not plain to see."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The front matter in order; YAML scalars that are not strings appear as `yamltext.Scalar`."""
    repairs: tuple[str, ...] = ()
    """What had to be mended to read `inner` (which is the mended text; `raw` is not)."""

    @property
    def text(self) -> str:
        return self.head + self.inner + self.close + self.body

    def encode(self, text: str) -> bytes:
        """The bytes of `text` in this document's own encoding; ToolError where it cannot say them."""
        try:
            return (self.bom + text).encode(self.encoding)
        except UnicodeEncodeError as error:
            raise ToolError("refused", f"the file's encoding {self.encoding} cannot hold {error.object!r}") from error


def parse(raw: bytes) -> Document:
    """Never fails on content that is text; ToolError("refused") on what is not text or far too large."""
    if len(raw) > MAX_BYTES:
        raise ToolError("refused", f"{len(raw)} bytes are more than a document has")
    text, encoding = _decode(raw)
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix("\ufeff")
    if "\ufeff" in text[:1] or "\x00" in text:
        raise ToolError("refused", "not a text file")
    parts = _split(text)
    eol = _eol(parts["head"] + parts["inner"] + parts["close"]) or _eol(text) or "\n"
    return Document(raw=raw, encoding=encoding, bom=bom, eol=eol, **parts)


def _decode(raw: bytes) -> tuple[str, str]:
    encodings = ["utf-8", "cp1252"]
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16-le" if raw[:1] == b"\xff" else "utf-16-be"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.encode(encoding) == raw and (encoding != "cp1252" or _mostly_ascii(text)):
            return text, encoding
    raise ToolError("refused", "the file's encoding is not known (neither UTF-8, UTF-16 with a mark, nor Western)")


def _mostly_ascii(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return sum(c > "\x7f" for c in letters) * 5 <= len(letters)


def _eol(text: str) -> str:
    crlf = text.count("\r\n")
    lf = text.count("\n") - crlf
    if crlf == lf == 0:
        return ""
    return "\r\n" if crlf > lf else "\n"


def _whole(kind: Kind, text: str, reason: str = "") -> dict[str, Any]:
    return {"kind": kind, "head": "", "inner": "", "close": "", "body": text, "reason": reason}


def _split(text: str) -> dict[str, Any]:
    blanks = _BLANKS.match(text)
    start = blanks.end() if blanks else 0
    if text.startswith("---", start):
        return _split_yaml(text, start)
    if text.startswith("+++", start):
        return _split_toml(text, start)
    if text.startswith("{", start):
        return _split_json(text, start)
    return _whole("none", text)


def _split_yaml(text: str, start: int) -> dict[str, Any]:
    opening = _YAML_OPEN.match(text, start)
    if opening is None:
        return _whole("none", text)
    closing = _YAML_CLOSE.search(text, opening.end())
    if closing is None:
        if _KEY_LINE.match(text, opening.end()):
            return _whole("unclosed", text, "the front matter is opened by `---` and never closed")
        return _whole("rule", text, "the leading `---` is a rule: it is never closed and no key follows it")
    inner = text[opening.end() : closing.start()]
    read = yamltext.read(inner)
    if read.values is None:
        if read.shape == "text" and not _KEY_LINE.search(inner):
            return _whole("rule", text, "the leading `---` is a rule: what follows it is prose")
        return _whole("malformed", text, read.reason)
    if not all(_KEY.fullmatch(key) for key in read.values):
        return _whole("malformed", text, "the text between the `---` lines does not read like metadata")
    if start and not (len(read.values) > 1 and _KNOWN_KEYS & set(read.values)):
        return _whole("rule", text, "blank lines stand before the `---`, and what follows does not read like metadata")
    return {
        "kind": "yaml", "head": text[: opening.end()], "inner": read.text, "close": closing.group(),
        "body": text[closing.end() :], "values": read.values, "repairs": read.repairs,
    }  # fmt: skip


def _split_toml(text: str, start: int) -> dict[str, Any]:
    import tomllib

    opening = _TOML_OPEN.match(text, start)
    if opening is None:
        return _whole("none", text)
    closing = _TOML_CLOSE.search(text, opening.end())
    if closing is None:
        return _whole("unclosed", text, "the front matter is opened by `+++` and never closed")
    inner = text[opening.end() : closing.start()]
    try:
        values = tomllib.loads(inner)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return _whole("malformed", text, f"TOML: {error}")
    return {
        "kind": "toml", "head": text[: opening.end()], "inner": inner, "close": closing.group(),
        "body": text[closing.end() :], "values": values,
    }  # fmt: skip


def _split_json(text: str, start: int) -> dict[str, Any]:
    if not re.match(r'\{\s*(?:"|\})', text[start:]):
        return _whole("none", text)  # a template or an MDX expression
    try:
        values, end = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        return _whole("malformed", text, f"it looks like JSON front matter, but: {error}")
    rest = re.compile(r"[ \t]*(?:\r?\n|\Z)").match(text, end)
    if rest is None or not isinstance(values, dict):
        return _whole("malformed", text, "text follows the JSON front matter on its own line")
    return {
        "kind": "json", "head": text[:start], "inner": text[start:end], "close": rest.group(),
        "body": text[rest.end() :], "values": values,
    }  # fmt: skip


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
