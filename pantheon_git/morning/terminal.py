"""The report on a terminal, with rich: the headline first, then what waits for a person, then what went wrong.

Lines are never cut: a path or command that is wider than the terminal wraps, so that it can be copied.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from pantheon_git.morning.metrics import Card, Cause, Report
from pantheon_git.morning.words import (
    describe_authors,
    describe_costs,
    describe_engines,
    describe_found,
    describe_guard,
    describe_paths,
    describe_reviewers,
    describe_shares,
    describe_verdicts,
    one_line,
)
from pantheon_git.night.certificate import describe_certificate

CARDS, ROWS, NAMED = 30, 20, 6
"""What a terminal shows at most: cards, rows of a list, jobs of one cause. The rest is counted."""


class Page:
    """Lines for a console, indented and styled."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        self.console.print(Text(" " * indent + text, style=style), soft_wrap=True)


def render(report: Report, console: Console) -> None:
    """Print the whole report."""
    page = Page(console)
    bad = report.good is False or bool(report.trouble) or report.status != "closed" or report.is_bad
    page.line(one_line(report.headline, 400), "bold red" if bad else "bold green")
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.opened))
    branch = report.target.removeprefix("refs/heads/")
    page.line(f"night {report.night}, started {started}, on {branch} at {report.base[:12]}", "dim")
    page.line(describe_costs(report), "dim")
    if engines := describe_engines(report):
        page.line(engines, "bold yellow" if "CONTROL" in engines else "dim")
    guard = describe_guard(report)
    page.line(guard, "dim" if report.guard.get("held") is True else "bold yellow")
    made = report.certificate.get("made") is True
    page.line(describe_certificate(report.certificate), "dim" if made else "bold yellow")
    for line in describe_found(report):
        page.line(line, "yellow")
    if report.one_key:
        page.line("nights and reviews are signed with one key here", "dim")
    _cards(report, page)
    for cause in report.causes:
        _cause(cause, page)
    if reviewers := describe_reviewers(report):
        page.line()
        page.line("Reviewers", "bold")
    for line in reviewers:
        page.line(line, "bold yellow" if "NO VOTE" in line or "not kept" in line else "dim", 2)
    _rows("Not reached", report.not_reached, page)
    _rows("Waiting", report.waiting, page)
    for faults in report.broken.values():
        for fault in faults:
            page.line(f"broken: {one_line(fault)}", "red")
    _next(report, page)


def _cards(report: Report, page: Page) -> None:
    prs = report.of("pr")
    if not prs:
        return
    page.line()
    page.line(f"To review ({len(prs)})", "bold")
    for card in prs[:CARDS]:
        _card(card, page)
    if len(prs) > CARDS:
        page.line(f"… and {len(prs) - CARDS} more: pantheon-git pr list", "dim")
    page.line()
    for line in describe_shares(report):
        page.line(f"who wrote the {line}")


def _card(card: Card, page: Page) -> None:
    state = f"  ({card.state})" if card.state not in ("", "open") else ""
    page.line(f"{one_line(card.title, 100)}{state}", "bold", 2)
    page.line(describe_paths(card), "", 4)
    authors = f"; {describe_authors(card.authorship)}" if card.authorship else ""
    page.line(f"{describe_verdicts(card)}{authors}", "dim", 4)
    page.line(card.next_command, "cyan", 4)


def _cause(cause: Cause, page: Page) -> None:
    where = f" at {cause.stopped_at}" if cause.stopped_at else ""
    more = f" and {len(cause.jobs) - NAMED} more" if len(cause.jobs) > NAMED else ""
    page.line()
    page.line(f"{len(cause.jobs)} ×{where}: {one_line(cause.reason)}", "yellow")
    page.line(", ".join(cause.jobs[:NAMED]) + more, "dim", 2)
    page.line(cause.next_command, "cyan", 2)


def _rows(title: str, rows: Mapping[str, str], page: Page) -> None:
    if not rows:
        return
    page.line()
    page.line(f"{title} ({len(rows)})", "bold")
    for name, why in list(rows.items())[:ROWS]:
        page.line(f"{name}: {one_line(why)}", "", 2)
    if len(rows) > ROWS:
        page.line(f"… and {len(rows) - ROWS} more", "dim", 2)


def _next(report: Report, page: Page) -> None:
    waiting = [card for card in report.of("pr") if card.state in ("", "open", "approved")]
    if not waiting:
        return
    page.line()
    first = waiting[0].job
    for command in (f"pr diff {first}", f"pr merge {first}", f"pr reject {first} --reason 'why'"):
        page.line(f"pantheon-git {command}", "cyan", 2)
