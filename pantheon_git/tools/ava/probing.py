"""Runs `probe.mjs` over candidates, in throw-away copies of the repository and twice in unlike surroundings."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pantheon_git.tools.ava.candidate import Candidate
from pantheon_git.tools.ava.place import Package, copy_tree, node_arguments
from pantheon_git.tools.protocol import ToolError, Workspace

SCRIPT = Path(__file__).with_name("probe.mjs")
HARMFUL = {"program", "network", "kill", "abort", "chdir", "exit", "unhandled", "environment", "wrote"}
"""Effects that a test must not have; a call that has one is not used."""
_ONE_MS, _BATCH_SECONDS, _CLEAN = 800, 60.0, {"NODE_ENV": "test"}
_HUNG, _PATIENCE = "hung or crashed", 3
"""Where so many calls about one export did not come back, the rest of them is left out."""
NODE = "node: apt-get install nodejs npm"

Outcome = dict[str, Any]
Tried = list[tuple[Candidate, Outcome]]


def other_surroundings(home: Path) -> dict[str, str]:
    """Another home, time zone, language, terminal and path: what differs under these is no property of the module."""
    return {
        **_CLEAN, "HOME": str(home), "TZ": "Pacific/Auckland", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8",
        "CI": "true",
        "FORCE_COLOR": "3", "COLORTERM": "truecolor", "TERM": "xterm-256color", "COLUMNS": "57", "LINES": "33",
        "USER": "somebody", "LOGNAME": "somebody", "SHELL": "/bin/other", "EDITOR": "vi", "TMPDIR": str(home / "tmp"),
        "XDG_CONFIG_HOME": str(home / "c"), "XDG_DATA_HOME": str(home / "d"), "XDG_CACHE_HOME": str(home / "x"),
        "XDG_STATE_HOME": str(home / "s"), "XDG_DATA_DIRS": "/d", "XDG_CONFIG_DIRS": "/c", "XDG_RUNTIME_DIR": "/r",
        "npm_config_registry": "https://registry.example/", "PATH": f"{os.defpath}:/usr/local/bin:/opt/other/bin",
    }  # fmt: skip


class Prober:
    """Calls of one module. Use as a context manager: its copies of the tree go with it."""

    def __init__(self, workspace: Workspace, package: Package, names: Mapping[str, str], seconds: float) -> None:
        self._workspace, self._package, self._names = workspace, package, dict(names)
        self._arguments = node_arguments(package)
        self._folder = tempfile.TemporaryDirectory(prefix="probe-")
        self._number = 0
        self._end = time.monotonic() + seconds
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def rename(self, names: Mapping[str, str]) -> None:
        """What the code calls the exports from now on."""
        self._names = dict(names)

    def describe(self) -> dict[str, Any]:
        """What each export is, from the module itself. ToolError `refused` where it cannot be loaded."""
        lines, said = self._start([], other=False)
        for line in lines:
            if "exports" in line:
                self.facts = line
                return dict(line["exports"])
        raise ToolError("refused", f"{self._package.module} cannot be loaded: {_last(said)}")

    def first(self, candidates: Sequence[Candidate]) -> Tried:
        """What each call comes to, once; harmful and hanging ones say so (`bad`, `effects`)."""
        together = [c for c in candidates if not c.alone]
        tried = self._all(together, other=False)
        for one in (c for c in candidates if c.alone):
            tried += self._all([one], other=False)
        return tried

    def again(self, tried: Tried) -> Tried:
        """The usable ones with what stays true in other surroundings, in the opposite order; `loose` where only the
        kind of the value does."""
        usable = [(c, o) for c, o in tried if usable_outcome(o)]
        second = dict(zip((c.key for c, _ in usable[::-1]), self._second([c for c, _ in usable[::-1]]), strict=True))
        return [(c, kept) for c, o in usable if (kept := _both(o, second[c.key], self.facts.get("machine", ())))]

    def _second(self, candidates: Sequence[Candidate]) -> list[Outcome]:
        together = self._all([c for c in candidates if not c.alone], other=True)
        found = {c.key: o for c, o in together}
        for one in (c for c in candidates if c.alone):
            found[one.key] = self._all([one], other=True)[0][1]
        return [found[c.key] for c in candidates]

    def _all(self, candidates: Sequence[Candidate], other: bool) -> Tried:
        found: Tried = []
        left, slow = list(candidates), Counter[str]()
        while left and time.monotonic() < self._end:
            lines, _ = self._start(left, other)
            outcomes = {line["id"]: line for line in lines if "id" in line}
            begun = [line["begun"] for line in lines if "begun" in line]
            done = len(outcomes) + (1 if len(begun) > len(outcomes) else 0)
            if not done:
                break
            ended = [(c, outcomes.get(i, {"bad": _HUNG})) for i, c in enumerate(left[:done])]
            slow.update(c.group for c, o in ended if o.get("bad") in ("late", _HUNG))
            found += ended + [(c, {"bad": _HUNG}) for c in left[done:] if slow[c.group] >= _PATIENCE]
            left = [c for c in left[done:] if slow[c.group] < _PATIENCE]
        return found + [(c, {"bad": "no time left"}) for c in left]

    def _start(self, candidates: Sequence[Candidate], other: bool) -> tuple[list[dict[str, Any]], bytes]:
        self._number += 1
        place = Path(self._folder.name, str(self._number))
        tree = place / ("another/checkout" if other else "tree")
        copy_tree(self._package.root, tree)
        home = place / "home"
        (home / "tmp").mkdir(parents=True)
        result, job = place / "result.jsonl", place / "job.json"
        result.touch()
        listed = [{"id": i, "expr": c.expr, "setup": c.setup, "then": c.then, "after": c.after, "uses": c.uses,
                   "group": c.group}
                  for i, c in enumerate(candidates)]  # fmt: skip
        job.write_text(json.dumps({"module": str(tree / self._package.module), "tree": str(tree), "names": self._names,
                                   "timeout": _ONE_MS, "candidates": listed}))  # fmt: skip
        env = other_surroundings(home) if other else {**_CLEAN, "HOME": str(home)}
        seconds = max(1.0, min(_BATCH_SECONDS, self._end - time.monotonic()))
        ran = run_in(
            self._workspace, tree, ["node", *self._arguments, str(SCRIPT), str(job), str(result)], env, seconds
        )
        if ran.code == 127:
            raise ToolError("missing", NODE)
        lines = [json.loads(line) for line in result.read_text("utf-8", "replace").splitlines() if line.endswith("}")]
        return lines, ran.stderr


def run_in(workspace: Workspace, folder: Path, argv: Sequence[str], env: Mapping[str, str], seconds: float) -> Any:
    """Run a program in a folder (a `Ran`); ToolError where this is no jail."""
    if workspace.run is None:
        raise ToolError("missing", "programs run inside the jail only")
    return workspace.run(["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(folder), *argv], env, seconds)


def usable_outcome(outcome: Mapping[str, Any]) -> bool:
    return bool(not outcome.get("bad") and outcome.get("value") and not HARMFUL & set(outcome.get("effects", ())))


def _both(one: Outcome, two: Outcome, machine: Sequence[str]) -> Outcome | None:
    if not usable_outcome(two):
        return None
    same = all(one.get(name) == two.get(name) for name in ("value", "promise", "then"))
    told = json.dumps([one.get("value"), one.get("then")])
    if same and not any(word in told for word in machine):
        return one
    a, b = one["value"], two["value"]
    if (
        a["is"] != b["is"]
        or a.get("type") != b.get("type")
        or one.get("promise") != two.get("promise")
        or a["is"] == "error"
    ):
        return None
    return {**one, "then": None, "value": a, "loose": b}


def _last(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    return (errors or lines or ["no answer"])[0][:200]
