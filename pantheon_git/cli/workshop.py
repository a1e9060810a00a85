"""Where a benchmark works: a folder of its own, with keys and state in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that is removed afterwards: a benchmark leaves nothing in anybody's home."""
    from pantheon_git.ledger import keys, trust
    from pantheon_git.repo import paths

    before = {name: os.environ.get(name) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    with tempfile.TemporaryDirectory(prefix="pantheon-bench-") as folder:
        os.environ.update(dict.fromkeys(before, f"{folder}/home"))
        try:
            key = keys.generate(paths.night_key())
            trust.trust(paths.trust_file(), key.public, (trust.NIGHT, trust.PERSON))
            yield Path(folder) / "work"
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
