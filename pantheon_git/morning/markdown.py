"""The report as Markdown, to be kept, mailed or pasted."""

from __future__ import annotations

import re
import time

from pantheon_git.morning.metrics import Card, Report
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


def render(report: Report) -> str:
    """The whole report; ends with a line break."""
    started = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(report.opened))
    branch = report.target.removeprefix("refs/heads/")
    parts = [
        f"# Night {report.night}",
        f"**{_escaped(one_line(report.headline))}**",
        f"Started {started} on `{branch}` at `{report.base[:12]}`. {describe_costs(report)}",
        _escaped(describe_engines(report)),
        _escaped(describe_guard(report)),
        "\n".join(f"- {_escaped(line)}" for line in describe_found(report)),
        _escaped(describe_certificate(report.certificate)),
        _prs(report),
        _failures(report),
        _reviewers(report),
        _rest(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _prs(report: Report) -> str:
    cards = report.of("pr")
    if not cards:
        return ""
    shares = "\n".join(f"- who wrote the {line}" for line in describe_shares(report))
    return "\n\n".join([f"## To review ({len(cards)})", shares, *(_card(card) for card in cards)])


def _card(card: Card) -> str:
    lines = [
        f"### {_escaped(one_line(card.title))}",
        f"- `{card.job}`{f' ({card.state})' if card.state else ''}: {describe_verdicts(card)}",
        f"- {_escaped(describe_paths(card, 5))}",
    ]
    if card.authorship:
        lines.append(f"- written by: {describe_authors(card.authorship)}")
    lines.append(f"- next: `{card.next_command}`")
    return "\n".join(lines)


def _failures(report: Report) -> str:
    causes = report.causes
    if not causes:
        return ""
    lines = [f"## Stopped, refused or failed ({sum(len(cause.jobs) for cause in causes)})", ""]
    for cause in causes:
        where = f" at {cause.stopped_at}" if cause.stopped_at else ""
        lines.append(f"- {len(cause.jobs)} ×{where}: {_escaped(one_line(cause.reason))}")
        lines.append(f"  - {', '.join(f'`{job}`' for job in cause.jobs)}")
        lines.append(f"  - next: `{cause.next_command}`")
    return "\n".join(lines)


def _reviewers(report: Report) -> str:
    lines = [f"- {_escaped(line)}" for line in describe_reviewers(report)]
    return "\n".join(["## Reviewers", "", *lines]) if lines else ""


def _rest(report: Report) -> str:
    lines = []
    for title, rows in (("Not reached", report.not_reached), ("Waiting", report.waiting)):
        if rows:
            lines += [
                f"## {title} ({len(rows)})",
                "",
                *(f"- {_escaped(one_line(name))}: {_escaped(one_line(why))}" for name, why in rows.items()),
                "",
            ]
    if report.broken:
        faults = [fault for faults in report.broken.values() for fault in faults]
        lines += [
            f"## Broken files ({len(report.broken)})",
            "",
            *(f"- {_escaped(one_line(fault))}" for fault in faults),
            "",
        ]
    return "\n".join(lines).rstrip()


def _escaped(text: str) -> str:
    """Text that a model or a document chose must not become markup, an entity, or a link that GitHub's dialect makes of
    a bare address (GFM 6.9): a zero-width sign would hide, a backslash between does not."""
    for char in "\\`*_[]<>|#&~!@{}$":
        text = text.replace(char, f"\\{char}")
    return re.sub(r"(?i)(:)(//)|(www)(\.)", lambda m: "\\".join(part for part in m.groups() if part), text)
