"""Calls that somebody wrote down: doctests, code blocks of the README, calls in other files of the tree."""

from __future__ import annotations

import ast
import builtins
import doctest
import re
from collections.abc import Iterator, Sequence

from pantheon_git.tools.ava.candidate import Candidate

HELPERS = (
    *("collections", "datetime", "decimal", "fractions", "functools", "itertools", "math", "operator", "os", "pathlib"),
    *("re", "string"),
)
"""Modules of the standard library that a test may use; `probe.py` imports them under these names."""
_KNOWN = frozenset(dir(builtins)) | frozenset(HELPERS)
_BLOCK = re.compile(r"^```[ \t]*(?:python|py|pycon|python3)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_RST = re.compile(r"(?:^\.\. code(?:-block)?:: *(?:python|pycon)?|::)[ \t]*\n\n((?:[ \t]+[^\n]*\n|\n)+)", re.MULTILINE)
_LONGEST = 400
_FORBIDDEN = frozenset(
    [
        "input",
        "exit",
        "quit",
        "open",
        "print",
        "breakpoint",
        "help",
        "exec",
        "eval",
        "compile",
        "__import__",
        "globals",
        "locals",
        "vars",
        "id",
        "hash",
    ]
)


def from_text(text: str, names: Sequence[str], module: str, origin: str) -> list[Candidate]:
    """The examples of a README or docstring: sessions (`>>>`) and code blocks."""
    found: list[Candidate] = []
    if ">>>" in text:
        for session in re.split(r"\n\s*\n(?!\s*>>>)", text):
            try:
                parsed = doctest.DocTestParser().get_examples(session)
            except ValueError:
                continue
            found += from_code("".join(one.source for one in parsed), names, module, origin)
    blocks = [match[1] for match in (*_BLOCK.finditer(text), *_RST.finditer(text))]
    for block in blocks:
        if ">>>" not in block:
            found += from_code(_dedented(block), names, module, origin)
    return found


def _dedented(block: str) -> str:
    import textwrap

    return textwrap.dedent(block.expandtabs())


def from_code(code: str, names: Sequence[str], module: str, origin: str) -> list[Candidate]:
    """The calls of one piece of code, each with the statements that it needs. Nothing is run here."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError):
        return []
    alias, foreign = _imports(body, names, module)
    statements = [one for one in body if not isinstance(one, ast.Import | ast.ImportFrom)]
    asked = ((index, one) for index, statement in enumerate(statements) for one in _expressions(statement))
    made = (_candidate(one, statements[:index], names, alias, foreign, origin) for index, one in asked)
    return [one for one in made if one is not None]


def from_usage(code: str, names: Sequence[str], module: str) -> list[Candidate]:
    """Calls anywhere in a file whose arguments need nothing but literals, builtins and the module's own names."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return []
    alias, foreign = _imports(list(ast.walk(tree)), names, module)
    if not alias:
        return []
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    made = (_candidate(node, [], names, alias, foreign, "usage") for node in calls)
    return [one for one in made if one is not None]


def _imports(body: Sequence[ast.AST], names: Sequence[str], module: str) -> tuple[dict[str, str], set[str]]:
    """Local name → the module's name for it (`*` for the module itself); and names of anything else."""
    alias: dict[str, str] = {}
    foreign: set[str] = set()
    last = module.rpartition(".")[2]
    for node in body:
        if isinstance(node, ast.ImportFrom):
            ours = (
                (node.module or "") == module
                or module.startswith(f"{node.module}.")
                or (node.module or "").endswith(last)
            )
            for one in node.names:
                local = one.asname or one.name
                if ours and one.name in names:
                    alias[local] = one.name
                elif ours and one.name == last:
                    alias[local] = "*"
                else:
                    foreign.add(local)
        elif isinstance(node, ast.Import):
            for one in node.names:
                local = one.asname or one.name.partition(".")[0]
                if module == one.name or module.startswith(f"{one.name}."):
                    alias[local] = "*"
                elif local not in HELPERS:
                    foreign.add(local)
    return alias, foreign


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    if isinstance(statement, ast.Expr):
        value = statement.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print":
            yield from (one for one in value.args if not isinstance(one, ast.Starred))
        elif not isinstance(value, ast.Constant):
            yield value
    elif isinstance(statement, ast.Assign):
        yield statement.value
    elif isinstance(statement, ast.Assert):
        test = statement.test
        yield test.left if isinstance(test, ast.Compare) else test


class _Own(ast.NodeTransformer):
    """Rewrites `module.name` and aliases to the names that the test imports."""

    def __init__(self, alias: dict[str, str], names: Sequence[str]) -> None:
        self.alias, self.names = alias, names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        dotted = ast.unparse(node)
        for local, name in self.alias.items():
            if (
                name == "*"
                and node.attr in self.names
                and re.fullmatch(rf"{re.escape(local)}(\.\w+)*\.{node.attr}", dotted)
            ):
                return ast.copy_location(ast.Name(node.attr, ast.Load()), node)
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        name = self.alias.get(node.id, node.id)
        return ast.copy_location(ast.Name(name if name != "*" else node.id, node.ctx), node)


def _candidate(expression: ast.expr, before: Sequence[ast.stmt], names: Sequence[str], alias: dict[str, str],
               foreign: set[str], origin: str) -> Candidate | None:  # fmt: skip
    own = _Own(alias, names)
    expr = own.visit(ast.parse(ast.unparse(expression), mode="eval").body)
    statements = [own.visit(ast.parse(ast.unparse(one)).body[0]) for one in before]
    needed, kept = _free(expr), list[ast.stmt]()
    declared = {name for one in statements for name in _bound(one)}
    for one in reversed(statements):
        binds = _bound(one)
        if binds & needed or (not binds and _free(one) & needed & declared):
            kept.insert(0, one)
            needed |= _free(one)
    needed -= {name for one in kept for name in _bound(one)}
    uses = [name for name in names if name in needed]
    setup = "\n".join(ast.unparse(one) for one in kept)
    text = ast.unparse(expr)
    bad = needed & foreign - set(uses) or needed - set(uses) - _KNOWN or (needed & _FORBIDDEN)
    if (
        not uses
        or bad
        or len(setup) + len(text) > _LONGEST
        or any(name in names for one in kept for name in _bound(one))
    ):
        return None
    return Candidate(text, tuple(uses), origin, setup, group=uses[0])


def _free(node: ast.AST) -> set[str]:
    """Names that are read and not bound by a lambda or comprehension inside."""
    loads = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    inner = {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
    inner |= {
        name.id
        for one in ast.walk(node)
        if isinstance(one, ast.comprehension)
        for name in ast.walk(one.target)
        if isinstance(name, ast.Name)
    }
    return loads - inner


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    stores = {one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return stores if isinstance(statement, ast.Assign | ast.AnnAssign | ast.With | ast.For) else set()
