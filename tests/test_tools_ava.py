"""AVA tests from what a module does: true ones, which turn red without what they test, and nothing that only happens
to be so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import ToolError, Workspace
from tests.node_support import needs_ava, needs_node, package

PIECES = """\
import fs from 'node:fs';
import process from 'node:process';

/** Joins words with a dash. */
export default function dashed(text, {upper = false} = {}) {
	if (typeof text !== 'string') {
		throw new TypeError(`Expected a string, got ${typeof text}`);
	}
	const done = text.trim().split(/\\s+/).join('-');
	return upper ? done.toUpperCase() : done;
}

export const later = async (value, map = x => x) => map(value);
export function * count(limit) {
	for (let i = 0; i < limit; i++) {
		yield i;
	}
}
export class Stack {
	#items = [];
	push(item) {
		this.#items.push(item);
		return this.size;
	}
	get size() {
		return this.#items.length;
	}
}
export const limits = {low: 1, high: 9};
export const stamp = () => Date.now() + Math.random();
export const where = () => process.cwd();
export const scribble = name => fs.writeFileSync('scribble.txt', String(name));
export const leave = () => process.exit(3);
"""
README = """\
# pieces

Small pieces of text and time.

```js
import dashed from 'pieces';

dashed('sea  and land');
//=> 'sea-and-land'
```
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Any], dict[str, Any]]:
    """The package, what probing said, and what writing said."""
    workspace = package(tmp_path_factory.mktemp("pieces") / "tree", {"index.js": PIECES, "readme.md": README})
    probed = TOOLS["ava.probe"].run(workspace, {"module": "index.js", "seconds": 60})
    return workspace, probed, _write(workspace, probed)


def _write(workspace: Workspace, probed: dict[str, Any], **more: str) -> dict[str, Any]:
    arguments = {name: probed[name] for name in ("module", "test", "plan", "subject", "about")}
    return TOOLS["ava.write"].run(workspace, {**arguments, **more})


@needs_ava
def test_every_function_is_told_from_a_stand_in_and_the_readme_comes_first(made: Any) -> None:
    """Values, promises, generators, classes, refusals and exits are asserted; the README's own call is among them."""
    workspace, probed, written = made
    assert probed["untold"] == ["scribble"]
    text = (workspace.root / written["test"]).read_text()
    assert written["test"] == "test.js"
    for said in (
        "t.is(dashed('sea  and land'), 'sea-and-land');",
        "instanceOf: TypeError, message: 'Expected a string, got ",
        "await later(",
        "[...count(",
        "stack.push(",
        "t.deepEqual(limits, {low: 1, high: 9});",
        "t.is(typeof stamp(), 'number');",
        "t.is(typeof where(), 'string');",
        "t.deepEqual(codes, [3]);",
    ):
        assert said in text, said


@needs_ava
def test_what_writes_files_is_never_called_by_a_test(made: Any) -> None:
    """A call with an effect on the tree is seen in a copy and dropped: the tree has the test and nothing else new."""
    workspace, _, written = made
    assert "scribble(" not in (workspace.root / written["test"]).read_text()
    assert {path.name for path in workspace.root.iterdir()} == {
        "index.js",
        "readme.md",
        "package.json",
        "node_modules",
        "test.js",
    }


@needs_ava
def test_the_same_tree_when_written_twice(made: Any) -> None:
    """Probing and writing again, with the test named, come to the same bytes."""
    workspace, _, written = made
    before = (workspace.root / written["test"]).read_bytes()
    probed = TOOLS["ava.probe"].run(workspace, {"module": "index.js", "test": "test.js", "seconds": 60})
    again = _write(workspace, probed)
    assert (workspace.root / written["test"]).read_bytes() == before
    assert again["changed"] is False


@needs_ava
def test_the_check_finds_what_a_test_does_not_tell(made: Any, tmp_path: Path) -> None:
    """Green and red where they should be; a test that looks at types alone is caught."""
    workspace, _, _ = made
    found = TOOLS["ava.check"].run(workspace, {"module": "index.js", "test": "test.js", "exports": 1})
    assert (found["ok"], set(found["removal"].values())) == (True, {True}), found
    hollow = "import test from 'ava';\nimport * as m from './index.js';\n"
    hollow += "test('x', t => { t.is(typeof m.count, 'function'); });\n"
    other = package(tmp_path / "tree", {"index.js": "export const count = n => [n];\n", "test.js": hollow})
    found = TOOLS["ava.check"].run(other, {"module": "index.js", "test": "test.js"})
    assert found["problems"] == ["green when every function does nothing"]


@needs_ava
@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("joins the words of a text with a dash", "fallback"),
        ("makes small pieces of text", "model"),
        ("dashed", "fallback"),
        ("returns `text`; process.exit()", "fallback"),
    ],
)
def test_a_title_is_the_models_where_readme_and_calls_bear_it_out(made: Any, said: str, who: str) -> None:
    """Words from nowhere, code, and too few words give way to the computed title, with the reason."""
    from pantheon_git.tools.ava.titles import judge_title

    _, probed, _ = made
    title, why = judge_title(said, probed["subject"], [probed["about"], *probed["calls"]])
    assert bool(title) == (who == "model"), why
    assert bool(title) != bool(why)


@needs_node
@pytest.mark.parametrize(
    ("module", "source", "manifest", "why"),
    [
        ("index.js", "module.exports = 1;", '{"name": "x"}', "CommonJS"),
        ("index.js", "import 'no-such-package';\nexport const a = 1;", '{"type": "module"}', "cannot be loaded"),
        ("index.js", "export const a = 1;", "{", "does not read"),
        ("index.css", "a {}", '{"type": "module"}', "no JavaScript"),
        ("index.js", "globalThis.a = 1;", '{"type": "module"}', "exports nothing"),
    ],
)
def test_what_is_no_es_module_is_refused(tmp_path: Path, module: str, source: str, manifest: str, why: str) -> None:
    """Refused with the reason, and nothing is written."""
    workspace = package(tmp_path / "tree", {module: source}, manifest)
    with pytest.raises(ToolError, match=why) as caught:
        TOOLS["ava.probe"].run(workspace, {"module": module, "seconds": 20})
    assert caught.value.code == "refused"


def test_no_program_is_started_outside_of_a_jail(tmp_path: Path) -> None:
    """Without the tool host's runner, the probing tool says so and calls nothing."""
    workspace = package(tmp_path / "tree", {"index.js": PIECES})
    with pytest.raises(ToolError, match="inside the jail"):
        TOOLS["ava.probe"].run(Workspace(workspace.root), {"module": "index.js"})
