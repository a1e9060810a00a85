"""What a module exports, from its syntax tree: names, parameters with their defaults, members of classes, literals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pantheon_git.tools.ava.syntax import bound, children, parse, string, text, walk

if TYPE_CHECKING:
    from tree_sitter import Node

SUFFIXES = (".js", ".mjs", ".ts", ".mts", ".tsx", ".jsx")
_FUNCTIONS = {"function_declaration", "function_expression", "arrow_function", "generator_function",
              "generator_function_declaration", "function_signature", "function"}  # fmt: skip
_CLASSES = {"class_declaration", "class", "abstract_class_declaration"}
_TYPES_ONLY = {"interface_declaration", "type_alias_declaration", "function_signature"}


@dataclass(frozen=True)
class Parameter:
    name: str
    """Empty for a pattern."""
    default: str = ""
    """Source text."""
    type: str = ""
    """Source text of its TypeScript type."""
    optional: bool = False
    rest: bool = False
    keys: tuple[tuple[str, str], ...] = ()
    """Of an object that is taken apart: key and its default's source text."""


@dataclass(frozen=True)
class Export:
    name: str
    """`default` or the exported name."""
    local: str = ""
    """The name within its module, where it has one."""
    kind: str = ""
    """`function`, `class`, `value`, or empty where another module says."""
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    """Source text, for the names of options."""
    members: tuple[tuple[str, tuple[Parameter, ...]], ...] = ()
    """Of a class: its methods with their parameters, `constructor` among them."""


@dataclass
class Module:
    exports: dict[str, Export] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    """Specifiers of `export * from`."""
    strings: list[str] = field(default_factory=list)
    """Short string literals of the source, in order, each once."""


def read_module(file: Path, root: Path, seen: frozenset[Path] = frozenset()) -> Module:
    """The module's exports, through `export … from` of files of its own repository."""
    module, imported = _read(file.read_bytes(), file.suffix)
    for name, export in list(module.exports.items()):
        if export.kind == "" and export.local in imported:
            specifier, original = imported[export.local]
            there = _follow(file, specifier, root, seen)
            if there is not None and original in there.exports:
                other = there.exports[original]
                module.exports[name] = Export(
                    name, other.local, other.kind, other.parameters, other.body, other.members
                )
    for specifier in module.stars:
        there = _follow(file, specifier, root, seen)
        for name, export in (there.exports if there else {}).items():
            if name != "default":
                module.exports.setdefault(name, export)
    return module


def _follow(file: Path, specifier: str, root: Path, seen: frozenset[Path]) -> Module | None:
    if not specifier.startswith("."):
        return None
    target = file.parent / specifier
    tries = [target, *(target.with_suffix(suffix) for suffix in SUFFIXES if target.suffix in (".js", ".mjs"))]
    for path in tries:
        real = path.resolve()
        if real.is_file() and real.is_relative_to(root.resolve()) and real not in seen and len(seen) < 20:
            return read_module(real, root, seen | {file.resolve()})
    return None


def _read(source: bytes, suffix: str) -> tuple[Module, dict[str, tuple[str, str]]]:
    tree, module = parse(source, suffix), Module()
    declarations: dict[str, Node] = {}
    imported: dict[str, tuple[str, str]] = {}
    for statement in tree.named_children:
        inner = statement.child_by_field_name("declaration") if statement.type == "export_statement" else statement
        for name, node in _declarations(inner):
            declarations.setdefault(name, node)
        if statement.type == "import_statement":
            imported.update(_imports(statement))
    for number, statement in enumerate(children(tree, "export_statement")):
        _export(statement, number, module, declarations, imported)
    known = dict.fromkeys(s for node in walk(tree) if (s := string(node)) and len(s) <= 40 and not _of_import(node))
    module.strings = list(known)[:40]
    return module, imported


def _of_import(node: Node) -> bool:
    return node.parent is not None and node.parent.type in ("import_statement", "export_statement")


def _declarations(node: Node | None) -> Iterator[tuple[str, Node]]:
    if node is None:
        return
    if node.type in ("lexical_declaration", "variable_declaration"):
        for one in children(node, "variable_declarator"):
            value = one.child_by_field_name("value")
            for name in bound(one.named_children[0]):
                yield name, value if value is not None else one
    elif node.type == "ambient_declaration":
        for child in node.named_children:
            yield from _declarations(child)
    elif (name_node := node.child_by_field_name("name")) is not None:
        yield text(name_node), node


