"""`code.edit`: one place of a file, named by its own text, gets another text.

An anchor is the text as it stands, found once. A small model copies it nearly right: white space at the ends of lines
and a block's indentation may differ, and the new text is then indented as the old one is. What could mean two places is
refused, with their lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pantheon_git.tools.files import read_bytes, write_bytes
from pantheon_git.tools.protocol import ToolError, Workspace

MAX_BYTES = 400_000


def edit(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Replace `old` by `new` in `path`. `changed` is false where the file says `new` there already.

    Raises ToolError: `no-anchor` (with the nearest lines), `ambiguous` (with the lines), `refused` (no text file).
    """
    path, old, new = arguments["path"], arguments["old"], arguments["new"]
    text = _text(workspace, path)
    crlf = "\r\n" in text
    plain = text.replace("\r\n", "\n") if crlf else text
    old, new = _strip(old), _strip(new)
    if not old.strip():
        raise ToolError("bad-argument", "old is empty: copy the lines that are to be replaced")
    spans = list(_exact(plain, old)) or list(_loose(plain, old))
    if len(spans) > 1:
        lines = ", ".join(str(plain.count("\n", 0, start) + 1) for start, _ in spans[:5])
        raise ToolError("ambiguous", f"{path}: that text is at lines {lines}; copy more of what is around it")
    if not spans:
        if new.strip() and (list(_exact(plain, new)) or list(_loose(plain, new))):
            return {"path": path, "changed": False, "authorship": {}}
        raise ToolError("no-anchor", f"{path}: no such text; the nearest is: {_nearest(plain, old)}")
    start, end = spans[0]
    made = plain[:start] + _indented(new, old, plain[start:end]) + plain[end:]
    if made == plain:
        return {"path": path, "changed": False, "authorship": {}}
    write_bytes(workspace, path, (made.replace("\n", "\r\n") if crlf else made).encode("utf-8"))
    return {"path": path, "changed": True, "authorship": {path: "model"}}


def _text(workspace: Workspace, path: str) -> str:
    data = read_bytes(workspace, path)
    if len(data) > MAX_BYTES:
        raise ToolError("refused", f"{path} has {len(data)} bytes; at most {MAX_BYTES} are edited")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError("refused", f"{path} is not UTF-8 text") from error


def _strip(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip("\n")


def _exact(text: str, old: str) -> Iterator[tuple[int, int]]:
    """Whole lines, or part of one line where `old` is a single line."""
    start = text.find(old)
    while start >= 0:
        yield start, start + len(old)
        start = text.find(old, start + 1)


def _loose(text: str, old: str) -> Iterator[tuple[int, int]]:
    """Runs of whole lines that equal `old` but for white space around each line."""
    wanted = [line.strip() for line in old.split("\n")]
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    stripped = [line.strip() for line in lines]
    for number in range(len(lines) - len(wanted) + 1):
        if stripped[number : number + len(wanted)] == wanted:
            yield starts[number], starts[number + len(wanted)] - 1


def _indented(new: str, old: str, found: str) -> str:
    """`new`, its indentation moved by as much as `found` is further in than `old` says."""
    if found.startswith(old) or not new.strip():
        return new
    there, said = _margin(found), _margin(old)
    if there == said:
        return new
    return "\n".join(there + line.removeprefix(said) if line.strip() else line for line in new.split("\n"))


def _margin(text: str) -> str:
    first = next((line for line in text.split("\n") if line.strip()), "")
    return re.match(r"[ \t]*", first).group()  # type: ignore[union-attr]  # it always matches


def _nearest(text: str, old: str) -> str:
    import difflib  # every jail's first call would pay for it, and few edits miss

    first = next(line.strip() for line in old.split("\n") if line.strip())
    lines = list(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))[:5000]
    close = difflib.get_close_matches(first, lines, n=1, cutoff=0.5)
    return repr(close[0]) if close else "nothing like it"
