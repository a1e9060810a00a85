"""The tools of the AVA family: probe a module, write its test, check what was written. What they need comes late: the
host inside a jail pays for this module whatever the job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pantheon_git.tools.files import within
from pantheon_git.tools.protocol import Tool, ToolError, Workspace

if TYPE_CHECKING:
    from pantheon_git.tools.ava.render import Test

_SECONDS = 100
_PATH = {"type": "string", "minLength": 1, "maxLength": 1024}


def probe(workspace: Workspace, args: dict[str, Any]) -> dict[str, Any]:
    """Calls the module and plans the tests that its behaviour gives; nothing in the tree changes."""
    from pantheon_git.tools.ava.place import find_package, place_of
    from pantheon_git.tools.ava.plan import make_plan

    package = find_package(workspace, args["module"])
    test = place_of(package, args.get("test") or workspace.params.get("test"))
    plan = make_plan(workspace, package, test, float(args.get("seconds", _SECONDS)))
    if not plan.tests:
        raise ToolError("refused", f"{package.module}: no call came to anything that a test could hold on to")
    first = plan.tests[0]
    subject = plan.locals[first.export]
    return {
        "module": package.module,
        "test": test,
        "exports": [{"name": name, "kind": kind, "told": plan.told.get(name)} for name, kind in plan.kinds.items()],
        "untold": [name for name, told in plan.told.items() if not told],
        "tried": plan.tried,
        "plan": {"locals": plan.locals, "kinds": plan.kinds, "tests": [_as_json(one) for one in plan.tests]},
        "subject": subject,
        "about": _about(workspace, package.manifest),
        "calls": [re.sub(r"\s+", " ", line)[:160] for a in first.assertions[:3] for line in a.lines[-1:]],
        "titles": [first.title],
        "ask": ["title"],
    }


def write(workspace: Workspace, args: dict[str, Any]) -> dict[str, Any]:
    """Runs the planned tests, leaves out what is not green twice, and writes the file."""
    from pantheon_git.tools.ava.place import find_package, specifier
    from pantheon_git.tools.ava.render import render
    from pantheon_git.tools.ava.runner import runner

    package = find_package(workspace, args["module"])
    test, plan = within(workspace, args["test"]), args["plan"]
    tests = [_from_json(one) for one in plan["tests"]]
    titled, who, why = _titled(args, tests)
    names, place = list(plan["kinds"]), specifier(package, args["test"])
    left_out: list[str] = []
    with runner(workspace, package) as run:
        for other in (False, True, False):
            text = render(titled, plan["locals"], names, place)
            copy = run.tree / args["test"]
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)
            ended = run.run(args["test"], other=other)
            if not ended.green:
                bad = [one for one in titled if one.title in ended.failed or one.title not in ended.passed]
                left_out += [f"{one.title}: not green when it was run" for one in bad]
                titled = [one for one in titled if one not in bad]
                if not titled or not bad:
                    raise ToolError("refused", f"no test of {package.module} runs green: {ended.said[-300:]}")
        if not ended.green:
            raise ToolError("refused", f"the tests of {package.module} are not green twice: {ended.said[-300:]}")
    changed = not (test.is_file() and test.read_text() == text)
    if changed:
        test.parent.mkdir(parents=True, exist_ok=True)
        test.write_text(text)
    return {"test": args["test"], "changed": changed, "tests": len(titled), "left_out": left_out,
            "assertions": sum(len(one.assertions) for one in titled), "authorship": {"title": who, "tests": "tool"},
            "title": titled[0].title, "reasons": {"title": why} if why else {}}  # fmt: skip


def check(workspace: Workspace, args: dict[str, Any]) -> dict[str, Any]:
    """Runs a test file as it is, and against a module without each export, and with a do-nothing in its place."""
    from pantheon_git.tools.ava.place import find_package
    from pantheon_git.tools.ava.probing import Prober
    from pantheon_git.tools.ava.runner import mutants, runner

    package = find_package(workspace, args["module"])
    if not within(workspace, args["test"]).is_file():
        return {"ok": False, "problems": [f"there is no test file {args['test']}"]}
    with Prober(workspace, package, {}, 60) as prober:
        kinds = {name: str(found["kind"]) for name, found in prober.describe().items()}
    with runner(workspace, package) as run:
        green = [run.run(args["test"], other=other) for other in (False, True)]
        if not all(one.green for one in green):
            failed = sorted({title for one in green for title in one.failed}) or [green[0].said[-200:]]
            return {"ok": False, "problems": [f"not green: {'; '.join(failed[:5])}"], "green": False}
        judged = mutants(run, args["test"], kinds, int(args.get("exports", 16)))
    if judged is None:
        return {"ok": False, "problems": ["red behind a module that only hands the exports on"], "green": True}
    removed, idle = judged
    kept = [name for name, red in removed.items() if not red]
    problems = [f"green without the export {name}" for name in kept]
    if idle and not any(idle.values()):
        problems.append("green when every function does nothing")
    return {"ok": not problems, "problems": problems, "green": True, "tests": len(green[0].passed),
            "removal": removed, "idle": idle, "untold": [name for name, red in idle.items() if not red]}  # fmt: skip


def _titled(args: Mapping[str, Any], tests: Sequence[Test]) -> tuple[list[Test], str, str]:
    """The tests with the model's title for the first one, who that is from, and why not the model."""
    from dataclasses import replace

    from pantheon_git.tools.ava.titles import title_of

    lines = [line for a in tests[0].assertions for line in (a.candidate.setup, *a.lines)]
    title, who, why = title_of(args, [one.title for one in tests], lines)
    return [replace(tests[0], title=title), *tests[1:]], who, why


