"""Where a module's test goes, what it is called by in it, and how Node.js and AVA are started for it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pantheon_git.tools.ava.examples import Names
from pantheon_git.tools.ava.exports import Export
from pantheon_git.tools.protocol import ToolError, Workspace

AVA = "node_modules/ava/entrypoints/cli.mjs"
_RESERVED = frozenset(
    [
        "arguments",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "function",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "var",
        "void",
        "while",
        "with",
        "yield",
        "test",
        "t",
        "calls",
        "codes",
    ]
)
_TEST = re.compile(r"test\.\w+|.+\.(test|spec)\.\w+|test-.+\.\w+")
_IGNORED = {"node_modules", ".git", ".venv", "coverage"}


@dataclass(frozen=True)
class Package:
    root: Path
    module: str
    """Path of the module within the repository, with slashes."""
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest.get("name", ""))

    @property
    def file(self) -> Path:
        return self.root / self.module


def find_package(workspace: Workspace, module: str) -> Package:
    """The module and the manifest at the top of the repository. ToolError `refused` where it is no ES module."""
    root = workspace.root
    file = root / module
    if not file.is_file() or not file.resolve().is_relative_to(root.resolve()):
        raise ToolError("not-found", f"there is no file {module}")
    try:
        manifest = json.loads((root / "package.json").read_bytes())
    except (OSError, ValueError) as error:
        raise ToolError("refused", f"package.json does not read: {error}") from error
    if not isinstance(manifest, dict):
        raise ToolError("refused", "package.json is not an object")
    suffix = file.suffix
    if suffix not in (".js", ".mjs", ".ts", ".mts") or module.endswith(".d.ts"):
        raise ToolError("refused", f"{module} is no JavaScript or TypeScript module")
    if suffix in (".js", ".ts") and manifest.get("type") != "module":
        raise ToolError("refused", f'{module} is a CommonJS module: package.json does not say "type": "module"')
    return Package(root, module, manifest)


def local_names(package: Package, exports: Mapping[str, Export]) -> dict[str, str]:
    """Export → the name that the test gives it: its own, and for the default export that of its function or file."""
    names: dict[str, str] = {}
    taken = set(_RESERVED)
    for name in sorted(exports, key=lambda name: name == "default"):
        wish = name
        if name == "default":
            local = exports[name].local
            stem = Path(package.module).stem
            base = package.name.rpartition("/")[2] if stem in ("index", "main", "mod", "src") else stem
            wish = local if re.fullmatch(r"[A-Za-z_$][\w$]*", local) else _camel(base)
        wish = wish if re.fullmatch(r"[A-Za-z_$][\w$]*", wish) else "value"
        while wish in taken:
            wish += "_"
        taken.add(wish)
        names[name] = wish
    return names


def how_called(package: Package, names: Mapping[str, str]) -> Names:
    """Names, and the specifiers that an example may import the module by."""
    stem = package.module.rsplit(".", 1)[0]
    own = [package.name, f"./{package.module}", f"./{stem}", f"./{stem}.js", ".", "./", "..", "../", "./index.js",
           f"../{Path(package.module).name}", f"../{Path(package.module).stem}.js"]  # fmt: skip
    return Names(names, tuple(one for one in own if one))


def _camel(base: str) -> str:
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", base) if part]
    joined = (parts[0] + "".join(part[:1].upper() + part[1:] for part in parts[1:])) if parts else "subject"
    return joined if joined[0].isalpha() else f"_{joined}"


def place_of(package: Package, given: str | None) -> str:
    """Where the test goes: what the task says, else beside the tests that there are, as `ava.files` has them."""
    if given:
        return given
    path = PurePosixPath(package.module)
    suffix = ".ts" if path.suffix in (".ts", ".mts") and "ts" in str(_config(package).get("extensions", "")) else ".js"
    existing = [p.relative_to(package.root).as_posix() for p in _tests(package)]
    wanted = [p for p in _config(package).get("files", ()) if isinstance(p, str) and not p.startswith("!")]
    folders = {name.partition("/")[0] for name in (*existing, *wanted)} & {"test", "tests", "__tests__"}
    names = [f"{folder}/{path.stem}{end}" for folder in sorted(folders) for end in (suffix, f".test{suffix}")]
    beside = str(path.with_suffix(f".test{suffix}"))
    names += [beside] if any(".test." in name for name in existing) else []
    alone = path.stem in ("index", "main", "mod") and not folders
    names += [*([str(path.with_name(f"test{suffix}"))] if alone else []), beside]
    free = [name for name in names if not (package.root / name).exists()]
    if not free:
        raise ToolError("refused", f"{package.module} has a test already: {', '.join(names)}")
    return free[0]


def _config(package: Package) -> Mapping[str, Any]:
    found = package.manifest.get("ava")
    return found if isinstance(found, dict) else {}


def _tests(package: Package) -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(package.root):
        folders[:] = sorted(set(folders) - _IGNORED)
        inside = "test" in Path(folder).name
        found += [Path(folder, name) for name in files if inside or _TEST.fullmatch(name)]
        if len(found) > 500:
            break
    return found


def specifier(package: Package, test: str) -> str:
    """How the test imports the module: the relative path, `.js` for a TypeScript file as the compiler wants it."""
    relative = os.path.relpath(package.module, PurePosixPath(test).parent)
    dotted = relative if relative.startswith(".") else f"./{relative}"
    return re.sub(r"\.ts$", ".js", dotted) if package.module.endswith(".ts") else dotted


def node_arguments(package: Package) -> list[str]:
    """What Node.js needs to load the module: a loader for TypeScript, where the repository has one."""
    arguments = [str(a) for a in _config(package).get("nodeArguments", ()) if isinstance(a, str)]
    if package.module.endswith((".ts", ".mts")) and not arguments:
        if not (package.root / "node_modules/tsx").is_dir():
            raise ToolError("refused", f"{package.module} is TypeScript and node_modules has no tsx to load it with")
        arguments = ["--import=tsx"]
    return arguments


def copy_tree(root: Path, into: Path) -> None:
    """The repository without what is not its own, and its `node_modules` by a link: code may be run there."""
    shutil.copytree(root, into, symlinks=True, ignore=lambda _, names: _IGNORED & set(names))
    if (root / "node_modules").is_dir():
        modules = into / "node_modules"  # a folder of our own: tools keep a cache in it
        modules.mkdir()
        for entry in os.scandir(root / "node_modules"):
            if entry.name != ".cache":
                (modules / entry.name).symlink_to(entry.path)
