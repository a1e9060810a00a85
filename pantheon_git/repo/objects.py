"""Reading git objects: one long-lived `git cat-file --batch` serves all reads of a repository.

Measured on 50,000 files: 13 µs an object, against 47 µs in process with dulwich 1.2.21, which besides keeps one file
open for each pack: with 700 small packs and 1,024 files allowed it failed. And stock git knows every kind of store.
"""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pantheon_git.errors import GitError
from pantheon_git.repo.batch import Batch
from pantheon_git.repo.git import Git

FOLDER, LINK, GITLINK, FILE, EXECUTABLE = 0o040000, 0o120000, 0o160000, 0o100644, 0o100755
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_TREES_KEPT = 1024


class Entry(NamedTuple):
    """One line of a tree. `mode` is what git writes (0o100644, 0o040000 …); `oid` is 40 hex digits."""

    mode: int
    name: bytes
    oid: str


@dataclass(frozen=True)
class Commit:
    """A commit, its headers as text (undecodable bytes as surrogates)."""

    tree: str
    parents: tuple[str, ...]
    author: str
    """`Name <mail> seconds zone`, as git stores it."""
    committer: str
    message: str
    gpgsig: str | None
    """The armoured signature, without the leading spaces of the header's further lines."""
    raw: bytes

    @property
    def unsigned(self) -> bytes:
        """The bytes that `gpgsig` signs: the commit without that header."""
        return _without_header(self.raw, b"gpgsig")

    @property
    def subject(self) -> str:
        return self.message.split("\n", 1)[0]


def hash_object(kind: str, data: bytes) -> str:
    """The oid that git gives these bytes."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()


class Objects:
    """Reads objects of one repository, alternates included. What it returns has the content that its name says.

    Errors are GitError. May be shared between threads.
    """

    def __init__(self, git: Git) -> None:
        self.git = git
        self._batch = Batch(git)
        self._trees: OrderedDict[str, list[Entry]] = OrderedDict()
        self._closing = weakref.finalize(self, self._batch.close)

    def close(self) -> None:
        """End the helper process. Reading again starts another."""
        self._batch.close()

    def raw(self, oid: str) -> tuple[str, bytes]:
        """Type and content. GitError where there is no such object, or its content does not hash to its name."""
        kind, data = self._batch.get(oid)
        if hash_object(kind, data) != oid:
            raise GitError(f"object {oid} is corrupt", "git fsck")
        return kind, data

    def read_many(self, oids: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
        """Oid, type and content of the objects that are there and are what their names say; others are left out, for
        `raw` to say why. Each oid once; between two steps nothing else may be read through this object."""
        wanted = [oid for oid in dict.fromkeys(oids) if len(oid) == 40]
        for oid, kind, data in self._batch.stream(wanted):
            if hash_object(kind, data) == oid:
                yield oid, kind, data

    def has(self, oid: str) -> bool:
        try:
            self.raw(oid)
        except GitError:
            return False
        return True

    def kind(self, oid: str) -> str:
        """`blob`, `tree`, `commit` or `tag`."""
        return self.raw(oid)[0]

    def blob(self, oid: str) -> bytes:
        return self._expect(oid, "blob")

    def sha256(self, oid: str) -> str:
        """Of a blob's content."""
        return hashlib.sha256(self.blob(oid)).hexdigest()

    def commit(self, oid: str) -> Commit:
        return parse_commit(self._expect(oid, "commit"))

    def tree(self, oid: str) -> list[Entry]:
        """The entries in git's order. The list is shared: do not change it."""
        kept = self._trees.get(oid)
        if kept is None:
            kept = self._trees[oid] = parse_tree(self._expect(oid, "tree"))
            if len(self._trees) > _TREES_KEPT:
                self._trees.popitem(last=False)
        return kept

    def walk(self, tree: str, prefix: bytes = b"") -> Iterator[tuple[bytes, Entry]]:
        """Every file, symlink and submodule below `tree` with its path, in git's order."""
        for entry in self.tree(tree):
            path = prefix + entry.name
            if entry.mode == FOLDER:
                yield from self.walk(entry.oid, path + b"/")
            else:
                yield path, entry

    def find(self, tree: str, path: bytes) -> Entry | None:
        """The entry at `path`, whatever it is; None where there is none."""
        parts = path.split(b"/")
        for number, part in enumerate(parts):
            entry = next((entry for entry in self.tree(tree) if entry.name == part), None)
            if entry is None or number == len(parts) - 1:
                return entry
            if entry.mode != FOLDER:
                return None
            tree = entry.oid
        return None

    def resolve(self, rev: str) -> str | None:
        """The object that `rev` names, tags followed; None where it names none (also: no commit yet)."""
        found = self.git.run("rev-parse", "--verify", "--quiet", "--end-of-options", rev + "^{}", check=False)
        return found.out.decode().strip() if found.code == 0 else None

    def changes(self, a: str, b: str, prefix: bytes = b"") -> Iterator[tuple[bytes, Entry | None, Entry | None]]:
        """Paths at which two trees differ, with the entry before and after; equal subtrees are not opened."""
        if a == b:
            return
        old = {entry.name: entry for entry in self.tree(a)}
        new = {entry.name: entry for entry in self.tree(b)}
        for name in sorted(old.keys() | new.keys()):
            yield from self._changed(old.get(name), new.get(name), prefix + name)

    def _changed(
        self, old: Entry | None, new: Entry | None, path: bytes
    ) -> Iterator[tuple[bytes, Entry | None, Entry | None]]:
        if old is not None and new is not None and old[::2] == new[::2]:
            return
        old_folder = old is not None and old.mode == FOLDER
        new_folder = new is not None and new.mode == FOLDER
        before, after = None if old_folder else old, None if new_folder else new
        if before or after:
            yield path, before, after
        if old and new and old_folder and new_folder:
            yield from self.changes(old.oid, new.oid, path + b"/")
        elif old and old_folder:
            yield from ((below, entry, None) for below, entry in self.walk(old.oid, path + b"/"))
        elif new and new_folder:
            yield from ((below, None, entry) for below, entry in self.walk(new.oid, path + b"/"))

    def _expect(self, oid: str, wanted: str) -> bytes:
        kind, data = self.raw(oid)
        if kind != wanted:
            raise GitError(f"object {oid} is a {kind}, not a {wanted}", "git fsck")
        return data


