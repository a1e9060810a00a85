"""Texts among data: YAML, TOML, JSON and JavaScript, with where each stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pantheon_git.tools.links.span import Kind, Span

_JSON = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
_TOML = re.compile(
    r'#[^\n]*|"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?P<basic>(?:[^"\\\n]|\\.)*)"|\'(?P<literal>[^\'\n]*)\'', re.DOTALL
)
_STYLES = {"'": "single", '"': "json", None: "yaml"}


def yaml_spans(text: str, kind: Kind, start: int = 0) -> Iterator[tuple[str, Span]]:
    """(key, span) of each scalar; the key of a list's entries is the list's own, that of a key is empty. A stream that
    does not scan gives what was read before the fault. `start`: offset of the text in its file."""
    from ruamel.yaml import YAML
    from ruamel.yaml import tokens as t
    from ruamel.yaml.error import YAMLError

    keys, in_key = [""], False
    begins = (t.BlockMappingStartToken, t.FlowMappingStartToken, t.BlockSequenceStartToken, t.FlowSequenceStartToken)
    ends = (t.BlockEndToken, t.FlowMappingEndToken, t.FlowSequenceEndToken)
    try:
        for token in YAML(typ="safe", pure=True).scan(_tame(text)):
            if isinstance(token, begins):
                keys.append(keys[-1])
            elif isinstance(token, ends):
                keys.pop()
            elif isinstance(token, (t.KeyToken, t.ValueToken)):
                in_key = isinstance(token, t.KeyToken)
            elif isinstance(token, t.ScalarToken):
                if in_key:
                    keys[-1] = str(token.value)
                key = "" if in_key else keys[-1]
                yield from _scalar(text, token.start_mark.index, token.end_mark.index, key, kind, start)
                in_key = False
    except YAMLError:
        return


def _tame(text: str) -> str:
    """The text, as long, in characters that YAML takes."""
    return re.sub(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff", "?", text)


def _scalar(text: str, begin: int, end: int, key: str, kind: Kind, start: int) -> Iterator[tuple[str, Span]]:
    mark = text[begin : begin + 1]
    if mark in "'\"" and end - begin >= 2:
        inner = text[begin + 1 : end - 1]
        value = inner.replace("''", "'") if mark == "'" else _unescaped(inner)
        yield key, Span(start + begin + 1, start + end - 1, value, _STYLES[mark], kind)
    elif mark not in "|>":
        plain = text[begin:end]
        yield key, Span(start + begin, start + begin + len(plain.rstrip()), plain.rstrip(), "yaml", kind)


def json_spans(text: str, kind: Kind) -> Iterator[tuple[str, Span]]:
    """(key, span) of each string of JSON (comments are fine), keys included (then the key is empty)."""
    key = ""
    for found in _JSON.finditer(text):
        if not found[0].startswith('"'):
            continue
        span = Span(found.start() + 1, found.end() - 1, _unescaped(found[0][1:-1]), "json", kind)
        if re.match(r"\s*:", text[found.end() : found.end() + 40]):
            key = span.text
            yield "", span
        else:
            yield key, span


def toml_spans(text: str, kind: Kind) -> Iterator[tuple[str, Span]]:
    """(key, span) of each one-line string of TOML; where several are in a list, the key is the list's."""
    for found in _TOML.finditer(text):
        group = found.lastgroup
        if group is None:
            continue
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        name = re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line)
        value = _unescaped(found[group]) if group == "basic" else found[group]
        style = "json" if group == "basic" else "word"
        yield (name[1] if name else ""), Span(*found.span(group), value, style, kind)


def _unescaped(inner: str) -> str:
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        return inner


def script_spans(text: str, kind: Kind, typed: bool) -> Iterator[tuple[str, Span]]:
    """(key, span) of each string of JavaScript or TypeScript, by tree-sitter. `typed`: TSX, else JSX."""
    import tree_sitter
    import tree_sitter_javascript
    import tree_sitter_typescript

    raw = text.encode("utf-8", "surrogatepass")
    language = tree_sitter_typescript.language_tsx() if typed else tree_sitter_javascript.language()
    tree = tree_sitter.Parser(tree_sitter.Language(language)).parse(raw)
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        pending += reversed(node.children)
        if node.type not in ("string", "template_string") or node.end_byte - node.start_byte < 3:
            continue
        if any(child.type == "template_substitution" for child in node.children):
            continue
        start = len(raw[: node.start_byte + 1].decode("utf-8", "surrogatepass"))
        inner = raw[node.start_byte + 1 : node.end_byte - 1].decode("utf-8", "surrogatepass")
        mark = text[start - 1]
        parent = node.parent
        named = parent.child_by_field_name("key") if parent is not None and parent.type == "pair" else None
        key = "" if named is None else raw[named.start_byte : named.end_byte].decode("utf-8", "surrogatepass")
        style = {'"': "json", "'": "js'", "`": "js`"}.get(mark, "word")
        yield key.strip("\"'"), Span(start, start + len(inner), _unescaped(inner), style, kind)
