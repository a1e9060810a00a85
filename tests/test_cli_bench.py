"""The benchmarks measure what they say: the recorder passes everything on and counts it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.agent.checklists.table import examine
from pantheon_git.day.bench import EngineBench, Recorder
from pantheon_git.day.demo import documents, scratch
from pantheon_git.day.reviewers import GOOD, Case, Change, load_documents, load_repositories, make_cases
from pantheon_git.engines.bench import Scored
from pantheon_git.engines.control import ControlEngine
from pantheon_git.engines.protocol import Request
from pantheon_git.errors import PantheonError
from pantheon_git.night.patch import Edit
from pantheon_git.tools.frontmatter.document import parse
from tests.cli_support import cli, git, put

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


def test_as_many_faults_as_good_changes_each_in_one_place(tmp_path: Path) -> None:
    """The sorts are even; a swapped title or description is another document's of the same repository, and everything
    else is as in the good change."""
    changes = load_documents(judged_folder(tmp_path / "f"))
    assert [change.id for change in changes[:2]] == ["d0", "d0+"]
    cases = make_cases(changes, 12)
    assert [case.bad for case in cases] == [False] * 12 + [True] * 12
    assert {case.kind for case in cases[:12]} == {"frontmatter"}
    sorts = Counter(case.sort for case in cases if case.bad)
    assert max(sorts.values()) <= 2
    assert {"swapped-title", "invented-number", "exchanged-names"} <= sorts.keys()
    own = {change.id: matter(change.edits) for change in changes}
    for case in (case for case in cases if case.sort.startswith(("swapped", "invented"))):
        now, was = matter(case.edits), own[case.change.id]
        field = case.sort.partition("-")[2] if case.sort.startswith("swapped") else "description"
        assert [name for name in was if now[name] != was[name]] == [field]
    swapped = next(case for case in cases if case.sort == "swapped-title")
    title = matter(swapped.edits)["title"]
    assert {change.repo for change in changes if title in change.titles} == {swapped.change.repo}


def matter(edits: Sequence[Edit]) -> Mapping[str, Any]:
    assert edits[0].new is not None
    return parse(edits[0].new.data).values


def test_planting_needs_two_documents() -> None:
    """One alone has nobody to swap with."""
    with pytest.raises(PantheonError, match="at least two changes"):
        make_cases([Change("a", "r", ())], 5)


def test_bench_reviewers_stands_beside_constant_pass_and_a_coin(tmp_path: Path) -> None:
    """Without a model the checklists alone judge; the baselines are what they must be, and the rule is held out."""
    folder = judged_folder(tmp_path / "f")
    words = ("-n", "12", "--engine", "control")
    found = json.loads(cli(tmp_path, "bench", "reviewers", str(folder), *words, "--json", check=True).out)
    judges = {row["name"]: row for row in found["judges"]}
    assert list(judges) == ["review.peerA", "review.peerB", "both", "always passes", "a coin"]
    assert judges["always passes"]["false_approve"][:2] == [12, 1.0]
    assert judges["always passes"]["balanced"][1] == 0.5
    assert judges["both"]["balanced"][1] > 0.8
    assert found["rule"]["required"] == ["review.peerA", "review.peerB"]
    assert 0 <= found["rule"]["accepted_but_bad"]["low"] <= found["rule"]["accepted_but_bad"]["high"] <= 1
    said = cli(tmp_path, "bench", "reviewers", str(folder), *words, check=True).out
    assert "accepted but bad, of 100 accepted" in said


def test_other_kinds_of_change_come_from_a_repositorys_files(tmp_path: Path) -> None:
    """What is committed, shown as if it were new: a test, a rename with a link to it, a source with its comment."""
    put(tmp_path / "docs/old-peas.md", "# Peas\n\nPeas need no pole.\n")
    put(tmp_path / "docs/index.md", "See [peas](old-peas.md).\n")
    for name in ("a", "b"):
        put(tmp_path / f"src/{name}.test.js", "test('adds', t => {\n  t.is(1 + 2, 3)\n})\n")
        put(tmp_path / f"src/{name}.js", "// Licence\nexport const a = 1\n")
    for kind, count in (("rename", 1), ("tests", 2), ("code", 2)):
        changes = load_repositories(tmp_path, kind)
        assert len(changes) == count
        case = Case(GOOD, changes[0], changes[0].edits)
        assert case.kind == kind
        assert all(item.ok for one in examine(case.views(), {}).values() for item in one.items)
    with pytest.raises(PantheonError, match="no file gives a change"):
        load_repositories(tmp_path / "docs", "tests")


def test_verify_is_measured_beside_fsck_and_bare_signatures(tmp_path: Path) -> None:
    """A small share of it: every job of both ledgers is verified, and the table has its yardsticks."""
    found = json.loads(cli(tmp_path, "bench", "verify", "--jobs", "20", "--json", check=True).out)
    assert (found["jobs"], found["few"]) == (20, 2)
    assert min(found["rate"], found["fsck_seconds"], found["bare_seconds"], found["memory"]) > 0
