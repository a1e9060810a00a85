"""New git objects, collected in memory and written as one fsynced pack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pantheon_git.repo.objects import EMPTY_TREE, FOLDER, Entry, Objects, Overlay, hash_object
from pantheon_git.repo.pack import write_pack

Edits = Mapping[bytes, Entry | None]
"""Path → what stands there afterwards (an entry's own `name` does not matter); None: nothing."""


class Writer:
    """Collects objects; nothing reaches the disk before `flush`. Reading through `reader` sees them already."""

    def __init__(self, objects: Objects) -> None:
        self._pending: dict[str, tuple[str, bytes]] = {}
        self._git = objects.git
        self.reader: Objects = Overlay(objects, self._pending)

    @property
    def objects(self) -> Mapping[str, tuple[str, bytes]]:
        """Oid → (type, content) of what is not yet written; a live view."""
        return MappingProxyType(self._pending)

    def add(self, oid: str, kind: str, data: bytes) -> None:
        """Take an object whose oid is known. What is written may be on disk already: rewriting it is cheaper than
        asking, and keeps it from a `git gc` that is about to drop the old copy."""
        self._pending[oid] = (kind, data)

    def blob(self, data: bytes) -> str:
        return self._put("blob", data)

    def tree(self, entries: Iterable[Entry]) -> str:
        """A tree of these entries, in whatever order they come. ValueError for names that no tree may hold."""
        found = list(entries)
        for entry in found:
            check_name(entry.name)
        if len({entry.name for entry in found}) != len(found):
            raise ValueError("the same name twice in one tree")
        return self._tree(found)

    def commit(
        self,
        tree: str,
        parents: Iterable[str],
        author: str,
        message: str,
        *,
        committer: str | None = None,
        gpgsig: str | None = None,
    ) -> str:
        """A commit; `author` and `committer` as `Name <mail> seconds zone`, `gpgsig` as the armoured text.

        To sign, render with `commit_bytes`, sign those bytes, and pass the signature here.
        """
        return self._put("commit", commit_bytes(tree, parents, author, message, committer=committer, gpgsig=gpgsig))

    def edit_tree(self, base: str, edits: Edits) -> str:
        """The tree `base` with `edits` applied; folders that become empty vanish. Opens only what lies on the way.

        Removals come first, of files and of whole folders; one where nothing is changes nothing. A file may take the
        place of a folder and the other way round. ValueError for an entry below another, and for names that no tree
        may hold.
        """
        root = _Edit()
        for path, entry in edits.items():
            root.plant(path, entry)
        root.check()
        return self._apply(base, root.below) or self._put("tree", b"")

    def flush(self, *, keep: bool = False) -> Path | None:
        """Write what was collected as one pack, durable when this returns, and forget it; None: there was nothing."""
        if not self._pending:
            return None
        pack = write_pack(self._pending, self._git.objects_dir, keep=keep)
        self._pending.clear()
        return pack

    @contextmanager
    def flushed(self) -> Iterator[None]:
        """Flush, and keep the pack from any `git gc` while the body moves the refs that name what is in it."""
        pack = self.flush(keep=True)
        try:
            yield
        finally:
            if pack is not None:
                pack.with_suffix(".keep").unlink(missing_ok=True)

    def _put(self, kind: str, data: bytes) -> str:
        oid = hash_object(kind, data)
        self.add(oid, kind, data)
        return oid

    def _tree(self, entries: list[Entry]) -> str:
        entries.sort(key=lambda entry: entry.name + b"/" if entry.mode == FOLDER else entry.name)
        return self._put("tree", b"".join(b"%o %s\0%s" % (e.mode, e.name, bytes.fromhex(e.oid)) for e in entries))

    def _apply(self, base: str | None, edits: dict[bytes, _Edit]) -> str | None:
        """The edited tree's oid, or None where nothing is left in it."""
        old = {} if base is None or base == EMPTY_TREE else {entry.name: entry for entry in self.reader.tree(base)}
        new = dict(old)
        for name, edit in edits.items():
            entry = self._entry(name, old.get(name), edit)
            if entry is None:
                new.pop(name, None)
            else:
                new[name] = entry
        if new == old:
            return base
        return self._tree(list(new.values())) if new else None

    def _entry(self, name: bytes, old: Entry | None, edit: _Edit) -> Entry | None:
        if edit.entry is not None:
            return Entry(edit.entry.mode, name, edit.entry.oid)
        if edit.remove:
            old = None
        folder = old is not None and old.mode == FOLDER
        below = self._apply(old.oid if old is not None and folder else None, edit.below)
        if below is None:
            return None if folder else old  # removing below a file removes nothing
        return Entry(FOLDER, name, below)


@dataclass
class _Edit:
    """What happens at one path: removal first, then the entry or what is edited below."""

    remove: bool = False
    entry: Entry | None = None
    below: dict[bytes, _Edit] = field(default_factory=dict)

    def plant(self, path: bytes, entry: Entry | None) -> None:
        here = self
        for name in path.split(b"/"):
            check_name(name)
            here = here.below.setdefault(name, _Edit())
        here.remove, here.entry = entry is None, entry

    def check(self, path: bytes = b"") -> None:
        """ValueError where something is to stand below something that is to stand there."""
        for name, edit in self.below.items():
            if self.entry is not None and edit.holds_entry():
                raise ValueError(f"an edit below another edit: {path!r}")
            edit.check(path + b"/" + name if path else name)

    def holds_entry(self) -> bool:
        return self.entry is not None or any(edit.holds_entry() for edit in self.below.values())


def check_name(name: bytes) -> None:
    """ValueError for a name that git's own fsck refuses in a tree."""
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name or name.lower() == b".git":
        raise ValueError(f"no tree may hold the name {name!r}")


def commit_bytes(
    tree: str,
    parents: Iterable[str],
    author: str,
    message: str,
    *,
    committer: str | None = None,
    gpgsig: str | None = None,
) -> bytes:
    """A commit object's content. `message` ends with a newline when it should; header values hold none."""
    for who in (author, committer or author):
        if "\n" in who or "\0" in who:
            raise ValueError(f"a line break in a commit's header: {who!r}")
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {author}", f"committer {committer or author}"]
    if gpgsig is not None:
        lines.append("gpgsig " + gpgsig.rstrip("\n").replace("\n", "\n "))
    return ("\n".join(lines) + "\n\n" + message).encode("utf-8", "surrogateescape")
