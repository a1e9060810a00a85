"""Chunks of jobs verified side by side: one process a core, each with its own reader of the repository.

Pipes alone, no shared memory and no threads: it works wherever processes do. A small night is verified right here.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.verify_chunk import Chunk, Told, verify_chunk
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects

_SMALL = 8
"""Chunks that are not worth a process: starting one takes as long as 200 jobs."""
_MOST = 16
_WAITING = 2
"""Chunks given to one process at a time; their answers fit into a pipe, so that no side ever blocks the other."""


@dataclass
class Pool:
    """Verifies chunks in order. Call `close` at the end."""

    objects: Objects
    notes: str | None
    processes: int = 0
    """0: one for each core that this process may use."""
    _workers: list[tuple[SpawnProcess, Connection]] = field(default_factory=list)

    def __call__(self, chunks: Iterable[Chunk]) -> Iterator[list[Told]]:
        rest = iter(chunks)
        first = list(itertools.islice(rest, _SMALL))
        count = self.processes or min(_MOST, len(os.sched_getaffinity(0)))
        if len(first) < _SMALL or count < 2:
            for chunk in itertools.chain(first, rest):
                yield verify_chunk(self.objects, self.notes, chunk)
        else:
            yield from self._share_out(itertools.chain(first, rest), count)

    def close(self) -> None:
        for process, pipe in self._workers:
            pipe.close()
            process.terminate()
            process.join()
        self._workers.clear()

    def _share_out(self, chunks: Iterator[Chunk], count: int) -> Iterator[list[Told]]:
        if not self._workers:
            self._workers = [self._start() for _ in range(count)]
        asked: deque[Connection] = deque()
        for (_, pipe), chunk in zip(itertools.cycle(self._workers), chunks):
            if len(asked) == _WAITING * len(self._workers):
                yield _answer(asked.popleft())
            try:
                pipe.send(chunk)
            except OSError as error:
                raise _killed() from error
            asked.append(pipe)
        while asked:
            yield _answer(asked.popleft())

    def _start(self) -> tuple[SpawnProcess, Connection]:
        """A fresh process: a fork would copy threads' locks and git's pipes."""
        ours, theirs = multiprocessing.Pipe()
        args = (theirs, self.objects.git.path, self.notes)
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=args, daemon=True)
        process.start()
        theirs.close()
        return process, ours


def _answer(pipe: Connection) -> list[Told]:
    try:
        told = pipe.recv()
    except (EOFError, OSError) as error:
        raise _killed() from error
    if isinstance(told, PantheonError):
        raise told
    found: list[Told] = told
    return found


def _killed() -> PantheonError:
    return PantheonError("a process that verified was killed", "free some memory, then: pantheon-git verify")


def _serve(pipe: Connection, path: Path, notes: str | None) -> None:
    """Answer chunks until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asked says when it is over
    objects = Objects(Git(path))
    while True:
        try:
            chunk = pipe.recv()
        except EOFError:
            return
        try:
            answer: list[Told] | PantheonError = verify_chunk(objects, notes, chunk)
        except PantheonError as error:
            answer = error
        pipe.send(answer)
