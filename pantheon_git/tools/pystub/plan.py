"""From a module to the tests that its own behaviour gives: parse, probe, choose, arrange."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon_git.tools.ava.candidate import Candidate
from pantheon_git.tools.ava.choose import Told, choose
from pantheon_git.tools.ava.probing import Tried
from pantheon_git.tools.protocol import Workspace
from pantheon_git.tools.pystub.assertion import assertion
from pantheon_git.tools.pystub.calls import broad, deeper
from pantheon_git.tools.pystub.examples import from_text, from_usage
from pantheon_git.tools.pystub.probing import Prober
from pantheon_git.tools.pystub.render import Test, arrange
from pantheon_git.tools.pystub.source import Module

_FILES, _BYTES, _NAMES = 80, 80_000, 40
_OTHERS = ("node_modules", "venv", "build", "dist")


@dataclass(frozen=True)
class Plan:
    kinds: dict[str, str]
    tests: list[Test]
    told: dict[str, bool]
    tried: int
    about: str


def make_plan(workspace: Workspace, module: Module, test: str, seconds: float) -> Plan:
    """Probe the module for at most `seconds` and plan the tests of the file `test`, which is not looked at itself."""
    with Prober(workspace, module, seconds) as prober:
        found = prober.describe()
        names = [name for name in module.definitions if name in found][:_NAMES]
        written = _written(workspace.root, module, names, test)
        tried = prober.first(_once([*written, *(c for name in names for c in broad(module, name, found[name]))]))
        known = {c.key for c, _ in tried}
        more = [c for name in names for c in deeper(module, name, found[name], _of(tried, name)) if c.key not in known]
        tried += prober.first(_once(more))
        stable = prober.again(tried)
    kinds = {name: str(found[name]["kind"]) for name in names if not found[name].get("error")}
    chosen = choose(_told(stable, names), kinds)
    told = {n: any(n in one.told for one in chosen) for n, kind in kinds.items() if kind != "value"}
    docs = {n: _sentence(module.definitions[n].doc) for n in names}
    return Plan(kinds, arrange(chosen, kinds, docs), told, len(tried), _about(workspace.root, module))


def _told(stable: Tried, names: Sequence[str]) -> list[Told]:
    return [
        Told(made, frozenset(outcome.get("told", ())), "output" in outcome.get("effects", ()))
        for candidate, outcome in stable
        if (made := assertion(candidate, outcome, names)) is not None
    ]


def _of(tried: Tried, name: str) -> list[tuple[Candidate, Mapping[str, Any]]]:
    return [(c, o) for c, o in tried if c.group.split(".")[0] == name]


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    found: dict[tuple[str, ...], Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.key, candidate)
    return list(found.values())


def _sentence(doc: str) -> str:
    """The first sentence of a docstring, where it fits a line."""
    first = re.split(r"(?<=[.!?])\s|\n\s*\n|\n\s*(?=:|>>>|Args|Parameters)", doc.strip())[0]
    text = " ".join(first.split())
    return text if 10 <= len(text) <= 90 and "\\" not in text and '"""' not in text and ">>>" not in text else ""


def _about(root: Path, module: Module) -> str:
    import ast

    doc = ast.get_docstring(module.tree) or ""
    readme = _readme(root)[:1500]
    prose = " ".join(line for line in readme.splitlines() if line[:1].isalpha())
    return re.sub(r"\s+", " ", f"{doc[:300]} {prose}").strip()[:400]


def _readme(root: Path) -> str:
    names = sorted(p for p in root.iterdir() if p.name.lower().startswith("readme") and p.is_file())
    return "\n".join(_read(path) for path in names[:2])


def _written(root: Path, module: Module, names: Sequence[str], test: str) -> list[Candidate]:
    """Calls that the repository itself holds: README, docstrings, other files."""
    import ast

    found = from_text(_readme(root), names, module.name, "readme")
    docs = [ast.get_docstring(module.tree) or ""]
    for definition in module.definitions.values():
        docs += [definition.doc, *(doc for _, _, doc in definition.methods)]
    found += [c for doc in docs if doc for c in from_text(doc, names, module.name, "example")]
    seen = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in ("node_modules", "venv")
        )
        for name in sorted(files):
            path = Path(folder, name)
            if name.endswith(".py") and path not in (root / module.path, root / test) and seen < _FILES:
                seen += 1
                found += from_usage(_read(path), names, module.name)
    return found


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_BYTES).decode("utf-8", "replace")
