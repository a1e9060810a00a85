"""The tools of the pytest family: probe a module, write its test, check what was written. What they need comes late."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pantheon_git.tools.files import within
from pantheon_git.tools.protocol import Tool, ToolError, Workspace

if TYPE_CHECKING:
    from pantheon_git.tools.pystub.render import Test
    from pantheon_git.tools.pystub.source import Module

_SECONDS = 100
_PATH = {"type": "string", "minLength": 1, "maxLength": 1024}


def probe(workspace: Workspace, args: dict[str, Any]) -> dict[str, Any]:
    """Calls the module and plans the tests that its behaviour gives; nothing in the tree changes."""
    from dataclasses import asdict

    from pantheon_git.tools.pystub.plan import make_plan
    from pantheon_git.tools.pystub.source import find_module

    module = find_module(workspace, args["module"])
    test = _place(workspace, module, args.get("test") or workspace.params.get("test"))
    plan = make_plan(workspace, module, test, float(args.get("seconds", _SECONDS)))
    if not plan.tests:
        raise ToolError("refused", f"{module.path}: no call came to anything that a test could hold on to")
    first = plan.tests[0]
    return {
        "module": module.path, "test": test, "untold": [name for name, told in plan.told.items() if not told],
        "exports": [{"name": n, "kind": kind, "told": plan.told.get(n)} for n, kind in plan.kinds.items()],
        "tried": plan.tried, "plan": {"names": list(plan.kinds), "tests": [asdict(one) for one in plan.tests]},
        "subject": first.export, "about": plan.about,
        "calls": [re.sub(r"\s+", " ", line)[:160] for a in first.assertions[:3] for line in a.lines[-1:]],
        "titles": [first.title], "ask": ["title"],
    }  # fmt: skip


def write(workspace: Workspace, args: dict[str, Any]) -> dict[str, Any]:
    """Runs the planned tests, leaves out what is not green twice, and writes the file."""
    from pantheon_git.tools.pystub.render import render
    from pantheon_git.tools.pystub.source import find_module

    module = find_module(workspace, args["module"])
    target = within(workspace, args["test"])
    tests, who, why = _titled(args, [_from_json(one) for one in args["plan"]["tests"]])
    names = [
        name for name in args["plan"]["names"] if any(name in a.candidate.uses for t in tests for a in t.assertions)
    ]
    left_out: list[str] = []
    for other in (False, True, False):
        text = render(tests, names, module.name)
        results, said = _run(workspace, module, args["test"], text, other)
        bad = [one for one in tests if results.get(one.name) != "pass"]
        left_out += [f"{one.name}: not green when it was run" for one in bad]
        tests = [one for one in tests if one not in bad]
        if not tests:
            raise ToolError("refused", f"no test of {module.path} runs green: {said}")
    if bad:
        raise ToolError("refused", f"the tests of {module.path} are not green twice: {said}")
    changed = not (target.is_file() and target.read_text() == text)
    if changed:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return {"test": args["test"], "changed": changed, "tests": len(tests), "left_out": left_out,
            "title": tests[0].title, "assertions": sum(len(one.assertions) for one in tests),
            "authorship": {"title": who, "tests": "tool"},
            "reasons": {"title": why} if why else {}}  # fmt: skip


def check(workspace: Workspace, args: dict[str, Any]) -> dict[str, Any]:
    """Runs a test file as it is, without each name of the module, and with a do-nothing in its place."""
    from pantheon_git.tools.pystub.probing import copy_tree, python, surroundings
    from pantheon_git.tools.pystub.source import find_module

    module = find_module(workspace, args["module"])
    if not within(workspace, args["test"]).is_file():
        return {"ok": False, "problems": [f"there is no test file {args['test']}"]}
    text = (workspace.root / args["test"]).read_text()
    for other in (False, True):
        results, said = _run(workspace, module, args["test"], text, other)
        if not results or set(results.values()) != {"pass"}:
            failed = [name for name, state in results.items() if state != "pass"] or [said]
            return {"ok": False, "problems": [f"not green: {'; '.join(failed[:5])}"], "green": False}
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        tree, home = Path(folder, "tree"), Path(folder, "home")
        copy_tree(workspace.root, tree)
        (home / "tmp").mkdir(parents=True)
        Path(folder, "job.json").write_text(json.dumps({
            "path": str(tree / module.root), "module": module.name, "test": args["test"],
            "names": list(module.definitions)[: int(args.get("names", 24))],
        }))  # fmt: skip
        script = Path(__file__).with_name("mutate.py")
        argv = [python(workspace), str(script), f"{folder}/job.json", f"{folder}/out.json"]
        from pantheon_git.tools.ava.probing import run_in

        env = {**surroundings(home, False), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # ours need none, and each costs
        ran = run_in(workspace, tree, argv, env, 240)
        if ran.code or not Path(folder, "out.json").is_file():
            return {
                "ok": False,
                "problems": [f"stand-ins cannot be tried: {ran.stderr.decode('utf-8', 'replace')[-200:]}"],
            }
        found = json.loads(Path(folder, "out.json").read_bytes())
    removal, idle = found["removal"], found["idle"]
    tried = set(re.findall(r"\w+", text))
    problems = [f"green without {name}" for name, red in removal.items() if not red and name in tried]
    problems += ["red behind a module that only hands its names on"] if found["base"] else []
    problems += ["green when every function does nothing"] if idle and not any(idle.values()) else []
    return {"ok": not problems, "problems": problems, "green": True, "tests": len(results), "removal": removal,
            "idle": idle, "untold": [name for name, red in idle.items() if not red]}  # fmt: skip


def _run(workspace: Workspace, module: Module, test: str, text: str, other: bool) -> tuple[dict[str, str], str]:
    """Function → `pass`, `fail` or `skip`, of a run of the test in a copy of the tree; and the last that was said."""
    from pantheon_git.tools.ava.probing import run_in
    from pantheon_git.tools.junit import NotJunitError, read_junit
    from pantheon_git.tools.pystub.probing import copy_tree, python, surroundings

    with tempfile.TemporaryDirectory(prefix="pytest-") as folder:
        tree, home, report = (
            Path(folder, "other/tree" if other else "tree"),
            Path(folder, "home"),
            Path(folder, "r.xml"),
        )
        copy_tree(workspace.root, tree)
        (home / "tmp").mkdir(parents=True)
        (tree / test).parent.mkdir(parents=True, exist_ok=True)
        (tree / test).write_text(text)
        env = {**surroundings(home, other), "PYTHONPATH": str(tree / module.root)}
        argv = [python(workspace), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", test]
        ran = run_in(workspace, tree, argv, env, 120)
        said = (ran.stdout + ran.stderr).decode("utf-8", "replace").strip()[-300:]
        if "No module named pytest" in said:
            raise ToolError("missing", f"pytest is not installed for {python(workspace)}: share a .venv that has it")
        try:
            found = read_junit(report.read_bytes()).tests if report.is_file() else {}
        except NotJunitError as error:
            raise ToolError("refused", f"pytest's report does not read: {error}") from error
        good = {name.rpartition("::")[2]: state for name, state in found.items()}
        return (good if ran.code in (0, 1) else {}), said


def _place(workspace: Workspace, module: Module, given: str | None) -> str:
    """Where the test goes: what the task says, else the repository's folder of tests (`testpaths` first)."""
    if given:
        return given
    parts = [part for part in module.name.split(".") if part != "__init__"]
    folders = [*_testpaths(workspace.root), "tests", "test"]
    folder = next((one for one in folders if (workspace.root / one).is_dir()), "tests")
    stem = PurePosixPath(module.path).stem
    whole = f"{folder}/test_{'_'.join(parts)}{'__init__' if stem == '__init__' else ''}.py"
    names = [whole] if stem.startswith("_") else [f"{folder}/test_{stem}.py", whole]
    free = [name for name in names if not (workspace.root / name).exists()]
    if not free:
        raise ToolError("refused", f"{module.path} has a test already: {', '.join(names)}")
    return free[0]


