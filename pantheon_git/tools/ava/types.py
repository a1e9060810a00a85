"""Declared types of a module (`.d.ts` beside it, or its own TypeScript): signatures, and values that fit them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pantheon_git.tools.ava.exports import Parameter, parameters, read_module
from pantheon_git.tools.ava.syntax import children, parse, text, walk
from pantheon_git.tools.ava.values import (
    ANY,
    ARRAYS,
    BOOLEANS,
    FUNCTIONS,
    KINDS,
    NUMBERS,
    OBJECTS,
    STRINGS,
    kinds_of_name,
    mixed,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEP = 3
_NAMED = {
    "RegExp": "regexp", "Date": "date", "URL": "url", "Buffer": "bytes", "Uint8Array": "bytes", "ArrayBuffer": "bytes",
    "Error": "error", "AbortSignal": "signal", "Function": "function", "object": "object", "symbol": "symbol",
    "NodeStream": "stream", "Stream": "stream", "Readable": "stream", "ReadableStream": "stream",
    "Writable": "stream", "WritableStream": "stream", "PropertyKey": "string", "TypedArray": "bytes",
}  # fmt: skip
_WRAPPERS = {"Iterable", "AsyncIterable", "Array", "ReadonlyArray", "Iterator"}
_SAME = {"Readonly", "Partial", "Required", "NonNullable", "ReadonlyDeep", "PartialDeep", "LiteralUnion", "Except",
         "Omit", "Pick", "Awaited", "Jsonify"}  # fmt: skip


@dataclass
class Types:
    source: str = ""
    functions: dict[str, list[tuple[Parameter, ...]]] = field(default_factory=dict)
    """Export, or `Class.method` → the parameters of each overload."""
    shapes: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Name of an interface or object type → its properties with their types."""
    aliases: dict[str, str] = field(default_factory=dict)


def find_types(module: Path, root: Path, manifest: dict[str, object]) -> Path | None:
    """The file that declares the module's types, within the repository."""
    if module.suffix in (".ts", ".mts", ".tsx"):
        return module
    stem = module.with_suffix("")
    tries = [stem.with_suffix(s) for s in (".d.ts", ".d.mts")]
    entry = manifest.get("types") or manifest.get("typings")
    exported = json.dumps(manifest.get("exports"))
    tries += [root / name for name in [entry, *re.findall(r'"types": "([^"]+)"', exported)] if isinstance(name, str)]
    return next((t for t in tries if t.is_file() and t.resolve().is_relative_to(root.resolve())), None)


def read_types(file: Path | None, root: Path) -> Types:
    """The declarations of the file, and of files of the repository that it exports from."""
    types = Types()
    if file is not None:
        _collect(file, root, types, set())
    return types


def _collect(file: Path, root: Path, types: Types, seen: set[Path]) -> None:
    if file in seen or len(seen) > 20 or not file.is_file() or file.stat().st_size > 400_000:
        return
    seen.add(file)
    source = file.read_text("utf-8", "replace")
    types.source += source + "\n"
    tree = parse(source, ".ts")
    for node in walk(tree):
        _declaration(node, types)
    for name, export in read_module(file, root).exports.items():
        if export.local in types.functions:
            types.functions.setdefault(name, types.functions[export.local])
    for specifier in re.findall(r"(?:from|import)\s*\(?'(\.[^']+)'", source):
        base = (file.parent / specifier).resolve()
        for target in (base.with_suffix(".d.ts"), base, base.with_suffix(".ts"), base.with_suffix(".d.mts")):
            if target.is_file() and target.suffix in (".ts", ".mts") and target.is_relative_to(root.resolve()):
                _collect(target, root, types, seen)
                break


def _declaration(node: Node, types: Types) -> None:
    name = text(node.child_by_field_name("name"))
    if node.type in ("function_signature", "function_declaration"):
        anonymous = node.parent is not None and any(child.type == "default" for child in node.parent.children)
        for key in {name, "default" if anonymous else name}:
            types.functions.setdefault(key, []).append(parameters(node))
    elif node.type == "interface_declaration":
        types.shapes.setdefault(name, []).extend(_properties(node.child_by_field_name("body")))
    elif node.type == "type_alias_declaration":
        value = node.child_by_field_name("value")
        types.aliases[name] = text(value)
        for one in walk(value) if value is not None else ():
            if one.type == "object_type":
                types.shapes.setdefault(name, []).extend(_properties(one))
    elif node.type in ("class_declaration", "abstract_class_declaration"):
        for member in children(node.child_by_field_name("body"), "method_signature", "method_definition"):
            types.functions.setdefault(f"{name}.{text(member.child_by_field_name('name'))}", []).append(
                parameters(member)
            )
    elif node.type == "variable_declarator":
        for one in walk(node):
            if one.type in ("function_type", "call_signature"):
                types.functions.setdefault(name, []).append(parameters(one))


def _properties(body: Node | None) -> Iterator[tuple[str, str]]:
    for member in children(body, "property_signature"):
        name = text(member.child_by_field_name("name"))
        if re.fullmatch(r"[A-Za-z_$][\w$]*", name):
            yield name, text(member.child_by_field_name("type")).lstrip(": ")
    for member in children(body, "method_signature"):
        name = text(member.child_by_field_name("name"))
        if re.fullmatch(r"[A-Za-z_$][\w$]*", name):
            yield name, "() => void"


