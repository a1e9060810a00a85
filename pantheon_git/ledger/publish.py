"""From objects in memory to refs, in an order that `recover` relies on: the pack, on disk; then up to three
transactions, each on disk before the next one begins, so that neither a kill nor a power cut leaves a later one without
the earlier.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from pantheon_git import clock
from pantheon_git.errors import RefMovedError
from pantheon_git.ledger import notes
from pantheon_git.ledger.commit import signed_commit
from pantheon_git.ledger.keys import Key
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.repo.refs import RefUpdate, read_ref, update_refs
from pantheon_git.repo.writer import Writer

NotesChange = Callable[[Objects, str | None], Mapping[str, bytes]]
"""From a reader and the notes tree as it stands (None: no notes yet) to the notes that are to be set."""
_TRIES = 100


class Publisher:
    """Writes the ledger's refs. Remembers where the notes were, so that the usual case costs one process."""

    def __init__(self, git: Git, objects: Objects, key: Key) -> None:
        self._git, self._objects, self._key = git, objects, key
        self.writer = Writer(objects)
        self._notes_tip: str | None = None
        self._asked = False

    def publish(
        self,
        before: Sequence[RefUpdate],
        change: NotesChange,
        message: str,
        after: Sequence[RefUpdate] = (),
        when: float | None = None,
        first: Sequence[RefUpdate] = (),
    ) -> None:
        """Flush the writer and move `first`, then `before` and the notes, then `after`. Another writer of notes is
        waited out, and its notes stay; RefMovedError when one of the given updates does not fit."""
        told = f"pantheon-git: {message}"
        with ExitStack() as packs:
            for attempt in range(_TRIES):
                tip = self._tip(again=attempt > 0)
                new = self._noted(tip, change, message, clock.now() if when is None else when)
                noted = [] if new == tip else [RefUpdate(notes.REF, new, tip)]
                packs.enter_context(self.writer.flushed())
                if attempt == 0:
                    update_refs(self._git, first, told)
                try:
                    update_refs(self._git, [*before, *noted], told)
                except RefMovedError:
                    if attempt == _TRIES - 1 or self._tip(again=True) == tip:
                        raise
                    time.sleep(random.uniform(0, 0.02 * min(attempt, 10)))  # noqa: S311 - spreads writers out
                    continue
                update_refs(self._git, after, told)
                self._notes_tip = new
                return

    def _tip(self, again: bool) -> str | None:
        if again or not self._asked:
            self._notes_tip, self._asked = read_ref(self._git, notes.REF), True
        return self._notes_tip

    def _noted(self, tip: str | None, change: NotesChange, message: str, when: float) -> str | None:
        tree = self._objects.commit(tip).tree if tip else None
        texts = change(self.writer.reader, tree)
        if not texts:
            return tip
        new = notes.add_notes(self.writer, tree, texts)
        if new == tree:
            return tip
        return signed_commit(self.writer, self._key, new, [tip] if tip else [], f"Notes: {message}", when)