def _testpaths(root: Path) -> list[str]:
    import tomllib

    try:
        options = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    listed = options.split() if isinstance(options, str) else options
    return [
        str(one) for one in listed if isinstance(one, str) and not PurePosixPath(one).is_absolute() and ".." not in one
    ]


def _titled(args: Mapping[str, Any], tests: Sequence[Test]) -> tuple[list[Test], str, str]:
    """The tests with the model's title for the first one, who that is from, and why not the model."""
    from dataclasses import replace

    from pantheon_git.tools.ava.titles import title_of

    lines = [line for a in tests[0].assertions for line in (a.candidate.setup, *a.lines)]
    title, who, why = title_of(args, [one.title for one in tests], lines)
    return [replace(tests[0], title=f"{title}." if who == "model" else title), *tests[1:]], who, why


def _from_json(data: Mapping[str, Any]) -> Test:
    from pantheon_git.tools.ava.candidate import Assertion, Candidate
    from pantheon_git.tools.pystub.render import Test

    def assertion(one: Mapping[str, Any]) -> Assertion:
        candidate = Candidate(**{**one["candidate"], "uses": tuple(one["candidate"]["uses"])})
        return Assertion(**{**one, "candidate": candidate, "lines": tuple(one["lines"])})

    return Test(data["name"], data["title"], tuple(map(assertion, data["assertions"])), data["export"])


_PROPERTIES = {"module": _PATH, "test": _PATH}
TOOLS = (
    Tool(
        "pytest.probe",
        "call a Python module in the jail and plan the tests that its behaviour gives",
        {"type": "object", "required": ["module"], "additionalProperties": False,
         "properties": {**_PROPERTIES, "seconds": {"type": "number", "minimum": 1, "maximum": 600}}},
        probe,
        example={"module": "words.py"},
    ),
    Tool(
        "pytest.write",
        "write the pytest file, once it has run green twice",
        {"type": "object", "required": ["module", "test", "plan"], "additionalProperties": False,
         "properties": {**_PROPERTIES, "plan": {"type": "object"}, "subject": {"type": "string"},
                        "about": {"type": "string"},
                        "title": {"type": "string", "maxLength": 300, "description": "what the function does"}}},
        write,
        writes=True,
        example={"title": "returns the words of a string"},
    ),
    Tool(
        "pytest.check",
        "run a pytest file as it is, without each name, and with stand-ins that do nothing",
        {"type": "object", "required": ["module", "test"], "additionalProperties": False,
         "properties": {**_PROPERTIES, "names": {"type": "integer", "minimum": 1}}},
        check,
        example={"module": "words.py", "test": "tests/test_words.py"},
    ),
)  # fmt: skip
