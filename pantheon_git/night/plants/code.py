"""Faults in tests and in code: assertions that hold less, lines that went, a condition turned round, work left over."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pantheon_git.night.patch import Edit, Side
from pantheon_git.night.plants.draft import Elsewhere, Maker, changed, first_match, kept_lines, own_lines, texts

Made = tuple[str, tuple[Edit, ...]] | None
_CLAIM = r"(?:await\s+)?t\.(?:is|deepEqual|like|regex|not|notDeepEqual|throws|true|false|truthy|falsy)\("
_WEAKER = (
    (r"\bt\.(?:is|deepEqual|like)\((.+?), .+\)", r"t.truthy(\1)"),
    (r"\bassert\.(?:equal|strictEqual|deepEqual|deepStrictEqual)\((.+?), .+\)", r"assert.ok(\1)"),
    (r"\.(?:toBe|toEqual|toStrictEqual)\(.+\)", ".toBeDefined()"),
    (r"^(\s*assert [^=]+?) == .+$", r"\1"),
    (r"\bself\.assertEqual\((.+?), .+\)", r"self.assertTrue(\1)"),
)
_HOLLOW = (
    (rf"{_CLAIM}.*\)", "t.pass()"), (r"\bexpect\(.*\)\.\w+\(.*\)", "expect(true).toBe(true)"),
    (r"^(\s*)assert .+$", r"\1assert True"),
)  # fmt: skip
_SKIPPED = (
    (r"^(\s*)(test|it)\(", r"\1\2.skip("), (r"^(\s*)((?:async )?def test)", r"\1@pytest.mark.skip\n\1\2"),
)  # fmt: skip
_TURNED = (
    (r" === ", " !== "), (r" !== ", " === "), (r" == ", " != "), (r" != ", " == "), (r" <= ", " > "), (r" >= ", " < "),
    (r" && ", " || "), (r" and ", " or "), (r"\btrue\b", "false"), (r"\bTrue\b", "False"), (r" \+ ", " - "),
)  # fmt: skip
_LOST = 8


def _by(rules: Sequence[tuple[str, str]], kept: bool = False) -> Maker:
    return lambda edits, elsewhere: first_match(edits, rules, kept)


def _no_assertion(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    for edit, before, after in texts(edits):
        lines = after.split("\n")
        claims = [n for n in own_lines(before, after) if re.search(rf"{_CLAIM}|^\s*assert |\bexpect\(", lines[n])]
        if claims:
            left = [line for number, line in enumerate(lines) if number not in claims]
            return f"{len(claims)} assertions are gone", changed(edits, edit, "\n".join(left).encode())
    return None


def _lost_lines(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    for edit, before, after in texts(edits):
        kept = kept_lines(before, after)
        if len(kept) > 2 * _LOST:
            lines, gone = after.split("\n"), set(kept[-_LOST:])
            left = [line for number, line in enumerate(lines) if number not in gone]
            return f"{_LOST} lines that nobody asked about are gone", changed(edits, edit, "\n".join(left).encode())
    return None


def _left_over(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    for edit, before, after in texts(edits):
        for number in own_lines(before, after):
            lines = after.split("\n")
            mark = "#" if edit.path.endswith((b".py", b".sh", b".toml", b".yml", b".yaml", b".rb")) else "//"
            indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
            lines.insert(number, f"{indent}{mark} TODO: finish this")
            return "a line says that work is left", changed(edits, edit, "\n".join(lines).encode())
    return None


def scope_creep(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    """One more file is changed, that no task asked for."""
    own = {edit.path for edit in edits}
    for path, data in elsewhere.files:
        if (name := path.encode("utf-8", "surrogateescape")) not in own:
            more = data.rstrip(b"\n") + b"\n\nSee also the other pages.\n"
            return f"{path} is changed too", (*edits, Edit(name, Side(0o100644, data), Side(0o100644, more)))
    return None


TESTS: tuple[tuple[str, Maker], ...] = (
    ("weakened-assertion", _by(_WEAKER)), ("hollow-assertion", _by(_HOLLOW)), ("skipped-test", _by(_SKIPPED)),
    ("no-assertion", _no_assertion),
)  # fmt: skip
CODE: tuple[tuple[str, Maker], ...] = (
    ("lost-lines", _lost_lines), ("turned-condition", _by(_TURNED, kept=True)), ("left-over", _left_over),
)  # fmt: skip
