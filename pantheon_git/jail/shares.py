"""Untracked folders that a job sees read-only, such as `.venv`: where they may come from, and their digest."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from pantheon_git.errors import JailError
from pantheon_git.jail.protocol import Share

_HINT = "look at `share` in .pantheon/policy.toml"


def check_source(share: Share) -> None:
    """JailError unless the folder is a real one on its whole way within the main checkout: a commit that makes `.venv`
    a link must not decide what a job can read."""
    here = share.source
    for _ in Path(share.dest).parts:
        if here.is_symlink():
            raise JailError(f"the shared folder {here} is a link; only real folders are shared", _HINT)
        here = here.parent
    if not share.source.is_dir():
        raise JailError(f"the shared folder {share.source} does not exist", _HINT)


def check_content(path: Path) -> None:
    """JailError when the folder holds a pipe, a socket or a device: read-only is no wall for those."""
    for folder, _, files, descriptor in os.fwalk(path):
        for name in files:
            mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                where = Path(folder, name).relative_to(path)
                raise JailError(f"the shared folder {path} holds {where}, a pipe, socket or device", _HINT)


def share_digest(path: Path) -> str:
    """Sha256 (hex) over names, kinds, sizes and modification times below `path`, and the targets of links.

    Cheap, a few microseconds a file: it tells whether a job saw the same folder, and does not read what is in it.
    """
    digest = hashlib.sha256()
    for folder, folders, files, descriptor in os.fwalk(path):
        folders.sort()
        digest.update(os.fsencode(os.path.relpath(folder, path)) + b"\0\0")
        for name in sorted((*files, *folders)):
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            line = [os.fsencode(name), b"%o" % status.st_mode]
            if stat.S_ISLNK(status.st_mode):
                line.append(os.fsencode(os.readlink(name, dir_fd=descriptor)))
            elif stat.S_ISREG(status.st_mode):
                line += [b"%d" % status.st_size, b"%d" % status.st_mtime_ns]
            digest.update(b"\0".join(line) + b"\0\0")
    return digest.hexdigest()
