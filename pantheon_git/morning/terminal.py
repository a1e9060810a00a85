"""The report on a terminal, with rich: the headline first, then what waits for a person, then what went wrong."""

from __future__ import annotations

import time

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from pantheon_git.morning.metrics import Card, Cause, Report
from pantheon_git.morning.words import describe_authors, describe_costs, describe_shares, one_line

COLOURS = {"pass": "green", "skip": "dim", "fail": "yellow", "refused": "yellow", "error": "red"}


def render(report: Report, console: Console, cards: int = 30) -> None:
    """Print it. At most so many cards; the rest is counted, never silently left out."""
    style = "bold red" if report.good is False or report.status != "closed" or report.is_bad else "bold green"
    console.print(Text(one_line(report.headline, 400), style=style))
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.opened))
    branch = report.target.removeprefix("refs/heads/")
    console.print(Text(f"night {report.night}, started {started}, on {branch} at {report.base[:12]}", style="dim"))
    console.print(Text(describe_costs(report), style="dim"))
    if report.one_key:
        console.print(Text("nights and reviews are signed with one key here", style="dim"))
    _cards(report, console, cards)
    for cause in report.causes:
        _cause(cause, console)
    _rest(report, console)
    _next(report, console)


def _cards(report: Report, console: Console, most: int) -> None:
    prs = report.of("pr")
    if not prs:
        return
    console.print()
    console.print(Text(f"To review ({len(prs)})", style="bold"))
    for card in prs[:most]:
        _card(card, console)
    if len(prs) > most:
        console.print(Text(f"… and {len(prs) - most} more: pantheon-git pr list", style="dim"))
    console.print()
    for line in describe_shares(report):
        console.print(Text.assemble(("who wrote the ", "dim"), line))


def _card(card: Card, console: Console) -> None:
    head = Text.assemble((one_line(card.title, 90), "bold"), (f"  {card.state}" if card.state else "", "cyan"))
    verdicts = Text()
    for node in card.nodes:
        verdicts.append(f"{node.name} ", style="dim")
        verdicts.append(f"{node.verdict}  ", style=COLOURS.get(node.verdict, ""))
    paths = ", ".join(f"{path} +{added} -{removed}" for path, (added, removed) in list(card.paths.items())[:3])
    more = f" and {card.files - 3} more files" if card.files > 3 else ""
    console.print(Padding(head, (0, 0, 0, 2)))
    lines = [verdicts, Text(f"{one_line(paths)}{more}")]
    if card.authorship:
        lines.append(Text(describe_authors(card.authorship), style="dim"))
    lines.append(Text(card.next_command, style="cyan"))
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 6)))


def _cause(cause: Cause, console: Console) -> None:
    where = f" at {cause.stopped_at}" if cause.stopped_at else ""
    console.print()
    console.print(Text(f"{len(cause.jobs)} ×{where}: {one_line(cause.reason)}", style="yellow"))
    named = ", ".join(cause.jobs[:6]) + (f" and {len(cause.jobs) - 6} more" if len(cause.jobs) > 6 else "")
    console.print(Padding(Text(named, style="dim"), (0, 0, 0, 2)))
    console.print(Padding(Text(cause.next_command, style="cyan"), (0, 0, 0, 2)))


def _rest(report: Report, console: Console) -> None:
    for title, rows in (("Not reached", report.not_reached), ("Waiting", report.waiting)):
        if rows:
            console.print()
            console.print(Text(f"{title} ({len(rows)})", style="bold"))
            for name, why in list(rows.items())[:20]:
                console.print(Padding(Text(f"{name}: {one_line(why)}"), (0, 0, 0, 2)))
            if len(rows) > 20:
                console.print(Padding(Text(f"… and {len(rows) - 20} more", style="dim"), (0, 0, 0, 2)))
    for faults in report.broken.values():
        for fault in faults:
            console.print(Text(f"broken: {one_line(fault)}", style="red"))


def _next(report: Report, console: Console) -> None:
    waiting = [card for card in report.of("pr") if card.state in ("", "open", "approved")]
    if not waiting:
        return
    console.print()
    first = waiting[0].job
    for command in (f"pr diff {first}", f"pr merge {first}", f"pr reject {first} --reason 'why'"):
        console.print(Text(f"  pantheon-git {command}", style="cyan"))
