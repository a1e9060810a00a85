from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pantheon_git.agent.load import FolderReader, LoadedAgent, load_from
from pantheon_git.agent.outcome import Outcome, StopReason
from pantheon_git.agent.record import answers_of
from pantheon_git.agent.reviewer import review
from pantheon_git.agent.stock import stock_dir
from pantheon_git.agent.view import ChangeView
from pantheon_git.engines import open_engine
from pantheon_git.errors import EngineError
from tests.agent_doubles import ListedEngine
from tests.test_agent_checklist import BODY, GOOD, change

PEERS = ("review.peerA", "review.peerB")
WORDED = ["title: Watering young beans", GOOD[1]]
"""A title that somebody phrased: the document has its words, and neither heading nor file name says it."""


def peer(name: str) -> LoadedAgent:
    return load_from(FolderReader(stock_dir()), "stock")[name]


def likes(prompt: str, text: str) -> Sequence[float]:
    """A model that finds a text likely where the prompt has its words, as a language model does."""
    known = set(prompt.casefold().split())
    return [-1.0 if word in known else -6.0 for word in text.casefold().split()]


def judge(name: str, seen: ChangeView | Sequence[ChangeView], engine: Any = None) -> Outcome:
    chosen: Any = ListedEngine(scores=likes) if engine is None else engine
    return asyncio.run(review(peer(name), seen, chosen))