class Overlay(Objects):
    """The repository's objects and, before them, objects in memory that are not written yet."""

    def __init__(self, below: Objects, pending: Mapping[str, tuple[str, bytes]]) -> None:
        self.git, self._below, self._pending = below.git, below, pending
        self._trees = OrderedDict()

    def close(self) -> None:
        """Nothing is open here."""

    def raw(self, oid: str) -> tuple[str, bytes]:
        found = self._pending.get(oid)
        return found if found is not None else self._below.raw(oid)

    def tree(self, oid: str) -> list[Entry]:
        return super().tree(oid) if oid in self._pending else self._below.tree(oid)


def parse_tree(data: bytes) -> list[Entry]:
    """The entries of a tree object: `mode SP name NUL 20 bytes`, repeated. GitError when it is none."""
    entries, at, end = [], 0, len(data)
    try:
        while at < end:
            space = data.index(b" ", at)
            nul = data.index(b"\0", space)
            entries.append(Entry(int(data[at:space], 8), data[space + 1 : nul], data[nul + 1 : nul + 21].hex()))
            at = nul + 21
    except ValueError as error:
        raise GitError(f"a tree that cannot be read: {error}", "git fsck") from error
    if at != end:
        raise GitError("a tree that is cut off", "git fsck")
    return entries


def parse_commit(raw: bytes) -> Commit:
    """Whatever the bytes are: what is missing is empty, and no object has such a name."""
    head, _, message = raw.partition(b"\n\n")
    headers: dict[bytes, list[bytes]] = {b"": [b""]}
    last = b""
    for line in head.split(b"\n"):
        if line.startswith(b" "):
            headers[last][-1] += b"\n" + line[1:]
        else:
            last, _, value = line.partition(b" ")
            headers.setdefault(last, []).append(value)

    def text(name: bytes) -> str:
        return headers.get(name, [b""])[0].decode("utf-8", "surrogateescape")

    return Commit(
        tree=text(b"tree"),
        parents=tuple(parent.decode("utf-8", "surrogateescape") for parent in headers.get(b"parent", [])),
        author=text(b"author"),
        committer=text(b"committer"),
        message=message.decode("utf-8", "surrogateescape"),
        gpgsig=text(b"gpgsig") if b"gpgsig" in headers else None,
        raw=raw,
    )


def _without_header(raw: bytes, name: bytes) -> bytes:
    head, gap, message = raw.partition(b"\n\n")
    kept, inside = [], False
    for line in head.split(b"\n"):
        inside = line.startswith(name + b" ") or (inside and line.startswith(b" "))
        if not inside:
            kept.append(line)
    return b"\n".join(kept) + gap + message
