"""The text of a test file: imports, one test for each thing that is said, in the style of the AVA world (tabs, `t`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pantheon_git.tools.ava.assertion import helpers_of
from pantheon_git.tools.ava.candidate import HELPERS, Assertion
from pantheon_git.tools.ava.choose import Told


@dataclass(frozen=True)
class Test:
    """One `test(…)` call."""

    title: str
    assertions: tuple[Assertion, ...]
    export: str

    @property
    def serial(self) -> bool:
        return any(one.candidate.alone for one in self.assertions)


def arrange(chosen: Sequence[Told], locals_: Mapping[str, str], kinds: Mapping[str, str]) -> list[Test]:
    """Tests from assertions: what an export returns, what it does after a set-up, what it refuses; titles unique."""
    tests: list[Test] = []
    for name in kinds:
        mine = [one.assertion for one in chosen if one.assertion.candidate.group.split(".")[0] == name]
        plain = tuple(a for a in mine if a.kind != "error" and not a.candidate.setup and len(a.lines) == 1)
        wrong = tuple(a for a in mine if a.kind == "error" and not a.candidate.setup)
        rest = [a for a in mine if a not in plain and a not in wrong]
        local = locals_[name]
        if plain:
            tests.append(Test(_title(local, kinds[name], plain), plain, name))
        tests += [Test(_title(_member(local, a), kinds[name], (a,)), (a,), name) for a in rest]
        if wrong:
            tests.append(Test(f"{local} refuses what it cannot use", wrong, name))
    return _unique(tests)


def _member(local: str, assertion: Assertion) -> str:
    _, dot, method = assertion.candidate.group.partition(".")
    return f"{local}#{method}" if dot else local


def _title(subject: str, kind: str, assertions: Sequence[Assertion]) -> str:
    """A title computed from what is asserted."""
    first = assertions[0]
    if kind == "value":
        return f"{subject} holds {'the expected values' if len(assertions) > 1 else 'the expected value'}"
    if first.candidate.then == "calls":
        return f"{subject} calls back"
    if first.candidate.then == "codes":
        return f"{subject} exits with a code"
    if first.candidate.then:
        return f"{subject} changes {first.candidate.then}"
    if first.kind == "error":
        return f"{subject} refuses"
    verb = "fulfils with" if first.waits else "makes" if first.candidate.expr.startswith("new ") else "returns"
    if len(assertions) == 1 and len(first.shown) <= 30 and first.kind == "value":
        return f"{subject} {verb} {first.shown}"
    return f"{subject} {verb} {'the expected values' if len(assertions) > 1 else 'the expected value'}"


def _unique(tests: Sequence[Test]) -> list[Test]:
    seen: dict[str, int] = {}
    found = []
    for one in tests:
        seen[one.title] = number = seen.get(one.title, 0) + 1
        found.append(one if number == 1 else Test(f"{one.title} ({number})", one.assertions, one.export))
    return found


def imports(locals_: Mapping[str, str], names: Sequence[str], specifier: str) -> str:
    """The line that imports the module's exports by the test's names; one that is missing fails at link time."""
    default = [locals_["default"]] if "default" in names else []
    plain = [n if n == locals_[n] else f"{_key(n)} as {locals_[n]}" for n in names if n != "default"]
    listed = [*default, *([f"{{{', '.join(plain)}}}"] if plain else [])]
    line = f"import {', '.join(listed)} from '{specifier}';"
    return (
        line
        if len(line) <= 110
        else line.replace("{", "{\n\t").replace("}", ",\n}").replace(", ", ",\n\t").replace(",\n\t{", ", {")
    )


def render(tests: Sequence[Test], locals_: Mapping[str, str], names: Sequence[str], specifier: str) -> str:
    """The whole file."""
    used = helpers_of([a for one in tests for a in one.assertions])
    taken = set(locals_.values())
    lines = [*sorted(HELPERS[name] for name in used if name not in taken), "import test from 'ava';"]
    lines = [*_joined(lines), imports(locals_, names, specifier), ""]
    for one in tests:
        lines += [*_test(one), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _joined(lines: Sequence[str]) -> list[str]:
    """Several names of one module in one import."""
    by_module: dict[str, list[str]] = {}
    found = []
    for line in lines:
        if match := re.fullmatch(r"import \{(\w+)\} from '([^']+)';", line):
            by_module.setdefault(match[2], []).append(match[1])
        else:
            found.append(line)
    return [*(f"import {{{', '.join(sorted(names))}}} from '{module}';" for module, names in by_module.items()), *found]


def _test(one: Test) -> list[str]:
    waits = any(a.waits or "await " in a.candidate.setup + a.candidate.after for a in one.assertions)
    call = "test.serial" if one.serial else "test"
    lines = [f"{call}({_quoted(one.title)}, {'async ' if waits else ''}t => {{"]
    for assertion in one.assertions:
        for part in (*assertion.candidate.setup.splitlines(), *assertion.lines):
            lines += [f"\t{line}" for line in part.splitlines()]
    return [*lines, "});"]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name) else _quoted(name)


def _quoted(text: str) -> str:
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