def written(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(outcome.files["review.json"])
    return found


@pytest.mark.parametrize("name", PEERS)
def test_a_good_change_passes(name: str) -> None:
    """Every item holds, and review.json says how, with numbers and bounds."""
    outcome = judge(name, change(GOOD))
    assert (outcome.stop, outcome.verdict) == (StopReason.FINAL, "pass"), outcome.reason
    said = written(outcome)
    assert said["verdict"] == "pass"
    assert said["agent"]["name"] == name
    for numbers in said["likelihood"]["docs/beans.md"].values():
        assert numbers["gain"] == pytest.approx(numbers["given"] - numbers["alone"])
        assert numbers["gain"] >= numbers["least"]
    assert said["settings"]["weighed"] == peer(name).agent.settings["weighed"]


def test_the_two_reviewers_look_from_two_sides() -> None:
    """A asks whether the words follow from the document, B whether the document follows from the words."""
    a, b = ListedEngine(scores=likes), ListedEngine(scores=likes)
    seen: dict[str, list[tuple[str, str]]] = {}
    for name, engine in zip(PEERS, (a, b), strict=True):
        asked = seen.setdefault(name, [])
        engine.scores = lambda prompt, text, asked=asked: (asked.append((prompt, text)), likes(prompt, text))[1]  # type: ignore[misc]
        judge(name, change(WORDED), engine)
    assert {text for _, text in seen["review.peerA"]} == {f"{line}\n" for line in WORDED}
    assert all(text.startswith("Beans grow well") for _, text in seen["review.peerB"])
    assert [("Watering young beans" in prompt) for prompt, _ in seen["review.peerB"]] == [True, False, False]


@pytest.mark.parametrize("name", PEERS)
def test_a_title_that_is_the_documents_own_is_not_weighed(name: str) -> None:
    """The heading or the file's name cannot be another document's, however unlikely a model finds it: the reviewer
    computes them again and asks no likelihood. Of another document's heading it does."""
    unlikely = ListedEngine(scores=lambda prompt, text: [-5.0 + (name[-1] == "A" and "Beans" in prompt) * 2.0] * 9)
    for title in ("Growing beans", "Beans"):
        outcome = judge(name, change([f"title: {title}", GOOD[1]]), unlikely)
        items = {item["name"]: item for item in written(outcome)["checklist"]["docs/beans.md"]}
        weighed = items["title-follows" if name == "review.peerA" else "opening-from-title"]
        assert weighed["ok"]
        assert weighed["said"].startswith("not weighed: the title is what the document's own headings")
        assert items["title-grounded"]["ok"]
    other = written(judge(name, change(WORDED), unlikely))["likelihood"]["docs/beans.md"]
    assert any("title" in item for item in other)


def test_one_text_is_scored_once() -> None:
    """Both items of B ask for the opening without any words before it: three scores, not four."""
    outcome = judge("review.peerB", change(WORDED))
    assert len(outcome.files["tool_calls.jsonl"].splitlines()) == 3


@pytest.mark.parametrize("name", PEERS)
def test_words_that_gain_nothing_by_the_document_fail(name: str) -> None:
    """The deterministic items hold, the likelihood does not: the reason says by how much."""
    unlikely = ListedEngine(scores=lambda prompt, text: [-5.0 + ("Beans" not in prompt)] * 9)
    outcome = judge(name, change(WORDED), unlikely)
    assert outcome.verdict == "fail"
    assert "nats a token" in outcome.reason
    items = written(outcome)["checklist"]["docs/beans.md"]
    assert {item["name"] for item in items if not item["ok"]} <= {
        "title-follows", "description-follows", "opening-from-title", "opening-from-description"}  # fmt: skip


@pytest.mark.parametrize("name", PEERS)
def test_only_what_the_job_wrote_is_weighed(name: str) -> None:
    """The title was there before: only the description is scored."""
    outcome = judge(name, change([GOOD[0], GOOD[1]], f"---\n{GOOD[0]}\n---\n\n{BODY}"))
    (weighed,) = written(outcome)["likelihood"].values()
    assert len(weighed) == 1
    assert "description" in next(iter(weighed))


@pytest.mark.parametrize("name", PEERS)
def test_a_control_night_is_judged_by_the_checklist_alone(name: str) -> None:
    """No model, no likelihood: the item is skipped and review.json says so; a wrong title fails all the same."""
    engine = open_engine("control", model="smollm2-135m-instruct")
    good, wrong = judge(name, change(WORDED), engine), judge(name, change(["title: Rocket engines", GOOD[1]]), engine)
    assert (good.verdict, wrong.verdict) == ("pass", "fail")
    said = [item["said"] for item in written(good)["checklist"]["docs/beans.md"]]
    assert said.count("not weighed: a control night has no model") == 2
    assert written(good)["likelihood"] == {}
    assert "title-grounded" in wrong.reason


@pytest.mark.parametrize("name", PEERS)
def test_a_replay_needs_no_model_and_says_the_same(name: str) -> None:
    """Every score is recorded under its key; the replay engine gives the same verdict and the same numbers."""
    first = judge(name, change(WORDED))
    again = judge(
        name, change(WORDED), open_engine("replay", model="smollm2-135m-instruct", replay=answers_of(first.files))
    )
    assert again.verdict == first.verdict
    assert written(again)["likelihood"] == written(first)["likelihood"]


@pytest.mark.parametrize("name", PEERS)
def test_one_bad_document_of_several_fails_the_change(name: str) -> None:
    """Each path is judged by itself, under keys of its own; what its checklist stops is not weighed."""
    bad = replace(change(["title: Rocket engines", GOOD[1]]), path="docs/other.md")
    outcome = judge(name, (change(WORDED), bad))
    assert outcome.verdict == "fail"
    assert set(written(outcome)["checklist"]) == {"docs/beans.md", "docs/other.md"}
    keys = [json.loads(line)["turn"] for line in outcome.files["tool_calls.jsonl"].splitlines()]
    assert len(set(keys)) == len(keys) == (4 if name == "review.peerA" else 3)


@pytest.mark.parametrize("name", PEERS)
def test_a_document_without_running_text_is_not_weighed(name: str) -> None:
    """There is nothing that the words could follow from; the item says so and the checklist decides."""
    body = "# Growing beans\n"
    outcome = judge(name, change([GOOD[0]], body, body))
    assert outcome.verdict == "pass"
    assert written(outcome)["likelihood"] == {}


@pytest.mark.parametrize("name", PEERS)
def test_what_a_document_says_is_never_read_as_a_template(name: str) -> None:
    """A body or title with `{title}` in it stands in the prompt as it is."""
    seen = change(["title: Growing {description} beans", GOOD[1]], BODY + "\nUse {title} here.\n",
                  BODY + "\nUse {title} here.\n")  # fmt: skip
    prompts = judge(name, seen).files["llm_prompt.txt"].decode()
    assert "Growing {description} beans" in prompts
    assert "Growing Learn how" not in prompts


def test_a_long_document_costs_no_more_than_a_short_one() -> None:
    """The excerpt is bounded in bytes, so that scripts with many tokens a character are bounded too."""
    longest: list[int]
    beans = "豆は暖かい土でよく育ち、庭の棒に登ります。"
    for said, body in (("Beans grow", "Beans grow. " * 900), ("豆は暖かい土", beans * 200)):
        engine, longest = ListedEngine(), []
        engine.scores = lambda prompt, text, kept=longest: (kept.append(len(prompt.encode())), [-1.0])[1]  # type: ignore[misc]
        judge("review.peerA", change([f"title: {said}", f"description: {said}"], body, body), engine)
        assert max(longest) < 1200


@pytest.mark.parametrize("name", PEERS)
def test_a_broken_engine_is_an_error_and_not_a_verdict(name: str) -> None:
    """The job may be tried again: the machinery failed, not the work."""

    def broken(prompt: str, text: str) -> Sequence[float]:
        raise EngineError("the pipeline died")

    outcome = judge(name, change(GOOD), ListedEngine(scores=broken))
    assert (outcome.stop, outcome.verdict, outcome.transient) == (StopReason.ENGINE, "error", True)


@pytest.mark.parametrize("name", PEERS)
def test_nothing_to_review_is_no_pass(name: str) -> None:
    """An empty change never slips through."""
    assert judge(name, ()).verdict == "fail"
