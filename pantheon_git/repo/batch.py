"""The helper process behind `Objects`: stock git reads objects for us, one after another, through a pair of pipes."""

from __future__ import annotations

import os
import subprocess
import threading

from pantheon_git.errors import GitError
from pantheon_git.repo.git import Git, scrubbed_env


class Batch:
    """`git cat-file --batch`, started when first needed; each process that forks off gets its own."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def get(self, oid: str) -> tuple[str, bytes]:
        if len(oid) != 40 or not set(oid) <= set("0123456789abcdef"):
            raise GitError(f"not an object name: {oid!r}")
        with self._lock:
            answer = self._ask(oid) or self._ask(oid)  # once more, should the helper have died
        if answer is None:
            raise GitError("`git cat-file --batch` does not answer", "git fsck")
        return answer

    def _ask(self, oid: str) -> tuple[str, bytes] | None:
        """None where the helper is gone."""
        process = self._started()
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None  # noqa: S101 - both are pipes
        assert stdout is not None  # noqa: S101
        try:
            stdin.write(oid.encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            return None
        head = stdout.readline().split()
        if not head:
            return None
        if len(head) != 3:
            raise GitError(f"there is no object {oid} in {self._git.path}", "git fsck; a shallow clone lacks history")
        data = stdout.read(int(head[2]) + 1)
        return (head[1].decode(), data[:-1]) if len(data) == int(head[2]) + 1 else None

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
