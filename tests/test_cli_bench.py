"""The benchmarks measure what they say: the recorder passes everything on and counts it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pantheon_git.day.bench import EngineBench, Recorder
from pantheon_git.day.demo import documents, scratch
from pantheon_git.day.reviewers import Page, load_pages, make_cases
from pantheon_git.engines.bench import Scored
from pantheon_git.engines.control import ControlEngine
from pantheon_git.engines.protocol import Request
from pantheon_git.errors import PantheonError
from tests.cli_support import cli, git

PROSE = (
    "Bees need a dry hive, food in winter and somebody who looks in once a week. This guide shows how to keep a first "
    "colony of bees through its first year, from the choice of a place for the hive to the honey harvest in August."
)


def test_the_recorder_passes_on_and_remembers() -> None:
    """Answers are the engine's own; requests and scores are kept in order, tokens and idle time counted."""
    inner = ControlEngine()
    recorder = Recorder(inner)

    async def work() -> list[str]:
        asked = [Request(f"prompt {n}", 8, control=f"answer {n}") for n in range(3)]
        texts = [done.text for done in await asyncio.gather(*(recorder.complete(one) for one in asked))]
        await asyncio.sleep(0.05)
        await recorder.score("prompt", "text")
        return texts

    assert asyncio.run(work()) == ["answer 0", "answer 1", "answer 2"]
    assert [type(one) for one in recorder.asked] == [Request, Request, Request, Scored]
    assert recorder.tokens_out > 0
    assert 0.04 < recorder.idle < recorder.last - recorder.first
    assert (recorder.name, recorder.model) == (inner.name, inner.model)


def test_the_ratio_is_of_rates() -> None:
    """Twice the seconds for the same tokens is half the rate."""
    assert EngineBench(1, 1, 100, 2.0, 0.0, 100, 1.0).ratio == 0.5


def test_the_scratch_repository_has_a_task_for_each_document(tmp_path: Path) -> None:
    """Committed, and good by its own check."""
    repo = scratch(tmp_path / "r", copies=2).path
    count = len(list(documents().rglob("*.md")))
    assert len(list((repo / ".pantheon/queue").glob("*.toml"))) == 2 * count
    assert git(repo, "status", "--porcelain") == ""
    assert cli(repo, "check").code == 0


