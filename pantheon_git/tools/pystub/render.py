"""The text of a pytest file: one function for each thing that is said, a docstring that says it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pantheon_git.tools.ava.candidate import Assertion
from pantheon_git.tools.ava.choose import Told
from pantheon_git.tools.pystub.assertion import imports, names_used


@dataclass(frozen=True)
class Test:
    """One test function."""

    name: str
    title: str
    """Its docstring."""
    assertions: tuple[Assertion, ...]
    export: str


def arrange(chosen: Sequence[Told], kinds: Mapping[str, str], docs: Mapping[str, str]) -> list[Test]:
    """What a function returns, what it does after a set-up, what it refuses. `docs`: first sentences of docstrings."""
    tests: list[Test] = []
    for name in kinds:
        mine = [one.assertion for one in chosen if one.assertion.candidate.group.split(".")[0] == name]
        plain = tuple(a for a in mine if a.kind != "error" and not a.candidate.setup)
        wrong = tuple(a for a in mine if a.kind == "error" and not a.candidate.setup)
        rest = [a for a in mine if a not in plain and a not in wrong]
        if plain:
            tests.append(Test(_function(name), docs.get(name) or _title(name, kinds[name]), plain, name))
        for one in rest:
            member = one.candidate.group.partition(".")[2].strip("_")
            about = f"{name}.{member}" if member else name
            tests.append(
                Test(_function(f"{name}_{member}" if member else f"{name}_in_use"), _use(about, one), (one,), name)
            )
        if wrong:
            tests.append(Test(_function(f"{name}_refuses"), f"{name} refuses what it cannot use.", wrong, name))
    return _unique(tests)


def _title(name: str, kind: str) -> str:
    return f"{name} holds the expected value." if kind == "value" else f"{name} returns the expected values."


def _use(about: str, one: Assertion) -> str:
    if one.candidate.then == "calls":
        return f"{about} calls back with what it should."
    if one.kind == "error":
        return f"{about} refuses what it cannot use."
    if one.candidate.then:
        return f"{about} changes what it was given."
    return f"{about} comes to the expected value."


def _function(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return "test_" + re.sub(r"\W+|_{2,}", "_", snake).strip("_")


def _unique(tests: Sequence[Test]) -> list[Test]:
    seen: dict[str, int] = {}
    found = []
    for one in tests:
        seen[one.name] = number = seen.get(one.name, 0) + 1
        found.append(one if number == 1 else Test(f"{one.name}_{number}", one.title, one.assertions, one.export))
    return found


def render(tests: Sequence[Test], names: Sequence[str], module: str) -> str:
    """The whole file; every tested name is imported, so that one that is missing fails."""
    used = names_used([a for one in tests for a in one.assertions])
    about = module.rpartition(".")[2]
    lines = [
        f'"""What the module {about} does when it is used."""',
        "",
        *_spaced(imports(used)),
        _from(module, names),
        "",
    ]
    for one in tests:
        lines += ["", f"def {one.name}() -> None:", f'    """{_docstring(one.title)}"""']
        for assertion in one.assertions:
            for part in (assertion.candidate.setup, *assertion.lines):
                lines += [f"    {line}" for line in part.splitlines()]
        lines.append("")
    return _double_quoted("\n".join(lines).rstrip("\n") + "\n")


def _double_quoted(code: str) -> str:
    """Strings in double quotes, where that is a change of the quotes alone."""
    lines = code.splitlines(keepends=True)
    for token in list(tokenize.generate_tokens(io.StringIO(code).readline))[::-1]:
        (row, begin), (last, end), text = token.start, token.end, token.string
        plain = token.type == tokenize.STRING and re.fullmatch(r"[a-z]?'[^'\"\\]*'", text) and text[:3] != "'" * 3
        if plain and row == last:
            new = text.replace("'", '"')
            lines[row - 1] = lines[row - 1][:begin] + new + lines[row - 1][end:]
    return "".join(lines)


def _spaced(lines: Sequence[str]) -> list[str]:
    return [*lines, ""] if lines else []


def _from(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    return line if len(line) <= 110 else f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _docstring(title: str) -> str:
    return title.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')
