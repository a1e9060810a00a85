"""The errors a person may meet. One boundary (`cli/main.py`) turns them into text and an exit code."""

from __future__ import annotations


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