def _imports(statement: Node) -> Iterator[tuple[str, tuple[str, str]]]:
    source = string(statement.child_by_field_name("source")) or ""
    for clause in children(statement, "import_clause"):
        for node in clause.named_children:
            if node.type == "identifier":
                yield text(node), (source, "default")
            for one in children(node, "import_specifier"):
                name, alias = one.child_by_field_name("name"), one.child_by_field_name("alias")
                yield text(alias or name), (source, text(name))


def _export(
    statement: Node, number: int, module: Module, declared: dict[str, Node], imported: dict[str, tuple[str, str]]
) -> None:
    source = string(statement.child_by_field_name("source"))
    words = {child.type for child in statement.children}
    if "type" in words:
        return
    inner = statement.child_by_field_name("declaration") or statement.child_by_field_name("value")
    if "default" in words and inner is not None:
        if inner.type != "interface_declaration":
            name = text(inner) if inner.type == "identifier" else text(inner.child_by_field_name("name"))
            module.exports["default"] = _describe("default", name, declared.get(name, inner))
    elif inner is not None and inner.type not in _TYPES_ONLY - {"function_signature"}:
        for name, node in _declarations(inner):
            module.exports[name] = _describe(name, name, node)
    elif any(child.type == "export_clause" for child in statement.children):
        for one in children(children(statement, "export_clause")[0], "export_specifier"):
            _specifier(one, number, source, module, declared, imported)
    elif "*" in words and source is not None:
        module.stars.append(source)
    elif (spaces := children(statement, "namespace_export")) and source is not None:
        module.exports[text(spaces[0].named_children[0])] = Export(text(spaces[0].named_children[0]), kind="value")


def _specifier(one: Node, number: int, source: str | None, module: Module, declared: dict[str, Node],
               imported: dict[str, tuple[str, str]]) -> None:  # fmt: skip
    if any(child.type == "type" for child in one.children):
        return
    local = text(one.child_by_field_name("name"))
    alias = one.child_by_field_name("alias")
    name = (string(alias) or text(alias)) if alias is not None else local
    if source is not None:
        handle = f"{number}:{local}"
        imported[handle] = (source, local)
        module.exports[name] = Export(name, handle)
    elif local in declared and declared[local].type in _TYPES_ONLY - {"function_signature"}:
        return
    else:
        module.exports[name] = _describe(name, local, declared[local]) if local in declared else Export(name, local)


def _describe(name: str, local: str, node: Node) -> Export:
    if node.type in _FUNCTIONS:
        return Export(name, local, "function", parameters(node), text(node))
    if node.type in _CLASSES:
        body = node.child_by_field_name("body")
        members = [(text(one.child_by_field_name("name")), parameters(one))
                   for one in children(body, "method_definition", "method_signature")]  # fmt: skip
        return Export(name, local, "class", dict(members).get("constructor", ()), text(node), tuple(members))
    return Export(name, local, "value", body=text(node))


def parameters(function: Node) -> tuple[Parameter, ...]:
    """The parameters of a function, method, signature or type of function."""
    single = function.child_by_field_name("parameter")
    if single is not None:
        return (Parameter(text(single)),)
    listed = function.child_by_field_name("parameters")
    found = [_parameter(node) for node in children(listed) if node.type != "comment"]
    return tuple(one for one in found if one.name != "this")


def _parameter(node: Node) -> Parameter:
    default, type_, optional = "", "", node.type == "optional_parameter"
    if node.type in ("required_parameter", "optional_parameter"):
        default = text(node.child_by_field_name("value"))
        type_ = text(node.child_by_field_name("type")).lstrip(": ")
        node = node.child_by_field_name("pattern") or node.named_children[0]
    if node.type == "assignment_pattern":
        default = text(node.child_by_field_name("right"))
        node = node.child_by_field_name("left") or node.named_children[0]
    if node.type == "rest_pattern":
        return Parameter(text(node.named_children[0]), default, type_, True, True)
    name = text(node) if node.type == "identifier" else ""
    return Parameter(name, default, type_, optional or bool(default), False, tuple(_keys(node)))


def _keys(pattern: Node) -> Iterator[tuple[str, str]]:
    for one in children(pattern) if pattern.type == "object_pattern" else ():
        if one.type == "shorthand_property_identifier_pattern":
            yield text(one), ""
        elif one.type == "object_assignment_pattern":
            yield text(one.named_children[0]), text(one.named_children[-1])
        elif one.type == "pair_pattern":
            value = one.child_by_field_name("value")
            has_default = value is not None and value.type == "assignment_pattern"
            yield text(one.child_by_field_name("key")), text(value.named_children[-1]) if value and has_default else ""
