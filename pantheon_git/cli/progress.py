"""The night as it happens, on standard error: a line for each job, and on a terminal one line that moves."""

from __future__ import annotations

import shutil
import sys
import time

import click

from pantheon_git.cli.output import printable
from pantheon_git.ledger.records import Ending
from pantheon_git.night.events import (
    Event,
    GroupCommitted,
    JobEnded,
    JobStarted,
    NightOpened,
    NodeEnded,
    Said,
    Tokens,
)

COLOURS: dict[Ending, str] = {
    "pr": "green",
    "unchanged": "cyan",
    "failed": "yellow",
    "refused": "yellow",
    "error": "red",
}
WORDS: dict[Ending, str] = {
    "pr": "accepted", "unchanged": "unchanged", "failed": "stopped", "refused": "refused", "error": "error",
}  # fmt: skip


class Progress:
    """Call it with each event."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = not quiet and sys.stderr.isatty()
        self.jobs = self.ended = self.saved = self.tokens = 0
        self.running: dict[str, str] = {}
        self.started = time.monotonic()

    def __call__(self, event: Event) -> None:
        if self.quiet:
            return
        match event:
            case NightOpened():
                self.jobs = event.jobs
                self._line(f"night {event.night}: {event.jobs} jobs at {event.base[:12]}, jail {event.level}")
            case JobStarted():
                self.running[event.job] = "starting"
            case NodeEnded():
                self.running[event.job] = f"{event.node} {event.verdict}"
            case Tokens():
                self.tokens += event.tokens_out
            case JobEnded():
                self._ended(event)
            case GroupCommitted():
                self.saved += len(event.jobs)
            case Said():
                self._line(printable(event.text))
        self._status()

    def close(self) -> None:
        if self.live:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _ended(self, event: JobEnded) -> None:
        self.running.pop(event.job, None)
        self.ended += 1
        word = click.style(WORDS[event.ending].ljust(9), fg=COLOURS[event.ending])
        reason = "" if event.ending == "pr" else f"  {event.reason.splitlines()[0] if event.reason else ''}"
        self._line(f"{word} {event.job}  {event.seconds:.1f} s{printable(reason)}")

    def _line(self, text: str) -> None:
        click.echo(("\r\x1b[K" if self.live else "") + text, err=True)

    def _status(self) -> None:
        if not self.live:
            return
        seconds = time.monotonic() - self.started
        newest = next(reversed(self.running.items()), ("", ""))
        text = f"{self.ended}/{self.jobs} jobs, {len(self.running)} running, {self.tokens} tokens, {seconds:.0f} s"
        width = shutil.get_terminal_size().columns
        click.echo("\r\x1b[K" + f"{text}  {' '.join(newest)}"[: width - 1], nl=False, err=True)
