"""Running AVA on one test file in a throw-away copy of the repository, as it is or with an export taken away."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.tools.ava.place import AVA, Package, copy_tree
from pantheon_git.tools.ava.probing import NODE, other_surroundings, run_in
from pantheon_git.tools.protocol import ToolError, Workspace
from pantheon_git.tools.tap import read_tap

_SECONDS = 90.0


@dataclass(frozen=True)
class Ended:
    green: bool
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    said: str
    """The last lines, for a reason."""


class Runner:
    """One copy of the tree, with the test file in it."""

    def __init__(self, workspace: Workspace, package: Package, place: Path) -> None:
        self._workspace, self._package = workspace, package
        self.tree = place / "run" / "checkout"
        self._home = place / "home"
        self._module = self.tree / package.module
        copy_tree(package.root, self.tree)
        (self._home / "tmp").mkdir(parents=True)
        if not (self.tree / AVA).is_file():
            remedy = "npm install --save-dev ava, and share = ['node_modules'] in .pantheon/policy.toml"
            raise ToolError("missing", f"no AVA in node_modules: {remedy}")

    def run(self, test: str, *, other: bool = False) -> Ended:
        """The test file's run. `other`: in other surroundings than usual."""
        env = other_surroundings(self._home) if other else {"HOME": str(self._home)}
        argv = ["node", AVA, "--tap", "--timeout=30s", test]
        ran = run_in(self._workspace, self.tree, argv, env, _SECONDS)
        if ran.code == 127:
            raise ToolError("missing", NODE)
        tap = read_tap(ran.stdout.decode("utf-8", "replace"))
        green = ran.code == 0 and tap.complete and bool(tap.passed) and not tap.failed
        last = (ran.stdout + ran.stderr).decode("utf-8", "replace").strip()[-600:]
        return Ended(green, tuple(tap.passed), tuple(tap.failed), last)

    @contextmanager
    def without(
        self, exports: Sequence[str], *, gone: str = "", idle: str = "", a_class: bool = False
    ) -> Iterator[None]:
        """The module behind a wrapper that hands its exports on: all but `gone`, a do-nothing in place of `idle`."""
        original = self._module.with_name(f"__orig__{self._module.name}")
        self._module.rename(original)
        inner = re.sub(r"\.ts$", ".js", original.name)
        lines = [f"import * as o from './{inner}';"]
        for number, name in enumerate(exports):
            if name == gone:
                continue
            value = f"o[{_text(name)}]" if name != idle else "class {}" if a_class else "(function () {})"
            lines.append(f"const _{number} = {value};\nexport {{_{number} as {_text(name)}}};" if name != "default"
                         else f"export default {value};")  # fmt: skip
        self._module.write_text("\n".join(lines) + "\n")
        try:
            yield
        finally:
            original.replace(self._module)


@contextmanager
def runner(workspace: Workspace, package: Package) -> Iterator[Runner]:
    with tempfile.TemporaryDirectory(prefix="ava-") as folder:
        yield Runner(workspace, package, Path(folder))


def mutants(
    run: Runner, test: str, kinds: Mapping[str, str], most: int
) -> tuple[dict[str, bool], dict[str, bool]] | None:
    """Of the first `most` exports, whether its removal turns the run red; and, of functions and classes, whether a
    do-nothing does. None where the wrapper alone turns it red, so that nothing can be said."""
    names = list(kinds)
    with run.without(names):
        if not run.run(test).green:
            return None
    removed, idle = {}, {}
    for name in names[:most]:
        with run.without(names, gone=name):
            removed[name] = not run.run(test).green
        if kinds[name] != "value":
            with run.without(names, idle=name, a_class=kinds[name] == "class"):
                idle[name] = not run.run(test).green
    return removed, idle


def _text(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
