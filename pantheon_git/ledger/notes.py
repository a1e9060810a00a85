"""The tree of `refs/notes/pantheon`, with fan-out as stock git writes it, changed in time proportional to the change.

git's rule (notes.c, determine_fanout): a level of the tree splits into folders of two hex digits as soon as each of the
16 first digits is shared by two notes or more. Ours never removes a note, so a level that has folders keeps them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from pantheon_git.repo.objects import FILE, FOLDER, Entry, Objects
from pantheon_git.repo.writer import Writer

REF = "refs/notes/pantheon"
_PAIR = re.compile(rb"[0-9a-f]{2}")
_HEX = re.compile(rb"[0-9a-f]+")
_DIGITS = 40


def add_notes(writer: Writer, tree: str | None, notes: Mapping[str, bytes]) -> str:
    """The notes tree `tree` (None: empty) with `notes` (oid of a commit → text; at least one) added or replaced.
    Entries that are no notes stay."""
    return _put(writer, tree, {oid.encode(): writer.blob(text) for oid, text in notes.items()})


def _put(writer: Writer, tree: str | None, notes: Mapping[bytes, str]) -> str:
    """`notes`: what is left of the hex name → oid of the text."""
    entries = {entry.name: entry for entry in writer.reader.tree(tree)} if tree else {}
    folders = any(entry.mode == FOLDER and _PAIR.fullmatch(name) for name, entry in entries.items())
    if not folders:
        entries |= {name: Entry(FILE, name, oid) for name, oid in notes.items()}
        flat = {name: entry.oid for name, entry in entries.items() if _is_note(name, entry, notes)}
        if not _splits(flat):
            return writer.tree(entries.values())
        entries = {name: entry for name, entry in entries.items() if name not in flat}
        notes = flat
    return writer.tree(_in_folders(writer, entries, notes).values())


def _in_folders(writer: Writer, entries: dict[bytes, Entry], notes: Mapping[bytes, str]) -> dict[bytes, Entry]:
    by_pair: dict[bytes, dict[bytes, str]] = {}
    for name, oid in notes.items():
        by_pair.setdefault(name[:2], {})[name[2:]] = oid
        entries.pop(name, None)  # left at this level by someone else's tool: one note, one place
    for pair, rest in by_pair.items():
        old = entries[pair].oid if pair in entries and entries[pair].mode == FOLDER else None
        entries[pair] = Entry(FOLDER, pair, _put(writer, old, rest))
    return entries


def _is_note(name: bytes, entry: Entry, notes: Mapping[bytes, str]) -> bool:
    """Whether a name at this level is the rest of a hex name: as long as those of `notes` are."""
    return entry.mode != FOLDER and len(name) == len(next(iter(notes))) and _HEX.fullmatch(name) is not None


def _splits(names: Mapping[bytes, str]) -> bool:
    count = Counter(name[:1] for name in names)
    return len(count) == 16 and min(count.values()) >= 2


def read_note(objects: Objects, tree: str, oid: str) -> bytes | None:
    """The note on `oid`, or None. At most one folder per two digits is read."""
    found = find_note(objects, tree, oid)
    return objects.blob(found) if found else None


def find_note(objects: Objects, tree: str, oid: str) -> str | None:
    """Oid of the text of the note on `oid`, or None."""
    rest = oid.encode()
    while True:
        entries = {entry.name: entry for entry in objects.tree(tree)}
        if rest in entries and entries[rest].mode != FOLDER:
            return entries[rest].oid
        folder = entries.get(rest[:2])
        if folder is None or folder.mode != FOLDER:
            return None
        tree, rest = folder.oid, rest[2:]


def replaced(objects: Objects, tree: str | None, oid: str, prefix: str, text: bytes) -> bytes:
    """The note on `oid` with `text` in place of the lines that begin with `prefix`; sorted, as all of ours are."""
    old = (read_note(objects, tree, oid) if tree else None) or b""
    others = [line for line in old.splitlines(keepends=True) if not line.startswith(prefix.encode())]
    return b"".join(sorted({*others, *text.splitlines(keepends=True)}))


def all_notes(objects: Objects, tree: str) -> Iterator[tuple[str, str]]:
    """Name of each annotated object and oid of its text, in the order of the names; a name may come twice from a tree
    that was not written by git. Paths that are no notes are left out."""
    for path, entry in objects.walk(tree):
        name = path.replace(b"/", b"")
        if len(name) == _DIGITS and _HEX.fullmatch(name):
            yield name.decode(), entry.oid
