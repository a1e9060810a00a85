"""The patch of a job in flight, in git's format, from bytes in memory: its objects are not in the repository yet.

`git apply` takes it; a test compares it with git's own. Renames show as a removal and an addition.
"""

from __future__ import annotations

import base64
import difflib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from pantheon_git.gate.lines import is_binary, spans, too_many_lines
from pantheon_git.repo.objects import hash_object

_SHOWN = 1 << 20
"""Bytes of a file that a patch holds whole; a larger one is only said to differ, as git does without `--binary`. A job
chooses its files, and its patch is kept in the ledger beside them."""


@dataclass(frozen=True)
class Side:
    mode: int
    data: bytes


@dataclass(frozen=True)
class Edit:
    """One path before and after; None: absent."""

    path: bytes
    old: Side | None
    new: Side | None

    @property
    def binary(self) -> bool:
        return any(side is not None and is_binary(side.data) for side in (self.old, self.new))

    @property
    def whole(self) -> bool:
        """Shown as bytes and not line by line: binary, or too many lines to be compared."""
        old, new = (side.data if side else b"" for side in (self.old, self.new))
        return self.binary or too_many_lines(old, new)


def render(edits: Iterable[Edit]) -> bytes:
    """The unified diff with three lines of context, paths in byte order."""
    return b"".join(_one(edit) for edit in sorted(edits, key=lambda e: e.path) if edit.old != edit.new)


def count(edits: Iterable[Edit]) -> dict[str, tuple[int, int]]:
    """Lines added and removed for each path, as `git diff --numstat` counts; (0, 0) for a file shown as bytes."""
    return {edit.path.decode("utf-8", "surrogateescape"): _count(edit) for edit in edits if edit.old != edit.new}


def _count(edit: Edit) -> tuple[int, int]:
    if edit.whole:
        return 0, 0
    lines = [line[:1] for line in _hunks(edit)]
    return lines.count(b"+"), lines.count(b"-")


def _one(edit: Edit) -> bytes:
    a, b = _quote(b"a/" + edit.path), _quote(b"b/" + edit.path)
    head = [b"diff --git %s %s" % (a, b)]
    if edit.old is None and edit.new is not None:
        head.append(b"new file mode %06o" % edit.new.mode)
    elif edit.new is None and edit.old is not None:
        head.append(b"deleted file mode %06o" % edit.old.mode)
    elif edit.old and edit.new and edit.old.mode != edit.new.mode:
        head += [b"old mode %06o" % edit.old.mode, b"new mode %06o" % edit.new.mode]
    if edit.old is not None and edit.new is not None and edit.old.data == edit.new.data:
        return b"\n".join(head) + b"\n"
    head.append(_index(edit))
    body = _whole(edit, a, b) if edit.whole else _text(edit, a, b)
    return b"\n".join(head) + b"\n" + body


def _text(edit: Edit, a: bytes, b: bytes) -> bytes:
    hunks = _hunks(edit)
    if not hunks:
        return b""
    tab = b"\t" if b" " in edit.path and not a.startswith(b'"') else b""
    names = b"--- %s\n+++ %s\n" % (
        b"/dev/null" if edit.old is None else a + tab,
        b"/dev/null" if edit.new is None else b + tab,
    )
    return names + b"".join(hunks)


def _hunks(edit: Edit) -> list[bytes]:
    """The hunks' lines, heads included, each ended by a newline."""
    old, new = (_lines(side.data if side else b"") for side in (edit.old, edit.new))
    found: list[bytes] = []
    matcher = difflib.SequenceMatcher(None, "", "")
    matcher.opcodes = list(spans(old, new))  # type: ignore[attr-defined]  # ours, bounded; difflib groups them
    for group in matcher.get_grouped_opcodes(3):
        found.append(_hunk_head(group))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                found += [_line(b" ", line) for line in old[i1:i2]]
                continue
            found += [_line(b"-", line) for line in old[i1:i2]]
            found += [_line(b"+", line) for line in new[j1:j2]]
    return found


def _hunk_head(group: list[tuple[str, int, int, int, int]]) -> bytes:
    first, last = group[0], group[-1]
    spans = []
    for start, stop in ((first[1], last[2]), (first[3], last[4])):
        length = stop - start
        begin = start + 1 if length else start
        spans.append(f"{begin}" if length == 1 else f"{begin},{length}")
    return f"@@ -{spans[0]} +{spans[1]} @@\n".encode()


def _lines(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _line(mark: bytes, line: bytes) -> bytes:
    return mark + line if line.endswith(b"\n") else mark + line + b"\n\\ No newline at end of file\n"


def _index(edit: Edit) -> bytes:
    def oid(side: Side | None) -> bytes:
        if side is None:
            return b"0" * 40
        return hash_object("blob", side.data).encode()

    same = edit.old and edit.new and edit.old.mode == edit.new.mode
    return b"index %s..%s" % (oid(edit.old), oid(edit.new)) + (b" %06o" % edit.new.mode if same and edit.new else b"")


def _whole(edit: Edit, a: bytes, b: bytes) -> bytes:
    sides = (edit.new.data if edit.new else b"", edit.old.data if edit.old else b"")
    if max(map(len, sides)) > _SHOWN:
        names = b"/dev/null" if edit.old is None else a, b"/dev/null" if edit.new is None else b
        return b"Binary files %s and %s differ\n" % names
    return b"GIT binary patch\n" + b"".join(_literal(data) for data in sides)


def _literal(data: bytes) -> bytes:
    """A `literal` block: deflated, 52 bytes a line in base 85, its length first (A–Z, a–z) (git: diff.c)."""
    packed = zlib.compress(data)
    out = [b"literal %d" % len(data)]
    for at in range(0, len(packed), 52):
        chunk = packed[at : at + 52]
        length = len(chunk)
        mark = bytes([64 + length if length <= 26 else 96 + length - 26])
        out.append(mark + base64.b85encode(chunk + b"\0" * (-length % 4)))
    return b"\n".join(out) + b"\n\n"


def _quote(path: bytes) -> bytes:
    """C-style quotes where git uses them (quote.c, core.quotePath on)."""
    special = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r", 34: b'"', 92: b"\\"}
    if all(32 <= byte < 127 and byte not in special for byte in path):
        return path
    out = b"".join(
        b"\\" + special[byte] if byte in special else bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte
        for byte in path
    )
    return b'"' + out + b'"'
