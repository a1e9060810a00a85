"""Runs `probe.py` over candidates, in throw-away copies of the repository and twice in unlike surroundings."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pantheon_git.tools.ava.candidate import Candidate
from pantheon_git.tools.ava.probing import HARMFUL, Outcome, Tried, other_surroundings, run_in, usable_outcome
from pantheon_git.tools.protocol import ToolError, Workspace
from pantheon_git.tools.pystub.examples import HELPERS
from pantheon_git.tools.pystub.source import Module

SCRIPT = Path(__file__).with_name("probe.py")
_PARTS = ("value", "promise", "then")
_ONE_SECONDS, _BATCH_SECONDS = 0.8, 60.0
_IGNORED = {"node_modules", ".git", ".venv", "__pycache__", ".tox", ".mypy_cache"}
__all__ = ["HARMFUL", "Prober", "Tried", "copy_tree", "python", "surroundings"]


def python(workspace: Workspace) -> str:
    """The repository's own Python where it is shared into the job, else the one on the path."""
    own = workspace.root / ".venv/bin/python"
    return str(own) if own.exists() else "python3"


def copy_tree(root: Path, into: Path) -> None:
    """The repository without what is not its own: code may be run there."""
    shutil.copytree(root, into, symlinks=True, ignore=lambda _, names: _IGNORED & set(names))


def surroundings(home: Path, other: bool) -> dict[str, str]:
    """Variables of a run; `other`: another home, time zone, language, terminal, and order of sets."""
    plain = {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "4711" if other else "1"}
    return {**other_surroundings(home), **plain} if other else {**plain, "TZ": "UTC"}


class Prober:
    """Calls of one module. Use as a context manager: its copies of the tree go with it."""

    def __init__(self, workspace: Workspace, module: Module, seconds: float) -> None:
        self._workspace, self._module = workspace, module
        self._folder = tempfile.TemporaryDirectory(prefix="probe-")
        self._number = 0
        self._end = time.monotonic() + seconds
        self._machine: Sequence[str] = ()

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def describe(self) -> dict[str, Any]:
        """What each name is, from the module itself. ToolError `refused` where it cannot be imported."""
        lines, said = self._start([], other=False)
        failed = next((line["failed"] for line in lines if "failed" in line), said)
        found = next((line for line in lines if "exports" in line), None)
        if found is None:
            raise ToolError("refused", f"{self._module.name} cannot be imported: {failed}")
        self._machine = found["machine"]
        return dict(found["exports"])

    def first(self, candidates: Sequence[Candidate]) -> Tried:
        """What each call comes to, once."""
        return self._all(candidates, other=False)

    def again(self, tried: Tried) -> Tried:
        """The usable ones that come to the same in other surroundings and the opposite order; `loose` where only the
        type of the value does."""
        usable = [(c, o) for c, o in tried if usable_outcome(o)]
        second = {c.key: o for c, o in self._all([c for c, _ in usable[::-1]], other=True)}
        kept = [(c, both) for c, o in usable if (both := _both(o, second[c.key], self._machine))]
        third = {c.key: o for c, o in self._all([c for c, _ in kept], other=False)}  # chance may agree with itself once
        return [(c, o) for c, o in kept if "loose" in o or all(o.get(n) == third[c.key].get(n) for n in _PARTS)]

    def _all(self, candidates: Sequence[Candidate], other: bool) -> Tried:
        found: Tried = []
        left = list(candidates)
        while left and time.monotonic() < self._end:
            lines, _ = self._start(left, other)
            outcomes = {line["id"]: line for line in lines if "id" in line}
            begun = sum("begun" in line for line in lines)
            done = len(outcomes) + (1 if begun > len(outcomes) else 0)
            if not done:
                break
            found += [(c, outcomes.get(i, {"bad": "hung or crashed"})) for i, c in enumerate(left[:done])]
            left = left[done:]
        return found + [(c, {"bad": "no time left"}) for c in left]

    def _start(self, candidates: Sequence[Candidate], other: bool) -> tuple[list[dict[str, Any]], str]:
        self._number += 1
        place = Path(self._folder.name, str(self._number))
        tree = place / ("another/checkout" if other else "tree")
        copy_tree(self._workspace.root, tree)
        home = place / "home"
        (home / "tmp").mkdir(parents=True)
        result, job = place / "result.jsonl", place / "job.json"
        result.touch()
        listed = [{"id": i, "expr": c.expr, "setup": c.setup, "then": c.then, "uses": c.uses, "group": c.group}
                  for i, c in enumerate(candidates)]  # fmt: skip
        job.write_text(json.dumps({"path": str(tree / self._module.root), "module": self._module.name,
                                   "names": list(self._module.definitions), "helpers": HELPERS, "timeout": _ONE_SECONDS,
                                   "candidates": listed}))  # fmt: skip
        argv = [python(self._workspace), str(SCRIPT), str(job), str(result)]
        seconds = max(1.0, min(_BATCH_SECONDS, self._end - time.monotonic()))
        ran = run_in(self._workspace, tree, argv, surroundings(home, other), seconds)
        lines = [json.loads(line) for line in result.read_text("utf-8", "replace").splitlines() if line.endswith("}")]
        return lines, ran.stderr.decode("utf-8", "replace").strip()[-200:]


def _both(one: Outcome, two: Outcome, machine: Sequence[str]) -> Outcome | None:
    if not usable_outcome(two):
        return None
    told = json.dumps([one.get("value"), one.get("then")])
    if all(one.get(name) == two.get(name) for name in _PARTS) and not any(word in told for word in machine):
        return one
    a, b = one["value"], two["value"]
    if a["is"] != b["is"] or a.get("type") != b.get("type") or a["is"] == "error":
        return None
    return {**one, "then": None, "loose": b}
