"""Every wall of the jail with every user, level and tree: `python -m tests.jail_kit [PYTEST OPTIONS]`.

The suite does half of them, in which any two of the three still meet.
"""

from __future__ import annotations

import os
import subprocess
import sys

FILES = ("collect", "limits", "shares", "walls", "attacks")


def main(words: list[str]) -> int:
    files = [*(f"tests/test_jail_{name}.py" for name in FILES), "tests/test_hostile_trees.py"]
    argv = [sys.executable, "-m", "pytest", "-q", *files, *words]
    return subprocess.run(argv, env={**os.environ, "PANTHEON_FULL": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
