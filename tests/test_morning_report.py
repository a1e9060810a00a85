"""The report: its numbers come from signed records alone, are the same everywhere, and bad news comes first."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.records import Ending, JobResult
from pantheon_git.morning import markdown, terminal
from pantheon_git.morning.collect import collect, find_night
from pantheon_git.morning.metrics import Card, Report, as_json, causes
from tests.ledger_kit import NAME, House, house

SUMMARY: dict[str, Any] = {
    "diffstat": {"files": 1, "added": 7, "removed": 2, "paths": {"docs/a.md": [7, 2]}},
    "authorship": {"title": "tool", "description": "model", "tags": "tool"},
    "tokens": {"in": 600, "out": 40},
    "cpu": {"jail": 0.5},
}


def job(at: House, name: str, ending: Ending = "pr", reason: str = "all rules hold", **summary: Any) -> JobResult:
    result = at.result(name, ending, reason=reason)
    return replace(result, summary={**SUMMARY, "title": f"Describe {name}", **summary})


@pytest.fixture
def night(tmp_path: Path) -> House:
    """Three accepted, one unchanged, two stopped for one reason, one error."""
    at = house(tmp_path / "r")
    fall_back = {"title": "kept", "description": "fallback", "tags": "tool"}
    at.night(
        [
            job(at, "a-1.1"),
            job(at, "a-2.1"),
            job(at, "a-3.2", authorship=fall_back),
            job(at, "b-1.1", "unchanged", "nothing had to change"),
            job(at, "c-1.1", "failed", "docs/x.md: the description has 12 characters"),
            job(at, "c-2.1", "failed", "docs/y.md: the description has 31 characters"),
            job(at, "d-1.1", "error", "the engine died"),
        ]
    )
    return at


def report_of(at: House) -> Report:
    return collect(at.git, at.objects, find_night(at.git, at.objects))


def shown(report: Report, width: int = 110) -> str:
    out = io.StringIO()
    terminal.render(report, Console(file=out, width=width, no_color=True, highlight=False))
    return out.getvalue()


def test_counts_are_of_tasks_and_add_up(night: House) -> None:
    """Each job is counted once, under the ending that was signed."""
    report = report_of(night)
    assert report.counts == {"accepted": 3, "unchanged": 1, "refused": 0, "stopped": 2, "errors": 1, "not reached": 0}
    assert sum(report.counts.values()) == 7
    assert report.tokens == {"in": 4200, "out": 280}
    assert [card.jail_seconds for card in report.cards] == [0.5] * 7


def test_every_surface_shows_the_same_numbers(night: House) -> None:
    """Terminal, Markdown and JSON read one object: no second count anywhere."""
    report = report_of(night)
    told = as_json(report)
    for text in (shown(report), markdown.render(report)):
        assert report.headline in text
        assert f"{told['tokens']['out']} written" in text
    assert told["counts"]["accepted"] == 3
    assert [card["job"] for card in told["jobs"] if card["ending"] == "pr"] == ["a-1.1", "a-2.1", "a-3.2"]


def test_who_wrote_each_field_is_said(night: House) -> None:
    """Shares of model, tool and fall-back among the accepted, and on each card."""
    report = report_of(night)
    assert report.shares["description"] == {"model": 2, "fallback": 1}
    assert report.shares["title"] == {"tool": 2, "kept": 1}
    text = shown(report)
    assert "description: model 2, fall-back 1 (of 3)" in text
    assert "description: fall-back, tags: tool, title: kept" in text


def test_failures_are_grouped_by_cause(night: House) -> None:
    """Two that differ in path and number are one cause, with one command to look further."""
    first, second = report_of(night).causes
    assert first.jobs == ("c-1.1", "c-2.1")
    assert first.next_command == "pantheon-git replay c-1.1:gate"
    assert second.jobs == ("d-1.1",)
    assert "2 × at gate: docs/x.md: the description has 12 characters" in shown(report_of(night))


def test_every_card_ends_with_a_command(night: House) -> None:
    """Copyable, one for each PR."""
    text = shown(report_of(night))
    for name in ("a-1.1", "a-2.1", "a-3.2"):
        assert f"pantheon-git pr show {name}" in text


def test_a_night_with_errors_says_so_first(night: House) -> None:
    """In the first line, on each surface."""
    report = report_of(night)
    assert shown(report).startswith("Bad night: 3 accepted")
    assert markdown.render(report).split("\n")[2].startswith("**Bad night: ")


def test_an_unverified_night_says_so_first(night: House) -> None:
    """Done is not verified: the headline never leaves it open."""
    assert "not verified" in report_of(night).headline
    bad = replace(report_of(night), good=False, verified="a-1.1: bytes differ")
    assert shown(bad).startswith("NOT TO BE TRUSTED: a-1.1: bytes differ")
    good = replace(report_of(night), good=True, verified="verified")
    assert good.headline.endswith("; verified")


def test_a_night_that_was_cut_off_says_so_first(tmp_path: Path) -> None:
    """Without a signed close it is not shown as complete; what it did not reach is listed."""
    at = house(tmp_path / "r")
    results = [job(at, "a-1.1"), job(at, "a-2.1")]
    at.ledger.open_night(NAME, [result.context for result in results], {"base": at.base})
    at.ledger.commit_group(NAME, results[:1])
    report = report_of(at.again())
    assert report.headline.startswith("Not closed (still running, or cut off): 1 accepted, 1 not reached")
    assert list(report.not_reached) == ["a-2.1"]
    assert "Not reached (1)" in shown(report)
    at.again().ledger.recover()
    assert report_of(at.again()).headline.startswith("Interrupted: 1 accepted, 1 not reached")


def test_what_the_night_put_off_is_listed_with_its_reason(tmp_path: Path) -> None:
    """Nothing silently disappears: limits and waiting tasks are named."""
    at = house(tmp_path / "r")
    result = job(at, "a-1.1")
    at.ledger.open_night(NAME, [result.context], {"base": at.base, "target": "refs/heads/main"})
    at.ledger.commit_group(NAME, [result])
    put_off = {"a-2": "not reached: the limit of 1 jobs", "a-3": "waits for a-2 (queued)"}
    at.ledger.close_night(NAME, {"put_off": put_off, "broken": {".pantheon/queue/x.toml": ["x.toml:1:1: broken"]}})
    report = report_of(at)
    assert report.not_reached == {"a-2": "not reached: the limit of 1 jobs"}
    assert report.waiting == {"a-3": "waits for a-2 (queued)"}
    for text in (shown(report), markdown.render(report)):
        assert "waits for a-2 (queued)" in text
        assert "x.toml:1:1: broken" in text


def test_costs_are_the_nights_own_or_left_out(tmp_path: Path) -> None:
    """CPU seconds come from the signed close; a night that was cut off has none, and no sum of parts stands in."""
    at = house(tmp_path / "r")
    result = job(at, "a-1.1")
    at.ledger.open_night(NAME, [result.context], {"base": at.base})
    at.ledger.commit_group(NAME, [result])
    assert "CPU" not in shown(report_of(at))
    at.ledger.close_night(NAME, {"put_off": {}, "cpu_seconds": 8.5})
    assert "600 tokens read, 40 written, 8.5 CPU seconds (8.5 a job)" in shown(report_of(at))


def test_the_models_that_answered_are_named(tmp_path: Path) -> None:
    """With the beginning of their digest; a control night is called one, so that nobody takes it for the model."""
    at = house(tmp_path / "r")
    for name, engine in (("20261101T000000Z", "openvino"), ("20261102T000000Z", "control")):
        result = at.result(f"{engine}-1.1", night=name)
        agent = {"engine": engine, "model": "tiny", "digest": "sha256:0123456789abcdef"}
        at.ledger.open_night(name, [result.context], {"base": at.base, "agents": {"doc.x": agent}})
        at.ledger.commit_group(name, [result])
        at.ledger.close_night(name, {"put_off": {}})
        report = collect(at.git, at.objects, find_night(at.git, at.objects, name))
        wanted = "CONTROL: the first computed" if engine == "control" else "tiny (openvino, sha256:0123456789ab)"
        assert wanted in shown(report)
        assert wanted.replace("_", "") in markdown.render(report).replace("\\", "")


def test_nothing_accepted_is_a_bad_night(tmp_path: Path) -> None:
    """Two refusals and no PR: the first line says that the night was bad."""
    at = house(tmp_path / "r")
    at.night([job(at, "a-1.1", "refused", "no"), job(at, "a-2.1", "refused", "no")])
    assert report_of(at).headline.startswith("Bad night: 2 refused")


def test_long_nights_are_cut_and_say_by_how_much(tmp_path: Path) -> None:
    """Thirty cards at most on a terminal; the rest is counted, with the command that lists it."""
    at = house(tmp_path / "r")
    at.night([job(at, f"a-{n}.1") for n in range(33)], group=33)
    assert "… and 3 more: pantheon-git pr list" in shown(report_of(at))
    assert markdown.render(report_of(at)).count("### ") == 33


HOSTILE = "\x1b]0;owned\x07`rm -rf` **bold** <script>\n# Night 1\u202e"


def test_text_from_documents_steers_neither_terminal_nor_markdown(tmp_path: Path) -> None:
    """Escape sequences, markup and line breaks in a title or reason stay text."""
    at = house(tmp_path / "r")
    at.night([job(at, "a-1.1", title=HOSTILE), job(at, "b-1.1", "failed", HOSTILE)])
    report = report_of(at)
    text = shown(report)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    lines = markdown.render(report).splitlines()
    assert not any(line.startswith("# Night 1") for line in lines)
    assert not any("<script>" in line.replace("\\<", "").replace("\\>", "") for line in lines)


def test_nights_are_found_by_name_or_its_beginning(tmp_path: Path) -> None:
    """The newest without a name; an unknown or ambiguous one lists what there is."""
    at = house(tmp_path / "r")
    with pytest.raises(PantheonError, match="no night is recorded here"):
        find_night(at.git, at.objects)
    names = ("20261101T000000Z", "20261125T230000Z")
    for name in names:
        at.night([replace(at.result(f"a-{name[6:8]}.1", night=name), summary=SUMMARY)], name)
    assert find_night(at.git, at.objects).night == names[1]
    assert find_night(at.git, at.objects, "20261101").night == names[0]
    for wrong in ("2026", "1999"):
        with pytest.raises(PantheonError) as caught:
            find_night(at.git, at.objects, wrong)
        assert names[0] in caught.value.hint


def test_causes_keep_what_is_different_apart() -> None:
    """The same words at another node are another cause, and so are other words."""

    def stopped(name: str, node: str, reason: str) -> Card:
        return Card(name, name, name, "failed", reason, node, (), 0, 0, 0, {}, {}, {}, 0, 0)

    found = causes([stopped("a.1", "x", "no"), stopped("b.1", "y", "no"), stopped("c.1", "x", "nay")])
    assert len(found) == 3
