"""The rooms of the package import one way only, and heavy packages are each imported in one module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pantheon_git

ROOT = Path(pantheon_git.__file__).parent
LAYERS = [
    {"cli"}, {"morning", "training", "day"}, {"pulls"}, {"night"}, {"gate"}, {"agent"},
    {"engines", "jail", "ledger"}, {"tools", "repo"}, {"spec", "capacity"}, {"errors", "clock"},
]  # fmt: skip
"""From top to bottom: a room may import rooms of lower layers, and itself."""
LEVEL = {room: number for number, layer in enumerate(LAYERS) for room in layer}
TOOLS_MAY = {"markdown_it", "ruamel", "tomlkit", "tree_sitter", "tree_sitter_javascript", "tree_sitter_typescript"}
HEAVY = {"torch", "transformers", "peft", "vllm", "openvino", "openvino_genai", "ray"}
ONLY_IN = {"click": {"cli"}, "dulwich": {"repo"}, "rich": {"cli", "morning"}}
MODULES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import of a module, also inside functions, with its line; relative ones are reported as they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            yield node.lineno, name
            if name == "pantheon_git":
                yield from ((node.lineno, f"pantheon_git.{alias.name}") for alias in node.names)


def faults(path: Path, text: str) -> list[str]:
    """What in this module is against the layers."""
    room, found = room_of(path), []
    for line, name in imports(ast.parse(text)):
        where = f"{path.relative_to(ROOT)}:{line}: {name}"
        top, _, rest = name.partition(".")
        if name.startswith("."):
            found.append(f"{where}: relative imports hide the room")
        elif top == "pantheon_git" and (other := rest.partition(".")[0]) in LEVEL and room in LEVEL:
            if other != room and LEVEL[other] <= LEVEL[room]:
                found.append(f"{where}: {room} may not import {other}")
        elif top in ONLY_IN and room not in ONLY_IN[top]:
            found.append(f"{where}: {top} belongs in {sorted(ONLY_IN[top])}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    """No module imports a room of its own layer or a higher one, nor a package that belongs elsewhere."""
    assert faults(path, path.read_text(encoding="utf-8")) == []


def test_every_room_has_a_layer() -> None:
    """A new folder has to be given its place before it can be used."""
    rooms = {room_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms <= LEVEL.keys()


def test_the_walk_sees_what_is_hidden() -> None:
    """Imports inside functions, of names, and upwards are all found: the test itself can fail."""
    path = ROOT / "repo" / "x.py"
    assert faults(path, "def f():\n    from pantheon_git.night import run\n") != []
    assert faults(path, "from pantheon_git import cli\n") != []
    assert faults(path, "from ..night import run\n") != []
    assert faults(path, "import click\n") != []
    assert faults(ROOT / "jail" / "x.py", "from pantheon_git.ledger import keys\n") != []
    assert faults(ROOT / "night" / "x.py", "from pantheon_git.ledger import keys\n") == []


def test_tools_load_nothing_but_the_standard_library_and_parsers() -> None:
    """What the host inside the jail imports stays small: no pydantic, no click, no spec."""
    import sys

    for path in sorted((ROOT / "tools").rglob("*.py")):
        for line, name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            top = name.partition(".")[0]
            fine = top in sys.stdlib_module_names or top in TOOLS_MAY or name.startswith("pantheon_git.tools")
            assert fine, f"{path.relative_to(ROOT)}:{line}: {name}"


@pytest.mark.parametrize("package", sorted(HEAVY))
def test_a_heavy_package_is_imported_in_one_module(package: str) -> None:
    """Engines and training frameworks are each an optional extra behind one module."""
    users = {
        str(path.relative_to(ROOT))
        for path in MODULES
        for _, name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.partition(".")[0] == package
    }
    assert len(users) <= 1, users
