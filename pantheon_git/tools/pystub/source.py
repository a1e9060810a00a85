"""What a Python module defines, by the standard library's own parser: names, parameters, examples in docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pantheon_git.tools.protocol import ToolError, Workspace

_ROOTS = ("src", "lib", "python")


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str = ""
    default: str = ""
    optional: bool = False
    rest: bool = False
    keyword: bool = False


@dataclass(frozen=True)
class Definition:
    name: str
    kind: str
    """`function`, `class` or `value`."""
    parameters: tuple[Parameter, ...] = ()
    doc: str = ""
    methods: tuple[tuple[str, tuple[Parameter, ...], str], ...] = ()
    """Of a class: name, parameters without the first, docstring."""


@dataclass
class Module:
    path: str
    name: str
    """As it is imported."""
    root: str
    """Folder within the repository that has to be on the path; empty: the top."""
    tree: ast.Module
    definitions: dict[str, Definition] = field(default_factory=dict)
    strings: list[str] = field(default_factory=list)


def find_module(workspace: Workspace, path: str) -> Module:
    """The module at `path`. ToolError `refused` where it does not parse or has nothing public."""
    file = workspace.root / path
    if not file.is_file() or not file.resolve().is_relative_to(workspace.root.resolve()):
        raise ToolError("not-found", f"there is no file {path}")
    if file.suffix != ".py":
        raise ToolError("refused", f"{path} is no Python module")
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise ToolError("refused", f"{path} does not parse: {error}") from error
    root, name = _import_name(workspace.root, path)
    module = Module(path, name, root, tree, definitions(tree))
    if not module.definitions:
        raise ToolError("refused", f"{path} defines nothing public")
    words = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    module.strings = list(dict.fromkeys(word for word in words if re.fullmatch(r"[\w ./:@#%-]{1,30}", word)))[:30]
    return module


def _import_name(root: Path, path: str) -> tuple[str, str]:
    """The folder to put on the path, and the dotted name: up through the packages that hold the file."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    start = len(parts) - 1
    while start > 0 and (root.joinpath(*parts[:start]) / "__init__.py").is_file():
        start -= 1
    if start == len(parts) - 1 and start > 0 and parts[0] not in _ROOTS:  # a namespace package, or a folder of scripts
        start = 0 if all(part.isidentifier() for part in parts) else start
    dotted = parts[start:-1] if parts[-1] == "__init__" else parts[start:]
    if not dotted or not all(part.isidentifier() for part in dotted):
        raise ToolError("refused", f"{path} cannot be imported by a name")
    return "/".join(parts[:start]), ".".join(dotted)


def definitions(tree: ast.Module) -> dict[str, Definition]:
    """The public names: `__all__` where there is one, else functions, classes and constants defined here."""
    found: dict[str, Definition] = {}
    listed: list[str] | None = None
    for node in _statements(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = Definition(node.name, "function", parameters(node), ast.get_docstring(node) or "")
        elif isinstance(node, ast.ClassDef):
            found[node.name] = _class(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id == "__all__":
                    listed = _names(node.value)
                elif isinstance(target, ast.Name):
                    found.setdefault(target.id, Definition(target.id, "value"))
    if listed is not None:
        return {name: found.get(name, Definition(name, "")) for name in listed}
    return {name: one for name, one in found.items()
            if not name.startswith("_") and (one.kind != "value" or name.isupper())}  # fmt: skip


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from _statements(node.body)
            yield from _statements(node.orelse)
        else:
            yield node


def _names(value: ast.expr | None) -> list[str]:
    found = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    return [one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _class(node: ast.ClassDef) -> Definition:
    methods = []
    for one in node.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = {ast.unparse(mark) for mark in one.decorator_list}
            given = parameters(one)
            methods.append((one.name, given if "staticmethod" in marks else given[1:], ast.get_docstring(one) or ""))
    known = {name: given for name, given, _ in methods}
    fields = tuple(
        Parameter(
            one.target.id, ast.unparse(one.annotation), ast.unparse(one.value) if one.value else "", bool(one.value)
        )
        for one in node.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    )
    doc = ast.get_docstring(node) or ""
    return Definition(node.name, "class", known.get("__init__", known.get("__new__", fields)), doc, tuple(methods))


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[Parameter, ...]:
    """The parameters, defaults as source text."""
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(given.defaults)), *given.defaults]
    found = [_parameter(one, default) for one, default in zip(plain, defaults, strict=True)]
    if given.vararg:
        found.append(Parameter(given.vararg.arg, _type(given.vararg), "", True, True))
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    found += [_parameter(one, default, keyword=True) for one, default in pairs]
    return tuple(found)


def _parameter(one: ast.arg, default: ast.expr | None, keyword: bool = False) -> Parameter:
    text = ast.unparse(default) if default is not None else ""
    return Parameter(one.arg, _type(one), text, default is not None, False, keyword)


def _type(one: ast.arg) -> str:
    text = ast.unparse(one.annotation) if one.annotation is not None else ""
    return text.strip("'\"")
