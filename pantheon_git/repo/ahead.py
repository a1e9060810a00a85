"""Objects read many at a time, before they are asked for: a question and its answer cost two switches of processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pantheon_git.errors import GitError
from pantheon_git.repo.objects import Entry, Objects, Overlay


class Ahead(Overlay):
    """Keeps what `fetch` reads, until it is dropped; everything else comes from `below` as ever."""

    def __init__(self, below: Objects) -> None:
        self._kept: dict[str, tuple[str, bytes]] = {}
        self._digests: dict[str, str] = {}
        super().__init__(below, self._kept)

    def fetch(self, oids: Iterable[str]) -> None:
        """Read these and keep them. What cannot be read is left to whoever asks for it."""
        wanted = [oid for oid in oids if oid not in self._kept]
        for oid, kind, data in self._below.read_many(wanted):
            self._kept[oid] = (kind, data)

    def fetch_sha256(self, oids: Iterable[str]) -> None:
        """Keep the sha256 of these blobs, and nothing of their content: one at a time is in memory."""
        wanted = [oid for oid in oids if oid not in self._digests]
        for oid, kind, data in self._below.read_many(wanted):
            if kind == "blob":
                self._digests[oid] = hashlib.sha256(data).hexdigest()

    def sha256(self, oid: str) -> str:
        return self._digests.get(oid) or super().sha256(oid)

    def entries(self, oid: str) -> list[Entry]:
        """Of a tree; none where it cannot be read, which whoever asks for it is told."""
        try:
            return self.tree(oid)
        except GitError:
            return []
