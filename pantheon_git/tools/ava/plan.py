"""From a module to the tests that its own behaviour gives: parse, probe, choose, arrange."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon_git.tools.ava.assertion import assertion
from pantheon_git.tools.ava.calls import Subject, broad, deeper
from pantheon_git.tools.ava.candidate import Candidate
from pantheon_git.tools.ava.choose import Told, choose
from pantheon_git.tools.ava.examples import Names, blocks, comment_blocks, from_code, from_usage
from pantheon_git.tools.ava.exports import Export, read_module
from pantheon_git.tools.ava.place import Package, how_called, local_names
from pantheon_git.tools.ava.probing import Prober, Tried
from pantheon_git.tools.ava.render import Test, arrange
from pantheon_git.tools.ava.types import find_types, read_types
from pantheon_git.tools.protocol import ToolError, Workspace

_FILES, _BYTES, _EXPORTS, _CALLS = 60, 60_000, 120, 1600


@dataclass(frozen=True)
class Plan:
    locals: dict[str, str]
    kinds: dict[str, str]
    """Export → `function`, `class` or `value`, in the order of the source."""
    tests: list[Test]
    told: dict[str, bool]
    """Function or class → whether a chosen assertion tells its stand-in apart."""
    tried: int


def make_plan(workspace: Workspace, package: Package, test: str, seconds: float) -> Plan:
    """Probe the module for at most `seconds` and plan the tests of the file `test`, which is not looked at itself.
    ToolError `refused` where the module exports nothing."""
    module = read_module(package.file, package.root)
    names = local_names(package, module.exports)
    with Prober(workspace, package, names, seconds) as prober:
        found = prober.describe()
        exports = {name: module.exports.get(name, Export(name)) for name in _ordered(module.exports, found)}
        if not exports:
            raise ToolError("refused", f"{package.module} exports nothing that can be called or read")
        names.update({n: local for n, local in local_names(package, exports).items() if n not in names})
        prober.rename(names)
        types = read_types(find_types(package.file, package.root, dict(package.manifest)), package.root)
        subject = Subject(exports, found, names, types, module.strings)
        written = _written(package, how_called(package, {n: names[n] for n in exports}), types.source, test)
        tried = _probe(prober, subject, written)
        stable = prober.again(tried)
    chosen = _choose(stable, exports, found)
    kinds = {name: str(found[name]["kind"]) for name in exports}
    told = {n: any(n in one.told for one in chosen) for n, kind in kinds.items() if kind != "value"}
    return Plan({n: names[n] for n in exports}, kinds, arrange(chosen, names, kinds), told, len(tried))


def _ordered(parsed: Mapping[str, Export], found: Mapping[str, Any]) -> list[str]:
    """What the parser sees and the module has, then what only the module has (`export *` of a package)."""
    return [*(n for n in parsed if n in found), *(n for n in found if n not in parsed)][:_EXPORTS]


def _probe(prober: Prober, subject: Subject, written: Sequence[Candidate]) -> Tried:
    most = max(8, _CALLS // len(subject.exports))
    first = [*written, *(c for name in subject.exports for c in broad(subject, name)[:most])]
    tried = prober.first(_once(first))
    known = {c.key for c, _ in tried}
    more: list[Candidate] = []
    for name in subject.exports:
        mine = [(c, o) for c, o in tried if c.group.split(".")[0] == name]
        more += [c for c in deeper(subject, name, mine) if c.key not in known][:most]
    return tried + prober.first(_once(more))


def _choose(stable: Tried, exports: Mapping[str, Export], found: Mapping[str, Any]) -> list[Told]:
    told = [
        Told(made, frozenset(outcome.get("told", ())), "output" in outcome.get("effects", ()))
        for candidate, outcome in stable
        if (made := assertion(candidate, outcome)) is not None
    ]
    return choose(told, {name: str(found[name]["kind"]) for name in exports})


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    found: dict[tuple[str, str, str, str], Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.key, candidate)
    return list(found.values())


def _written(package: Package, names: Names, declarations: str, test: str) -> list[Candidate]:
    """Calls that the repository itself holds: README, comments of the source and of its types, other files."""
    found: list[Candidate] = []
    for path in sorted(package.root.iterdir()):
        if path.name.lower() in ("readme.md", "readme.markdown", "readme") and path.is_file():
            for code in blocks(_read(path)):
                found += from_code(code, names, "readme")
    for source in (_read(package.file), declarations):
        for code in comment_blocks(source):
            found += from_code(code, names, "example")
    for path in _sources(package, package.root / test):
        code = _read(path)
        if any(specifier in code for specifier in names.packages):
            found += from_usage(code, path.suffix, names)
    return found


def _sources(package: Package, test: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(package.root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        here = [Path(folder, name) for name in sorted(files) if name.endswith((".js", ".mjs", ".ts"))]
        found += [path for path in here if path not in (package.file, test)]
        if len(found) >= _FILES:
            break
    return [path for path in found[:_FILES] if not path.name.endswith(".d.ts")]


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_BYTES).decode("utf-8", "replace")
