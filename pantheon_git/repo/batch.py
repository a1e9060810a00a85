"""The helper process behind `Objects`: stock git reads objects for us, one after another, through a pair of pipes."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import IO

from pantheon_git.errors import GitError
from pantheon_git.repo.git import Git, scrubbed_env

_HEX = set("0123456789abcdef")
_AHEAD = 1000
"""Names asked for before the first answer is read: 41 KB, which a pipe holds (64 KiB), so that neither side can block
the other for good."""


class Batch:
    """`git cat-file --batch`, started when first needed; each process that forks off gets its own."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def get(self, oid: str) -> tuple[str, bytes]:
        """Type and content. GitError when there is no such object."""
        _check(oid)
        with self._lock:
            answer = self._ask(oid)
            if answer is None:  # the helper has died, though its process may not be gone yet
                self.close()
                answer = self._ask(oid)
        if answer is None:
            raise self._silent(oid)
        return answer

    def stream(self, oids: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
        """Oid, type and content of those that are there, in the order asked for, without waiting for one answer before
        the next question: six times as many a second. Between two steps nobody else may read through this helper."""
        for start in range(0, len(oids), _AHEAD):
            part = oids[start : start + _AHEAD]
            for oid in part:
                _check(oid)
            with self._lock:
                yield from self._answers(part)

    def _answers(self, oids: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
        stdin, stdout = _pipes(self._started())
        left = len(oids)
        try:
            stdin.write("".join(f"{oid}\n" for oid in oids).encode())
            stdin.flush()
            for oid in oids:
                answer = _read(stdout)
                if answer is None:
                    raise self._silent(oid)
                left -= 1
                if answer[0]:
                    yield oid, *answer
        finally:
            if left:  # what was not read would be taken for the next answer
                self.close()

    def _silent(self, oid: str) -> GitError:
        """Why the helper died twice: in a partial clone it does when an object is missing and the remote too."""
        remotes = self._git.run("config", "--get-regexp", r"^remote\..*\.promisor$", check=False).out.decode().split()
        if not remotes:
            return GitError("`git cat-file --batch` does not answer", "git fsck")
        remote = remotes[0].removeprefix("remote.").removesuffix(".promisor")
        return GitError(
            f"object {oid[:12]} is not here: this is a partial clone, and its remote {remote} does not answer",
            f"where {remote} can be reached: git fetch --refetch --no-filter {remote}",
        )

    def _ask(self, oid: str) -> tuple[str, bytes] | None:
        """None where the helper is gone."""
        stdin, stdout = _pipes(self._started())
        try:
            stdin.write(oid.encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            return None
        answer = _read(stdout)
        if answer is not None and not answer[0]:
            raise GitError(f"there is no object {oid} in {self._git.path}", "git fsck; a shallow clone lacks history")
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.close()
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                ("git", "cat-file", "--batch"),
                cwd=self._git.path,
                env=scrubbed_env(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for us: what was done is still to be written
            )
        return self._process

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.communicate()


def _check(oid: str) -> None:
    if len(oid) != 40 or not set(oid) <= _HEX:
        raise GitError(f"not an object name: {oid[:60]!r}")


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    return process.stdin, process.stdout


def _read(stdout: IO[bytes]) -> tuple[str, bytes] | None:
    """Type and content; no type where there is no such object; None where the helper is gone."""
    head = stdout.readline().split()
    if not head:
        return None
    if len(head) != 3:
        return "", b""
    data = stdout.read(int(head[2]) + 1)
    return (head[1].decode(), data[:-1]) if len(data) == int(head[2]) + 1 else None
