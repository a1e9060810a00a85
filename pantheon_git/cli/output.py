"""What goes where: results on standard output, progress on standard error, colour only on a terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
DRY_RUN = click.option("-n", "--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


_STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""What steers a terminal, or shows text otherwise than it is: control characters but tab and line break, marks of
direction (CVE-2021-42574), characters without width, bytes that were not UTF-8."""


def printable(text: str) -> str:
    """Text that a document, a model or a colleague wrote, for a terminal: whatever steers it written out as `\\x1b`."""
    return _STEERS.sub(lambda found: _written_out(ord(found.group())), text)


def _written_out(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as `surrogateescape` has it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def say(text: str) -> None:
    """One line of progress, for the person."""
    click.echo(text, err=True)


def print_json(data: Any) -> None:
    click.echo(json_text(data, indent=2))


def json_text(data: Any, indent: int | None = None) -> str:
    """JSON in which letters stay letters, and what steers a terminal is escaped (it stands in strings only)."""
    text = json.dumps(data, indent=indent, ensure_ascii=False, default=str)
    return _STEERS.sub(lambda found: found.group() if found.group() == "\n" else f"\\u{ord(found.group()):04x}", text)


def color_wanted() -> bool:
    """https://no-color.org, and never into a pipe or file."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(text: str, **kwargs: Any) -> str:
    """The text, made printable, in colour where that is wanted."""
    return click.style(printable(text), **kwargs) if color_wanted() else printable(text)


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Left-aligned columns, two spaces apart, each row on one line; the last column is never padded."""
    lines = [tuple(header), *(tuple(" ".join(printable(cell).split("\n")) for cell in row) for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(header))]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def counts(numbers: Mapping[str, int]) -> str:
    """`8 pr, 2 failed`, zeros left out."""
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number) or "none"
