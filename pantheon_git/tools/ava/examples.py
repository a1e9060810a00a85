"""Calls that somebody wrote down: code blocks of the README, examples in comments, uses in other files of the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pantheon_git.tools.ava.candidate import GLOBALS, HELPERS, RECORD, Candidate
from pantheon_git.tools.ava.syntax import children, declared, free, parse, string, text, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_FENCE = re.compile(
    r"^(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=mark)", re.MULTILINE | re.DOTALL
)
_COMMENT = re.compile(r"/\*\*(.*?)\*/", re.DOTALL)
_LANGUAGES = {"", "js", "javascript", "mjs", "ts", "typescript", "jsx", "node"}
_PRINTS = {"console.log", "console.error", "console.info", "console.dir", "assert", "assert.equal", "assert.deepEqual",
           "assert.strictEqual", "assert.deepStrictEqual"}  # fmt: skip
_LONGEST = 400


@dataclass(frozen=True)
class Names:
    """How a module's exports are called: `locals` maps export to the test's name; `packages` are what imports it."""

    locals: Mapping[str, str]
    packages: tuple[str, ...]

    def is_module(self, specifier: str) -> bool:
        return specifier in self.packages

    def known(self) -> frozenset[str]:
        return frozenset(self.locals.values()) | GLOBALS | HELPERS.keys()


def blocks(markdown: str) -> list[str]:
    """The code blocks of a Markdown text that may be JavaScript."""
    found = [(m["language"].lower(), m["code"]) for m in _FENCE.finditer(markdown)]
    return [code for language, code in found if language in _LANGUAGES and len(code) < 8000]


def comment_blocks(source: str) -> list[str]:
    """The code blocks in the documentation comments of a source file, and what follows `@example` without a fence."""
    found = []
    for match in _COMMENT.finditer(source):
        body = re.sub(r"^[ \t]*\*? ?", "", match[1], flags=re.MULTILINE)
        fenced = blocks(body)
        if not fenced and "@example" in body:
            fenced = [
                re.split(r"^@\w+", part, maxsplit=1, flags=re.MULTILINE)[0] for part in body.split("@example")[1:]
            ]
        found += fenced
    return found


@dataclass
class _Block:
    statements: list[Node] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    """Local name in the block → our name for that export."""
    foreign: set[str] = field(default_factory=set)
    """Names that something else is imported as."""


def from_code(code: str, names: Names, origin: str, suffix: str = ".js") -> list[Candidate]:
    """The calls of one code block, each with the statements that it needs. Nothing is run here."""
    block = _read(parse(code, suffix), names)
    found: list[Candidate] = []
    for index, statement in enumerate(block.statements):
        for expression in _expressions(statement):
            if made := _candidate(expression, index, block, names, origin):
                found += [made, *_recording(made)]
    return found


def _recording(candidate: Candidate) -> Iterator[Candidate]:
    """The same, its last callback writing down what it is called with, where it only prints or does nothing."""
    for field_ in ("expr", "setup"):
        code = getattr(candidate, field_)
        tree = parse(f"({code})" if field_ == "expr" else code)
        idle = [node for node in walk(tree) if node.type in ("arrow_function", "function_expression") and _idle(node)]
        if idle and not tree.has_error:
            shift = 1 if field_ == "expr" else 0
            data, node = code.encode(), idle[-1]
            new = data[: node.start_byte - shift] + RECORD.encode() + data[node.end_byte - shift :]
            setup = "const calls = [];\n" + (new.decode() if field_ == "setup" else candidate.setup)
            expr = new.decode() if field_ == "expr" else candidate.expr
            yield replace(candidate, expr=expr, setup=setup.rstrip(), then="calls")
            return


def _idle(function: Node) -> bool:
    body = function.child_by_field_name("body")
    if body is None:
        return False
    if body.type == "statement_block":
        return all(_prints(one) or one.type == "comment" for one in body.named_children)
    return text(body).startswith("console.")


def from_usage(code: str, suffix: str, names: Names) -> list[Candidate]:
    """Calls anywhere in a file whose arguments need nothing but what a test has: literals, globals, the exports."""
    block = _read(parse(code, suffix), names)
    found = []
    for statement in block.statements:
        for node in walk(statement):
            if node.type in ("call_expression", "new_expression") and free(node) & block.renamed.keys():
                whole = node.parent if node.parent and node.parent.type == "await_expression" else node
                if not (free(whole) - block.renamed.keys()) & block.foreign and (
                    made := _candidate(whole, 0, _Block([], block.renamed, block.foreign), names, "usage")
                ):
                    found.append(made)
    return found


def _read(tree: Node, names: Names) -> _Block:
    block = _Block()
    for statement in tree.named_children:
        if statement.type == "import_statement":
            _import(statement, names, block)
        elif statement.type == "export_statement":
            if (inner := statement.child_by_field_name("declaration")) is not None:
                block.statements.append(inner)
        elif statement.type in ("comment", "hash_bang_line", "ERROR") or statement.has_error:
            continue
        elif not _require(statement, names, block):
            block.statements.append(statement)
    if not block.renamed:  # an example without its import, as in a reference: it means the names as they are
        taken = {name for statement in block.statements for name in declared(statement)}
        block.renamed = {name: name for name in names.locals.values() if name not in taken}
    return block


def _import(statement: Node, names: Names, block: _Block) -> None:
    specifier = string(statement.child_by_field_name("source")) or ""
    for clause in children(statement, "import_clause"):
        for node in clause.named_children:
            pairs = []
            if node.type == "identifier":
                pairs = [(text(node), "default")]
            elif node.type == "namespace_import":
                pairs = [(text(node.named_children[0]), "*")]
            for one in children(node, "import_specifier"):
                alias = one.child_by_field_name("alias") or one.child_by_field_name("name")
                pairs.append((text(alias), text(one.child_by_field_name("name"))))
            for local, name in pairs:
                _bind(local, name, specifier, names, block)


def _bind(local: str, name: str, specifier: str, names: Names, block: _Block) -> None:
    if names.is_module(specifier) and name in names.locals:
        block.renamed[local] = names.locals[name]
    elif names.is_module(specifier) and name == "*":
        block.renamed[local] = local
        block.foreign.add(local)
    elif not (
        local in HELPERS and re.search(rf"'(node:)?{re.escape(specifier.removeprefix('node:'))}'", HELPERS[local])
    ):
        block.foreign.add(local)


def _require(statement: Node, names: Names, block: _Block) -> bool:
    """`const x = require('…')` of older READMEs: bound like an import. True where the statement was one."""
    for one in children(statement, "variable_declarator"):
        value = one.child_by_field_name("value")
        call = re.fullmatch(r"require\(\s*['\"]([^'\"]+)['\"]\s*\)(?:\.default)?", text(value))
        if call:
            for name in declared(statement):
                exported = (
                    name if name in names.locals and one.named_children[0].type == "object_pattern" else "default"
                )
                _bind(name, exported, call[1], names, block)
            return True
    return False


def _expressions(statement: Node) -> Iterator[Node]:
    """What in a statement is worth looking at: the arguments of a print, the value of a declaration, a bare call."""
    if statement.type == "expression_statement" and statement.named_children:
        inner = statement.named_children[0]
        call = inner.named_children[0] if inner.type == "await_expression" else inner
        if call.type == "call_expression" and text(call.child_by_field_name("function")) in _PRINTS:
            yield from (arg for arg in children(call.child_by_field_name("arguments")) if arg.type != "comment")
        elif inner.type != "assignment_expression":
            yield inner
    elif statement.type in ("lexical_declaration", "variable_declaration"):
        for one in children(statement, "variable_declarator"):
            value = one.child_by_field_name("value")
            if value is not None:
                yield value


def _candidate(expression: Node, index: int, block: _Block, names: Names, origin: str) -> Candidate | None:
    kept, needed = _slice(expression, index, block)
    local = {name for number in kept for name in declared(block.statements[number])}
    outside = needed - local
    exports = {name for name in outside if name in block.renamed}
    if outside & block.foreign or outside - exports - names.known() or local & set(names.locals.values()):
        return None
    used = {block.renamed[name] for name in exports}
    setup = "\n".join(_renamed(block.statements[number], block) for number in kept)
    shown = expression.named_children[0] if expression.type == "await_expression" else expression
    expr = _renamed(shown, block)
    uses = tuple(name for name, local_name in names.locals.items() if local_name in used)
    if not uses or len(setup) + len(expr) > _LONGEST or "import.meta" in setup + expr or "import(" in setup + expr:
        return None
    return Candidate(expr, uses, origin, setup, group=uses[0])


def _slice(expression: Node, index: int, block: _Block) -> tuple[list[int], set[str]]:
    """The statements before `index` that the expression depends on, oldest first; every name that all of it uses."""
    needed = free(expression)
    kept: list[int] = []
    own = {name for statement in block.statements for name in declared(statement)}
    for number in range(index - 1, -1, -1):
        statement = block.statements[number]
        names = set(declared(statement))
        mentions = free(statement) & needed & own
        if names & needed or (not names and mentions and not _prints(statement)):
            kept.append(number)
            needed |= free(statement)
    return kept[::-1], needed


def _prints(statement: Node) -> bool:
    return text(statement).lstrip().startswith(tuple(_PRINTS))


def _renamed(node: Node, block: _Block) -> str:
    """The node's text without comments, the block's names for our exports replaced by the test's own."""
    start = node.start_byte
    source = bytearray(node.text or b"")
    edits = [
        (one.start_byte - start, one.end_byte - start, block.renamed[text(one)].encode())
        for one in walk(node)
        if one.type == "identifier" and block.renamed.get(text(one), text(one)) != text(one)
    ]
    edits += [(one.start_byte - start, one.end_byte - start, b"") for one in walk(node) if one.type == "comment"]
    for begin, end, new in sorted(edits, reverse=True):
        source[begin:end] = new
    lines = [line.rstrip() for line in source.decode("utf-8", "replace").splitlines()]
    return "\n".join(line for line in lines if line)
