"""JavaScript and TypeScript as tree-sitter reads them: parsing, and which names an expression takes from outside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

TYPESCRIPT = (".ts", ".mts", ".cts")
PATTERNS = {"identifier", "shorthand_property_identifier_pattern"}
_SCOPES = {"arrow_function", "function_expression", "function_declaration", "method_definition",
           "generator_function", "generator_function_declaration", "catch_clause", "class"}  # fmt: skip
_DEPTH = 400


@cache
def _parser(kind: str) -> Parser:
    import tree_sitter
    import tree_sitter_javascript
    import tree_sitter_typescript

    grammar = {
        "js": tree_sitter_javascript.language,
        "ts": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
    }[kind]
    return tree_sitter.Parser(tree_sitter.Language(grammar()))


def parse(source: str | bytes, suffix: str = ".js") -> Node:
    """The root of the syntax tree. `suffix`: the file's, with its dot; it says which grammar."""
    kind = "ts" if suffix in TYPESCRIPT else "tsx" if suffix == ".tsx" else "js"
    data = source.encode("utf-8", "replace") if isinstance(source, str) else source
    return _parser(kind).parse(data).root_node


def text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def walk(node: Node, depth: int = 0) -> Iterator[Node]:
    """The node and all below it, in the order of the source; what is nested absurdly deep is left out."""
    yield node
    if depth < _DEPTH:
        for child in node.children:
            yield from walk(child, depth + 1)


def children(node: Node | None, *kinds: str) -> list[Node]:
    return [] if node is None else [child for child in node.named_children if not kinds or child.type in kinds]


def string(node: Node | None) -> str | None:
    """What a string literal without escapes says."""
    if node is None or node.type != "string":
        return None
    parts = children(node)
    if any(part.type != "string_fragment" for part in parts):
        return None
    return "".join(text(part) for part in parts)


def bound(pattern: Node | None) -> list[str]:
    """The names that a parameter or the left side of a declaration binds."""
    if pattern is None:
        return []
    if pattern.type in PATTERNS:
        return [text(pattern)]
    if pattern.type in ("assignment_pattern", "object_assignment_pattern"):
        return bound(pattern.child_by_field_name("left") or pattern.named_children[0])
    if pattern.type == "pair_pattern":
        return bound(pattern.child_by_field_name("value"))
    if pattern.type in ("required_parameter", "optional_parameter"):
        return bound(pattern.child_by_field_name("pattern"))
    return [name for child in pattern.named_children for name in bound(child)]


def free(node: Node) -> set[str]:
    """Names that `node` uses and does not bind itself. Types do not count."""
    found: set[str] = set()
    _free(node, frozenset(), found, 0)
    return found


def _free(node: Node, known: frozenset[str], found: set[str], depth: int) -> None:
    if depth > _DEPTH or node.type in ("type_annotation", "type_arguments", "type_identifier"):
        return
    if node.type in ("identifier", "shorthand_property_identifier"):
        if text(node) not in known:
            found.add(text(node))
        return
    if node.type in _SCOPES or node.type == "statement_block":
        known = known | _own(node)
    for child in node.named_children:
        _free(child, known, found, depth + 1)


def _own(scope: Node) -> frozenset[str]:
    """What a function or block binds: its name, its parameters, and what is declared right in it."""
    names: list[str] = []
    if scope.type in _SCOPES:
        for field in ("parameters", "parameter", "name"):
            names += bound(scope.child_by_field_name(field))
        if scope.type not in ("arrow_function", "catch_clause", "class"):
            names.append("arguments")
    body = scope.child_by_field_name("body") if scope.type in _SCOPES else scope
    for statement in children(body):
        names += declared(statement)
    return frozenset(names)


def declared(statement: Node) -> list[str]:
    """The names that one statement declares in its own scope."""
    if statement.type in ("lexical_declaration", "variable_declaration"):
        return [name for one in children(statement, "variable_declarator") for name in bound(one.named_children[0])]
    if statement.type in ("function_declaration", "class_declaration", "generator_function_declaration"):
        return bound(statement.child_by_field_name("name"))
    if statement.type == "for_in_statement":
        return bound(statement.child_by_field_name("left"))
    if statement.type == "for_statement":
        first = statement.child_by_field_name("initializer")
        return declared(first) if first is not None else []
    return []
