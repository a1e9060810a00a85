"""Removing what a job left, whatever it left: closed folders, folders nested thousands deep. No link is followed."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path


def remove_tree(path: Path) -> None:
    """Remove a folder even where a job, or the overlay, took all permissions away. Only when nothing writes there."""
    with contextlib.suppress(RecursionError):  # nested deeper than Python's stack
        shutil.rmtree(path, ignore_errors=True)
    if path.is_dir() and not path.is_symlink():
        with contextlib.suppress(OSError):  # another user's
            _flatten(path)


def _flatten(path: Path) -> None:
    """Move every folder up to the top before it is emptied, so that no depth is too deep."""
    path.chmod(0o700)
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    token, number = secrets.token_hex(8), 0
    try:
        waiting = [""]
        while waiting:
            name = waiting.pop()
            here = os.open(name or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
            try:
                for entry in list(os.scandir(here)):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.name, dir_fd=here)
                        continue
                    os.chmod(entry.name, 0o700, dir_fd=here)
                    number += 1
                    waiting.append(f".{token}-{number}")
                    os.rename(entry.name, waiting[-1], src_dir_fd=here, dst_dir_fd=top)
            finally:
                os.close(here)
            if name:
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    path.rmdir()
