"""`python -m tests.attacks`: every attack at every level, as root and as an ordinary user: `attack | level | user | result`.

Ends with the number of escapes, which is the exit code too (at most 100). `--all` shows the rows that held as well.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.attacks.run import LEVELS, Row
from tests.jailed import USERS, run_for


def main(show_all: bool) -> int:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        for user in USERS:
            for level in LEVELS:
                out = Path(folder, f"{user}-{level}.json")
                run_for(user, "tests.attacks.run", "everything", level, "overlay", str(out))
                rows += [Row(*row) for row in json.loads(out.read_text())]
    escaped = [row for row in rows if row.result == "ESCAPED"]
    for row in rows if show_all else escaped:
        print(f"{row.attack:70} | {row.level:10} | {row.user:8} | {row.result}")  # noqa: T201
    shown = sum(row.shown for row in rows)
    print(f"{len(rows)} attacks tried, {shown} of them first shown to work outside; escapes: {len(escaped)}")  # noqa: T201
    return min(len(escaped), 100)


if __name__ == "__main__":
    sys.exit(main("--all" in sys.argv[1:]))