def fitting(kind: str, types: Types, name: str = "", depth: int = 0) -> list[str]:
    """Source texts of values that fit a type's source text, the plainest first; empty where nothing is known."""
    kind = kind.strip()
    while kind.startswith("(") and _closes(kind):
        kind = kind[1:-1].strip()
    parts = _split(kind, "|")
    if re.match(r"(<[^()]*>\s*)?\(", parts[0] if parts else "") and "=>" in parts[0]:
        return list(FUNCTIONS)
    if len(parts) > 1:
        rows = [fitting(part, types, name, depth) for part in parts]
        return list(dict.fromkeys(row[i] for i in range(8) for row in rows if i < len(row)))
    kind = re.sub(r"^(readonly|unique)\s+", "", kind)
    if "=>" in kind and not kind.startswith("{"):
        return list(FUNCTIONS)
    if re.fullmatch(r"'[^'\\\n]*'|\"[^'\"\\\n]*\"|-?\d[\d_.]*|true|false|null|undefined", kind):
        return [kind.replace('"', "'")]
    if kind.startswith("`"):
        return ["'" + re.sub(r"\$\{[^}]*\}", "1", kind.strip("`")).replace("'", "") + "'"]
    if kind in ("string", "number", "boolean"):
        return _plain(kind, name)
    if kind.endswith("[]"):
        return _listed(fitting(kind[:-2], types, name, depth + 1)) or list(ARRAYS)
    if kind.startswith("["):
        inner = [fitting(part, types, name, depth + 1) for part in _split(kind[1:-1], ",")]
        return [f"[{', '.join(row[0] for row in inner if row)}]"]
    return _named(kind, types, name, depth)


def _plain(kind: str, name: str) -> list[str]:
    if kind == "boolean":
        return list(BOOLEANS)
    special = [k for k in kinds_of_name(name) if k in ("url", "file", "folder")] if kind == "string" else []
    return [*mixed(special, 3), *(STRINGS if kind == "string" else NUMBERS)]


def _named(kind: str, types: Types, name: str, depth: int) -> list[str]:
    match = re.fullmatch(r"([\w$.]+)\s*(?:<(.*)>)?", kind, re.DOTALL)
    base = match[1].rpartition(".")[2] if match else ""
    inside = _split(match[2], ",") if match and match[2] else []
    if base in _WRAPPERS and inside:
        return _listed(fitting(inside[0], types, name, depth + 1)) or list(KINDS["iterable"])
    if base in _SAME and inside:
        return fitting(inside[0], types, name, depth)
    if base in ("Set", "ReadonlySet", "Map", "ReadonlyMap", "WeakMap", "Promise", "PromiseLike"):
        return list(KINDS[{"Set": "set", "Map": "map", "WeakMap": "map"}.get(base.removeprefix("Readonly"), "promise")])
    if base == "Record":
        return list(OBJECTS)
    if base in _NAMED:
        return list(KINDS[_NAMED[base]])
    if depth < _DEEP and base in types.shapes and types.shapes[base]:
        return shaped(types.shapes[base], types, depth + 1)
    if depth < _DEEP and base in types.aliases and types.aliases[base] != kind:
        return fitting(types.aliases[base], types, name, depth + 1)
    if kind in ("unknown", "any", "T", "Value", "V", "Element", "{}") or re.fullmatch(r"[A-Z]\w*Type|[A-Z]", kind):
        return mixed(kinds_of_name(name), 8) or list(ANY)
    return []


def shaped(properties: list[tuple[str, str]], types: Types, depth: int = 0) -> list[str]:
    """Objects with one property each, then with several: each property gets the values that fit it, in turn."""
    rows = [(name, fitting(kind, types, name, depth)[:6]) for name, kind in dict(properties).items()]
    rows = [(name, values) for name, values in rows if values]
    single = [f"{{{name}: {values[i]}}}" for i in range(6) for name, values in rows if i < len(values)]
    whole = ["{" + ", ".join(f"{name}: {v[i % len(v)]}" for name, v in rows) + "}" for i in range(2)]
    return list(dict.fromkeys([*single[:4], *(whole if 1 < len(rows) <= 8 else []), *single[4:24]]))


def _listed(values: list[str]) -> list[str]:
    return [f"[{', '.join(v for v in values[:3] if 'reject' not in v)}]", f"[{values[0]}]", "[]"] if values else []


def _closes(kind: str) -> bool:
    """Whether the bracket that opens the text closes at its end."""
    level = 0
    for place, char in enumerate(kind):
        level += (char == "(") - (char == ")")
        if level == 0:
            return place == len(kind) - 1
    return False


def _split(kind: str, mark: str) -> list[str]:
    """The parts of a type between marks that stand outside of brackets and quotes."""
    parts, level, quoted, start = [], 0, "", 0
    for place, char in enumerate(kind):
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "'\"`":
            quoted = char
        elif char in "(<[{":
            level += 1
        elif char in ")]}" or (char == ">" and kind[place - 1 : place] != "="):
            level -= 1
        elif char == mark and level == 0:
            parts.append(kind[start:place])
            start = place + 1
    return [part.strip() for part in [*parts, kind[start:]] if part.strip()]
