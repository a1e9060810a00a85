"""The log of a defect: a file that can be pasted into a report as it is. Holds no environment and no file content."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from pantheon_git import __version__


def write_log(error: BaseException, words: Sequence[str]) -> Path:
    """Write the log below the state directory (a temporary one if that cannot be written) and return its path."""
    text = "".join(
        [
            f"pantheon-git {__version__}\n",
            f"command: pantheon-git {shlex.join(words)}\n",
            f"time: {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n",
            f"python: {platform.python_version()} on {platform.platform()}\n\n",
            *traceback.format_exception(error),
        ]
    )
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    try:
        return _write(Path(home) / "pantheon-git" / "crashes", text)
    except OSError:
        return _write(Path(tempfile.mkdtemp(prefix="pantheon-git-")), text)


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    path.write_text(text, encoding="utf-8")
    return path
