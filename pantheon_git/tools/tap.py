"""TAP (Test Anything Protocol 13 and 14), as AVA and others print it: which tests passed, failed, or did not run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(
    r"^(?P<bad>not )?ok\b(?:[ \t]+\d+)?(?:[ \t]*-)?[ \t]*"
    r"(?P<title>[^#\n]*(?:#(?![ \t]*(?:SKIP|TODO)\b)[^#\n]*)*)(?:#[ \t]*(?P<directive>SKIP|TODO)\b.*)?$",
    re.IGNORECASE,
)
_PLAN = re.compile(r"^1\.\.(\d+)")


@dataclass
class Tap:
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    planned: int | None = None
    bailed: bool = False

    @property
    def complete(self) -> bool:
        """Whether as many results came as the plan says, and nothing bailed out."""
        number = len(self.passed) + len(self.failed) + len(self.skipped)
        return not self.bailed and self.planned is not None and number == self.planned


def read_tap(output: str) -> Tap:
    """Results in the order in which they came. Nested tests (indented) count through the line that closes them."""
    found = Tap()
    for line in output.splitlines():
        if match := _LINE.match(line):
            title = match["title"].strip()
            if (match["directive"] or "").upper() in ("SKIP", "TODO"):
                found.skipped.append(title)
            else:
                (found.failed if match["bad"] else found.passed).append(title)
        elif plan := _PLAN.match(line):
            found.planned = int(plan[1])
        elif line.startswith("Bail out!"):
            found.bailed = True
    return found