@pytest.mark.jail
def test_bench_runner_prints_ours_beside_the_shell(tmp_path: Path) -> None:
    """A small run: every figure is there, and the share is ours over theirs."""
    done = cli(tmp_path, "bench", "runner", "--files", "50", "--jobs", "6", "--sample", "2", "--json", check=True)
    found = json.loads(done.out)
    assert found["jailed_share"] == pytest.approx(found["jailed_ms"] / found["shell_ms"])
    assert found["bare_ms"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.jail
def test_bench_jail_prints_a_jail_beside_a_bare_fork(tmp_path: Path) -> None:
    """One row a level, each with its yardstick; the certificate has every probe."""
    found = json.loads(cli(tmp_path, "bench", "jail", "--files", "5", "--jobs", "2", "--json", check=True).out)
    assert found
    for level in found:
        assert min(level["bare_ms"], level["command_ms"], level["jail_ms"]) > 0
        assert level["probes"] > 45
        assert level["certificate_seconds"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.jail
def test_documents_are_run_and_written_out(tmp_path: Path) -> None:
    """Each document of the folder becomes a task; accepted answers, all answers and the files come out by id."""
    rows = [
        {"id": "a", "repo": "one", "path": "docs/a.md", "body": f"# Keeping bees\n\n{PROSE}\n"},
        {"id": "b", "repo": "two", "path": "docs/a.md", "body": "---\ntitle: x\ntitle: y\n---\n"},
    ]
    source, into = tmp_path / "source", tmp_path / "into"
    source.mkdir()
    (source / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("--into", str(into), "--engine", "control", "--json")
    done = cli(tmp_path, "bench", "documents", str(source), *words, check=True)
    figures = json.loads(done.out)
    assert (figures["tasks"], figures["accepted"], figures["endings"]["refused"]) == (2, 1, 1)
    accepted = [json.loads(line) for line in (into / "pred.jsonl").read_text().splitlines()]
    assert [(row["id"], row["title"]) for row in accepted] == [("a", "Keeping bees")]
    assert (into / "files/two/docs/a.md").read_text() == rows[1]["body"]
    assert (into / "files/one/docs/a.md").read_text().startswith("---\ntitle: Keeping bees\n")


def judged_folder(folder: Path) -> Path:
    """Six documents of two repositories with good titles and descriptions, as `bench reviewers` takes them."""
    topics = ["bees", "boats", "bread", "bells", "birds", "bikes"]
    rows = [(f"d{n}", "one" if n % 2 else "two", f"docs/{t}.md", t) for n, t in enumerate(topics)]
    folder.mkdir()
    about = {t: f"Where to place {t} in a city: all about {t}, and why {t} matter.\n\n{PROSE}\n" for t in topics}
    docs = [{"id": i, "repo": r, "path": p, "body": about[t]} for i, r, p, t in rows]
    good = "Explains where to place {} in a city."
    truth = [{"id": i, "title": f"All about {t.title()}", "description": good.format(t.title())} for i, _, _, t in rows]
    for name, made in (("docs.jsonl", docs), ("truth.jsonl", truth)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in made))
    return folder


def test_planted_words_are_anothers_and_good_ones_the_documents_own(tmp_path: Path) -> None:
    """As many plants as good cases, half titles, half descriptions; a plant differs in that field alone and comes from
    the same repository. As many have one invented fact, and the rest of their description is the true one."""
    pages = load_pages(judged_folder(tmp_path / "f"))
    cases = make_cases(pages, 4)
    assert [case.kind for case in cases] == ["good"] * 4 + ["description", "title"] * 2 + [
        "number", "name", "negation", "entity"]  # fmt: skip
    own = {page.id: page for page in pages}
    for case in cases[4:8]:
        page, real = case.page, own[case.page.id]
        assert (page.title != real.title, page.description != real.description) == (
            case.kind == "title", case.kind == "description",
        )  # fmt: skip
        donors = [one for one in pages if page.title == one.title or page.description == one.description]
        assert {one.repo for one in donors} == {real.repo}
    for case in cases[8:]:
        page, real = case.page, own[case.page.id]
        assert page.title == real.title
        assert 1 <= len(set(page.description.split()) ^ set(real.description.split())) <= 6
    assert cases[0].page == pages[0]


def test_planting_needs_two_documents() -> None:
    """One alone has nobody to swap with."""
    with pytest.raises(PantheonError, match="at least two documents"):
        make_cases([Page("a", "r", "a.md", "x", "t", "d")], 5)


def test_bench_reviewers_stands_beside_constant_pass_and_a_coin(tmp_path: Path) -> None:
    """Without a model the checklists alone judge; the baselines are what they must be."""
    folder = judged_folder(tmp_path / "f")
    done = cli(tmp_path, "bench", "reviewers", str(folder), "-n", "6", "--engine", "control", "--json", check=True)
    rates = {row["name"]: row for row in json.loads(done.out)}
    assert list(rates) == ["review.peerA", "review.peerB", "both", "always passes", "a coin"]
    assert (rates["always passes"]["good_passed"], rates["always passes"]["planted_caught"]) == (1.0, 0.0)
    assert rates["both"]["balanced"] > rates["always passes"]["balanced"] == 0.5
    assert rates["both"]["invented_caught"] > 0.8
    for kind in ("titles_caught", "descriptions_caught", "invented_caught"):
        assert rates["both"][kind] >= rates["review.peerA"][kind]


def test_verify_is_measured_beside_fsck_and_bare_signatures(tmp_path: Path) -> None:
    """A small share of it: every job of both ledgers is verified, and the table has its yardsticks."""
    found = json.loads(cli(tmp_path, "bench", "verify", "--jobs", "20", "--json", check=True).out)
    assert (found["jobs"], found["few"]) == (20, 2)
    assert min(found["rate"], found["fsck_seconds"], found["bare_seconds"], found["memory"]) > 0
