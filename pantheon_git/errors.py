"""The errors a person may meet. One boundary (`cli/main.py`) turns them into text and an exit code."""

from __future__ import annotations

import errno
import os


class PantheonError(Exception):
    """An expected failure: what went wrong, and the next command to type.

    `message` names file, field and value; `hint` is the next step; `exit_code` is what the process returns.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "", *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class SpecError(PantheonError):
    """A file that a person wrote is wrong. `faults` holds all of them, each as `file:line:col: path: message`."""

    def __init__(self, faults: list[str], hint: str = "pantheon-git check") -> None:
        super().__init__("\n".join(faults), hint)
        self.faults = faults


class GitError(PantheonError):
    """git answered with an error that we did not expect; carries the command, the code and both outputs."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        command: tuple[str, ...] = (),
        code: int = 0,
        stdout: bytes = b"",
        stderr: bytes = b"",
    ) -> None:
        super().__init__(message, hint)
        self.command, self.code, self.stdout, self.stderr = command, code, stdout, stderr


class RefMovedError(PantheonError):
    """A ref was not where compare-and-swap expected it: somebody else wrote meanwhile. Re-read and try again."""


class JailError(PantheonError):
    """The jail could not be built, or died. Never a reason to go on without one."""


class EngineError(PantheonError):
    """The model engine could not start, or died."""


class TamperedError(PantheonError):
    """Verification found bytes that do not match what was signed. Exit code 2 tells it from a malformed ledger."""

    exit_code = 2


_ROOM = "df -h shows which disk is full; make room, then run the command again: what was finished is kept"
_MACHINE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EROFS: "mount shows what is read-only; run it where the folder may be written",
    errno.EACCES: "ls -ld shows whose it is; run as the user who owns it",
    errno.EPERM: "ls -ld shows whose it is; run as the user who owns it",
    errno.EIO: "the disk answers with an error: dmesg says more",
    errno.ENOMEM: "free -h shows what is left; fewer jobs at once need less: pantheon-git run --jobs 1",
    errno.EAGAIN: "ulimit -u bounds the processes of this user; pantheon-git run --jobs 1 needs fewer",
    errno.EMFILE: "ulimit -n bounds the open files; pantheon-git run --jobs 1 needs fewer",
    errno.ENFILE: "too many files are open on this machine: pantheon-git run --jobs 1 needs fewer",
}


def machine_trouble(error: BaseException) -> PantheonError | None:
    """What the machine refused (a full or read-only disk, no memory, no permission) as an expected error; None for
    anything else, which is a defect of ours. Also says whether an error is of this kind."""
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return PantheonError("no thread can be started any more", _MACHINE[errno.EAGAIN])
    if isinstance(error, MemoryError) or (isinstance(error, ImportError) and "failed to map" in str(error)):
        return PantheonError("out of memory", _MACHINE[errno.ENOMEM])
    if isinstance(error, GitError):
        said = error.stderr.decode("utf-8", "replace")
        code = next((code for code in _MACHINE if _words(code) in said), None)
        return None if code is None else PantheonError(error.message, error.hint or _MACHINE[code])
    if not isinstance(error, OSError) or error.errno not in _MACHINE:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return PantheonError(f"{where}{_words(error.errno)}", _MACHINE[error.errno])


def _words(code: int) -> str:
    """As strerror(3) has it, which is what git prints."""
    return os.strerror(code)
