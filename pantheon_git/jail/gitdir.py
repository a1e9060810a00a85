"""The private git directory of a base checkout: a detached HEAD, an index, and objects by way of alternates.

It holds the base commit and what its tree reaches, and no history: `git log` ends at a shallow border. Nothing in it
names the real repository, a person, a key or a hook.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from pantheon_git.jail.layout import OBJECTS
from pantheon_git.repo.objects import FOLDER, GITLINK, Objects

_CONFIG = """\
[core]
	repositoryformatversion = 0
	bare = false
	logallrefupdates = true
	checkStat = minimal
	trustctime = false
	hooksPath = /dev/null
	fsmonitor = false
	attributesFile = /dev/null
	excludesFile = /dev/null
[user]
	name = job
	email = job@jail.invalid
[commit]
	gpgsign = false
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
"""


def write_objects(objects: Objects, base: str, place: Path) -> None:
    """One pack with the commit and all that its tree reaches, submodules' commits excepted."""
    (place / "pack").mkdir(parents=True)
    (place / "info").mkdir()
    names = "".join(f"{oid}\n" for oid in dict.fromkeys(_reached(objects, base))).encode()
    # without looking for new deltas: the pack is read a few times at most, and each night waits for it
    options = ("-q", "--window=0", "--delta-base-offset")
    # git moves the pack from its own object folder to its place, which must then lie on the same mount
    own = {"GIT_OBJECT_DIRECTORY": str(place), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects.git.objects_dir)}
    objects.git.run("pack-objects", *options, str(place / "pack/pack"), input=names, env=own)


def _reached(objects: Objects, base: str) -> Iterator[str]:
    yield base
    waiting = [objects.commit(base).tree]
    seen = set(waiting)
    while waiting:
        tree = waiting.pop()
        yield tree
        for entry in objects.tree(tree):
            if entry.mode == FOLDER:
                if entry.oid not in seen:
                    seen.add(entry.oid)
                    waiting.append(entry.oid)
            elif entry.mode != GITLINK:
                yield entry.oid


def write_git_dir(objects: Objects, base: str, tree: Path) -> None:
    """Write `tree/.git`. Every file of the tree gets the commit's time, so that the index finds it unchanged."""
    commit = objects.commit(base)
    git = tree / ".git"
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (git / name).mkdir(parents=True)
    (git / "HEAD").write_text(f"{base}\n")
    (git / "config").write_text(_CONFIG)
    (git / "objects/info/alternates").write_text(f"{OBJECTS}\n")
    if commit.parents:
        (git / "shallow").write_text(f"{base}\n")
    (git / "index").write_bytes(_index(objects, commit.tree, tree, _seconds(commit.committer)))


def _seconds(who: str) -> int:
    """The time in `Name <mail> seconds zone`, kept within what an index can say."""
    return max(1, min(int(who.rsplit(" ", 2)[-2]), 2**31 - 1))


def _index(objects: Objects, root: str, tree: Path, seconds: int) -> bytes:
    """An index of version 2 (git's `Documentation/gitformat-index.txt`): one entry per file, checksum last."""
    entries = []
    top = os.fsencode(tree)
    for path, entry in objects.walk(root):
        full = os.path.join(top, path)  # noqa: PTH118 -- paths are bytes
        size = 0
        if entry.mode != GITLINK:
            os.utime(full, (seconds, seconds), follow_symlinks=False)
            size = os.lstat(full).st_size
        fixed = struct.pack(
            ">10L20sH", 0, 0, seconds, 0, 0, 0, entry.mode, 0, 0, size, bytes.fromhex(entry.oid), min(len(path), 0xFFF)
        )
        padding = 8 - (len(fixed) + len(path)) % 8
        entries.append(fixed + path + b"\0" * padding)
    data = b"DIRC" + struct.pack(">LL", 2, len(entries)) + b"".join(entries)
    return data + hashlib.sha1(data, usedforsecurity=False).digest()
