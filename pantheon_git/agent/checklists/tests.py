"""Tests: a new one asserts something, and one that was there asserts no less than before. Read line by line: sources
of a job are hostile, and nothing here parses them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pantheon_git.agent.checklists.item import Examined, Item, Whole, added, quote_line, removed
from pantheon_git.agent.view import ChangeView
from pantheon_git.spec.globs import Globs

_FILES = Globs(
    ("**/test_*.py", "**/*_test.*", "**/*.test.*", "**/*.spec.*", "**/__tests__/**", "**/conftest.py", "**/test/**",
     "**/tests/**", "test.js", "test.mjs", "test.ts")
)  # fmt: skip
_TEST = re.compile(r"^\s*(?:async\s+)?def\s+test|^\s*(?:test|it)(?:\.\w+)*\s*\(")
_ASSERTS = re.compile(
    r"^\s*assert\b|\bassert(?:\.\w+)?\s*\(|\bself\.assert|\bpytest\.raises\b|\bexpect\s*\(|\bawait\s+t\.\w+\s*\("
    r"|\bt\.(?:is|not|deepEqual|notDeepEqual|like|true|false|truthy|falsy|throws|throwsAsync|notThrows|regex|snapshot"
    r"|assert|pass|plan)\w*\s*\("
)
_VALUE = re.compile(
    r"\b(?:t|assert)\.(?:is|deep|like|regex|not|throws|equal|strict|match|snapshot)|\bassert\b.*(?:==|!=|<|>| in | is )"
    r"|\.to(?:Be|Equal|Strict|Match|Contain|Throw|Have)\w*\(\s*[^\s)]|\bself\.assert(?:Equal|In|Raises|Is\w*)\(|raises"
)
_HOLLOW = re.compile(
    r"^\s*assert\s+(?:True|1)\s*(?:,.*|#.*)?$|\bt\.pass\s*\(|\bt\.(?:true|truthy|assert)\s*\(\s*(?:true|1)\s*\)"
    r"|\bexpect\s*\(\s*(?:true|1)\s*\)\s*\.\s*to|\bt\.is\s*\(\s*(\w+)\s*,\s*\1\s*\)|\bassert\.ok\s*\(\s*true\s*\)"
)
_OFF = re.compile(
    r"\b(?:test|it|describe)\.(?:skip|todo|only|failing)\b|\bx(?:it|test|describe)\s*\("
    r"|@pytest\.mark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail)\s*\(|@unittest\.(?:skip|expectedFailure)"
)


def touched(change: ChangeView, whole: Whole) -> bool:
    return change.path in _FILES and change.after is not None


def examine(change: ChangeView, whole: Whole, settings: Mapping[str, Any]) -> Examined:
    return [*_asserts(change), *_honest(change)], None


def _asserts(change: ChangeView) -> Iterator[Item]:
    new, old = added(change.patch), removed(change.patch)
    tests, claims = sum(map(_is_test, new)), sum(map(_claims, new))
    values = sum(_claims(line) and _compares(line) for line in new)
    enough = not tests or (claims >= tests and 2 * values >= tests)
    said = f"{tests} new tests with {claims} new assertions, {values} of them against a value"
    yield Item("asserts", enough, said, _first(new, _TEST))
    lost = [line for line in old if _claims(line) and line not in new]
    won = [line for line in new if _claims(line) and line not in old]
    weaker = len(lost) > len(won) or sum(map(_compares, lost)) > sum(map(_compares, won))
    said = "an assertion is gone, or says less" if weaker else "no assertion is gone"
    yield Item("no-weaker", not weaker, said, quote_line("-", lost[0]) if lost else "")
    fewer = sum(map(_is_test, old)) > tests
    yield Item("no-fewer", not fewer, "a test is gone" if fewer else "no test is gone")


def _honest(change: ChangeView) -> Iterator[Item]:
    new = added(change.patch)
    for name, shape, good, bad in (
        ("no-hollow", _HOLLOW, "no assertion that cannot fail", "an assertion that cannot fail"),
        ("no-skip", _OFF, "no test is switched off", "a test is switched off"),
    ):
        found = _first(new, shape)
        yield Item(name, not found, bad if found else good, found)


def _is_test(line: str) -> bool:
    return bool(_TEST.search(line))


def _claims(line: str) -> bool:
    return bool(_ASSERTS.search(line)) and not _HOLLOW.search(line)


def _compares(line: str) -> bool:
    """Whether the assertion holds something against a value, not only that there is something."""
    return bool(_VALUE.search(line))


def _first(lines: list[str], shape: re.Pattern[str]) -> str:
    return next((quote_line("+", line) for line in lines if shape.search(line)), "")
