"""Three-way merges without a work tree: `git merge-tree --write-tree`, and nothing is left in the repository."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pantheon_git.repo.git import Git, git_error
from pantheon_git.repo.objects import FOLDER, Entry, Objects, hash_object
from pantheon_git.repo.pack import write_pack
from pantheon_git.repo.writer import Writer, commit_bytes

_WHO = "pantheon-git <pantheon-git@localhost> 0 +0000"


@dataclass(frozen=True)
class MergeResult:
    """`tree`: the merged tree, None on a conflict; `conflicts`: the paths. `objects`: what the tree needs and the
    repository lacks, for `Writer.add`; until it is written, the tree exists nowhere."""

    tree: str | None
    conflicts: list[str] = field(default_factory=list)
    objects: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)


def merge_tree(
    objects: Objects, base: str, ours: str, theirs: str, pending: Mapping[str, tuple[str, bytes]] | None = None
) -> MergeResult:
    """Merge the tree `theirs`, which was made from the tree `base`, into the tree `ours`.

    `pending`: objects that are not written yet. Where no path was touched on both sides no process is started; the
    answer is git's all the same (renamed folders included).
    """
    writer = Writer(objects)
    for oid, (kind, data) in (pending or {}).items():
        writer.add(oid, kind, data)
    quick = _disjoint(writer, base, ours, theirs)
    if quick is not None:
        return MergeResult(quick, objects=dict(writer.objects))
    return _with_git(objects, dict(pending or {}), base, ours, theirs)


def _disjoint(writer: Writer, base: str, ours: str, theirs: str) -> str | None:
    """The merged tree where every path that `theirs` touches is in `ours` as it is in `base`; None: git must look."""
    reader = writer.reader
    if ours in (base, theirs):
        return theirs
    edits: dict[bytes, Entry | None] = {}
    for path, old, new in reader.changes(base, theirs):
        if reader.find(ours, path) != old:
            return None
        if (old is None and _moved(reader, base, ours, path)) or (
            new is None and (folder := _moved(reader, base, theirs, path)) and not _same(reader, base, ours, folder)
        ):
            return None
        edits[path] = new
    return writer.edit_tree(ours, edits)


def _moved(reader: Objects, base: str, side: str, path: bytes) -> bytes | None:
    """The path's nearest folder of `base` if `side` has it no more: git takes what the other side puts there to where
    the folder went, or calls it a conflict."""
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        old = reader.find(base, path)
        if old is not None:
            new = reader.find(side, path)
            return path if old.mode == FOLDER and (new is None or new.mode != FOLDER) else None
    return None


def _same(reader: Objects, base: str, side: str, path: bytes) -> bool:
    return reader.find(base, path) == reader.find(side, path)


def _with_git(
    objects: Objects, pending: dict[str, tuple[str, bytes]], base: str, ours: str, theirs: str
) -> MergeResult:
    """git's own merge in a quarantine: all that it reads beside the repository's objects, and all that it writes."""
    git = objects.git
    with tempfile.TemporaryDirectory(prefix="pantheon-merge-") as folder:
        quarantine = Path(folder)
        (quarantine / "info").mkdir()
        (quarantine / "info" / "alternates").write_bytes(_quoted(git.objects_dir))
        # Commits of our own making: `--merge-base` needs git 2.40, and the real base may be no ancestor of the target.
        tips = dict(pending)
        root = _commit(tips, base)
        ours_tip, theirs_tip = _commit(tips, ours, root), _commit(tips, theirs, root)
        write_pack(tips, quarantine)
        # As alternates of the quarantine the repository's objects are readable, and every write lands here.
        env = {"GIT_OBJECT_DIRECTORY": str(quarantine)}
        command = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours_tip, theirs_tip)
        done = git.run(*command, check=False, env=env)
        if done.code not in (0, 1):
            raise git_error(("git", *command), done.code, done.out, done.err)
        tree, *names = [name.decode("utf-8", "surrogateescape") for name in done.out.split(b"\0") if name]
        if done.code == 1:
            return MergeResult(None, names or ["(git names no path)"])
        return MergeResult(tree, objects={**pending, **_made(git, quarantine, tree)})


def _made(git: Git, quarantine: Path, tree: str) -> dict[str, tuple[str, bytes]]:
    """The loose objects that the merge wrote."""
    oids = [folder.name + file.name for folder in quarantine.glob("[0-9a-f][0-9a-f]") for file in folder.iterdir()]
    made: dict[str, tuple[str, bytes]] = {}
    env = {"GIT_OBJECT_DIRECTORY": str(quarantine)}
    out = git.run("cat-file", "--batch", input="\n".join(oids).encode() + b"\n", env=env).out if oids else b""
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        oid, kind, size = out[at:end].decode().split()
        made[oid] = (kind, out[end + 1 : end + 1 + int(size)])
        at = end + 1 + int(size) + 1
    return made


def _commit(objects: dict[str, tuple[str, bytes]], tree: str, *parents: str) -> str:
    data = commit_bytes(tree, parents, _WHO, "merge\n")
    oid = hash_object("commit", data)
    objects[oid] = ("commit", data)
    return oid


def _quoted(path: Path) -> bytes:
    """The line of `objects/info/alternates`: C-quoted, since a leading `#` or `\"` would mean something there."""
    text = str(path).encode("utf-8", "surrogateescape")
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"\n'
