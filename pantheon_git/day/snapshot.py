"""What a person wrote, as it stands in the work tree or in the index, before any commit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pantheon_git.repo.git import Git

FOLDERS = (".pantheon", "agents")
_REGULAR = (b"100644", b"100755")


@dataclass(frozen=True)
class Snapshot:
    """Paths are relative to the root; bytes that are no UTF-8 stand as surrogates."""

    files: Mapping[str, bytes]
    """Content of the regular files below `.pantheon/` and `agents/`."""
    sizes: Mapping[str, int]
    """Bytes of every file that a task's scope may match; 0 where `sized` did not ask for it."""

    def list(self, prefix: str) -> list[str]:
        """The reader's protocol of `agent.load`."""
        return [path for path in sorted(self.files) if path.startswith(f"{prefix}/")]

    def read(self, path: str) -> bytes:
        return self.files[path]


def of_work_tree(git: Git, root: Path) -> Snapshot:
    """Tracked files and untracked ones that are not ignored, as they lie on disk. Links are not followed."""
    listed = git.run("-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard").out
    paths = sorted({os.fsdecode(path) for path in listed.split(b"\0") if path})
    sizes = {}
    for path in paths:
        try:
            info = os.lstat(root / path)
        except OSError:  # deleted in the work tree, not yet in the index
            continue
        sizes[path] = info.st_size
    wanted = [path for path in sizes if _ours(path) and not (root / path).is_symlink() and (root / path).is_file()]
    return Snapshot({path: (root / path).read_bytes() for path in wanted}, sizes)


def of_index(git: Git, root: Path, env: Mapping[str, str] | None = None) -> Snapshot:
    """What `git commit` would record now. `env` carries `GIT_INDEX_FILE` when a hook was given one."""
    listed = git.run("-C", str(root), "ls-files", "-z", "--stage", env=env).out
    return _of_blobs(git, [_entry(line, 1) for line in listed.split(b"\0") if line])


def of_commit(git: Git, commit: str) -> Snapshot:
    """What a night at that commit would read."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit).out
    return _of_blobs(git, [_entry(line, 2) for line in listed.split(b"\0") if line])


def _of_blobs(git: Git, entries: Sequence[tuple[str, bytes, bytes]]) -> Snapshot:
    """From path, mode and oid of every file."""
    wanted = [(path, oid) for path, mode, oid in entries if _ours(path) and mode in _REGULAR]
    return Snapshot(dict(zip((p for p, _ in wanted), _blobs(git, [o for _, o in wanted]), strict=True)),
                    {path: 0 for path, _, _ in entries})  # fmt: skip


def _entry(line: bytes, column: int) -> tuple[str, bytes, bytes]:
    """`column`: where the oid stands after the mode."""
    head, _, path = line.partition(b"\t")
    words = head.split(b" ")
    return os.fsdecode(path), words[0], words[column]


def _ours(path: str) -> bool:
    return path.partition("/")[0] in FOLDERS


def _blobs(git: Git, oids: Sequence[bytes]) -> list[bytes]:
    """Contents of blobs through one `git cat-file --batch`."""
    if not oids:
        return []
    out = git.run("cat-file", "--batch", input=b"\n".join(oids) + b"\n").out
    found, at = [], 0
    for _ in oids:
        end = out.index(b"\n", at)
        size = int(out[at:end].split(b" ")[2])
        found.append(out[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found
