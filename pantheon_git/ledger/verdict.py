"""What verification says about one thing: good, or the first thing that is wrong, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from pantheon_git.errors import PantheonError, TamperedError

Kind = Literal["good", "remark", "rewritten", "incomplete", "tampered"]
"""`remark`: what was not proven. `rewritten`: as signed, and in another commit since (squash, cherry-pick, rebase).
`incomplete`: malformed or missing (exit 1). `tampered`: not as signed (exit 2)."""
_MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading the fields that a statement must have raises where it has others."""
_LONGEST = 500
"""Characters of a problem: it may quote what an attacker wrote."""


@dataclass(frozen=True)
class JobVerdict:
    """The verdict on one job; on a night where `job` is None; on the ledger as a whole where `night` is None too."""

    kind: Kind
    night: str | None = None
    job: str | None = None
    where: str = ""
    """Ref, and the file behind a colon: `refs/pantheon/runs/NIGHT:ab/ID.N/03-check/statement.json`."""
    oid: str | None = None
    """The object that is wrong."""
    problem: str = ""
    hint: str = ""
    """What to type, where it is not simply to verify again."""

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        return {"incomplete": 1, "tampered": 2}.get(self.kind, 0)

    def __str__(self) -> str:
        name = self.job or (f"night {self.night}" if self.night else "ledger")
        place = f"{self.where} ({self.oid[:12]})" if self.oid else self.where
        return ": ".join(part for part in (name, self.kind, place, self.problem) if part)


class Fault(Exception):  # noqa: N818 - it travels inside this room only, from the place to the verdict
    """Something is wrong at a place."""

    def __init__(self, where: str, oid: str | None, problem: str, tampered: bool) -> None:
        super().__init__(problem)
        self.where, self.oid, self.problem, self.tampered = where, oid, problem, tampered

    def verdict(self, night: str | None, job: str | None) -> JobVerdict:
        kind: Kind = "tampered" if self.tampered else "incomplete"
        return JobVerdict(kind, night, job, self.where, self.oid, self.problem)


@contextmanager
def at(where: str, oid: str | None = None) -> Iterator[None]:
    """Errors inside become a Fault at this place, unless a place further in has named itself."""
    try:
        yield
    except PantheonError as error:
        raise Fault(where, oid, error.message[:_LONGEST], isinstance(error, TamperedError)) from error
    except _MALFORMED as error:
        raise Fault(where, oid, f"malformed: {error!r}"[:_LONGEST], tampered=False) from error


def require(holds: bool, problem: str) -> None:
    """TamperedError with `problem` unless it holds."""
    if not holds:
        raise TamperedError(problem)


@dataclass
class Summary:
    """All verdicts of a verification, counted."""

    jobs: int = 0
    good: int = 0
    first: JobVerdict | None = None
    """The first thing that is wrong; tampering goes before what is merely incomplete."""
    exit_code: int = 0
    remarks: tuple[str, ...] = ()
    """What the verification did not prove."""
    rewritten: tuple[str, ...] = ()
    """What is as it was signed and stands in another commit since."""

    def add(self, verdict: JobVerdict) -> None:
        if verdict.kind == "rewritten":
            self.rewritten += (verdict.problem,)
        elif verdict.job is not None:
            self.jobs += 1
            self.good += verdict.ok
        if verdict.kind == "remark":
            self.remarks += (verdict.problem,)
        if verdict.exit_code > self.exit_code:
            self.first, self.exit_code = verdict, verdict.exit_code

    def raise_first(self) -> None:
        """TamperedError (exit 2) or PantheonError (exit 1) for the first thing that is wrong, if any."""
        if self.first is not None:
            error = TamperedError if self.first.kind == "tampered" else PantheonError
            usual = "pantheon-git verify; never act on an entry that does not verify"
            raise error(str(self.first), self.first.hint or usual)


def summarise(verdicts: Iterable[JobVerdict]) -> Summary:
    summary = Summary()
    for verdict in verdicts:
        summary.add(verdict)
    return summary