def _about(workspace: Workspace, manifest: Mapping[str, Any]) -> str:
    """What the package says that it does: its description and the README's first words."""
    readme = next((p for p in sorted(workspace.root.iterdir()) if p.name.lower() == "readme.md" and p.is_file()), None)
    opening = ""
    if readme is not None:
        with readme.open("rb") as file:
            text = file.read(6000).decode("utf-8", "replace")
        prose = [line.lstrip("> ") for line in text.splitlines() if line[:1].isalpha() or line.startswith("> ")]
        opening = " ".join(prose[:3])
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]*>", r"\1", f"{manifest.get('description', '')}. {opening}")
    return re.sub(r"\s+", " ", plain).strip(" .")[:400]


def _as_json(test: Test) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(test)


def _from_json(data: Mapping[str, Any]) -> Test:
    from pantheon_git.tools.ava.candidate import Assertion, Candidate
    from pantheon_git.tools.ava.render import Test

    def assertion(one: Mapping[str, Any]) -> Assertion:
        candidate = Candidate(**{**one["candidate"], "uses": tuple(one["candidate"]["uses"])})
        return Assertion(**{**one, "candidate": candidate, "lines": tuple(one["lines"])})

    return Test(str(data["title"]), tuple(map(assertion, data["assertions"])), str(data["export"]))


TOOLS = (
    Tool(
        "ava.probe",
        "call an ES module in the jail and plan the tests that its behaviour gives",
        {
            "type": "object",
            "required": ["module"],
            "additionalProperties": False,
            "properties": {"module": _PATH, "test": _PATH, "seconds": {"type": "number", "minimum": 1, "maximum": 600}},
        },
        probe,
        example={"module": "index.js"},
    ),
    Tool(
        "ava.write",
        "write the AVA test, once it has run green twice",
        {
            "type": "object",
            "required": ["module", "test", "plan"],
            "additionalProperties": False,
            "properties": {
                "module": _PATH,
                "test": _PATH,
                "plan": {"type": "object"},
                "subject": {"type": "string"},
                "about": {"type": "string"},
                "title": {"type": "string", "maxLength": 300, "description": "what the function does, in a few words"},
            },
        },
        write,
        writes=True,
        example={"title": "returns the words of a string"},
    ),
    Tool(
        "ava.check",
        "run an AVA test as it is, without each export, and with stand-ins that do nothing",
        {
            "type": "object",
            "required": ["module", "test"],
            "additionalProperties": False,
            "properties": {"module": _PATH, "test": _PATH, "exports": {"type": "integer", "minimum": 1}},
        },
        check,
        example={"module": "index.js", "test": "test.js"},
    ),
)
