from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.loop import run
from pantheon_git.agent.outcome import Outcome, StopReason
from pantheon_git.agent.record import answers_of
from pantheon_git.agent.view import TaskView
from pantheon_git.engines.protocol import Request
from pantheon_git.errors import JailError
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.task import Limits
from tests.agent_doubles import InProcessJail, ListedEngine

TEXT = """# Growing beans

Beans grow well in warm soil and climb up any pole that stands beside them in the garden.
Water the beans twice a week and pick them while they are young and tender.
"""
GOOD = "Learn how to water beans and pick them while they are young."


def agent(**changes: Any) -> LoadedAgent:
    manifest = {
        "schema": 1, "name": "doc", "version": "1", "description": "d", "runtime": {"origin": "local"},
        "states": {
            "start": {"tools": {"frontmatter.inspect": "inspected"}},
            "inspected": {"tools": {"frontmatter.write": "written"}},
            "written": {"final": True},
        },
        "tools": {
            "frontmatter.inspect": {"bind": {"path": "task.path"}},
            "frontmatter.write": {"bind": {"path": "task.path"}, "ask": ["description"],
                                  "draft": {"description": "result.frontmatter.inspect.descriptions"},
                                  "form": {"description": "sentence"},
                                  "show": {"Title": "result.frontmatter.inspect.title",
                                           "Text": "result.frontmatter.inspect.excerpt"}},
        },
        "final": {"bind": {"path": "task.path", "authorship": "result.frontmatter.write.authorship"}},
    }  # fmt: skip
    return LoadedAgent(Agent.model_validate(manifest | changes), "You write descriptions.", "sha256:abc")


def work(
    tmp_path: Path, answers: list[Any], loaded: LoadedAgent | None = None, jail: Any = None, **view: Any
) -> tuple[Outcome, ListedEngine]:
    (tmp_path / "beans.md").write_text(TEXT)
    engine = ListedEngine(answers)
    told = TaskView(**{"job": "beans.1", "node": "write", "paths": ("beans.md",), "goals": ("Describe it",), **view})
    outcome = asyncio.run(run(loaded or agent(), told, jail or InProcessJail(tmp_path), engine))
    return outcome, engine


def closed(text: str) -> str:
    """The rest of an answer whose beginning up to the text's quote was given."""
    return text + '"}}'


def test_the_model_is_asked_for_one_argument_and_everything_else_is_forced(tmp_path: Path) -> None:
    """inspect and final cost no tokens; write gets the bound path and the model's words; FINAL ends the run."""
    outcome, engine = work(tmp_path, [closed(GOOD)])
    assert outcome.stop is StopReason.FINAL
    assert outcome.verdict == "pass"
    assert outcome.authorship["description"] == "model"
    assert GOOD in (tmp_path / "beans.md").read_text()
    assert [request.key for request in engine.requests] == ["beans.1/write/2"]
    assert outcome.metrics["forced_calls"] == 1
    assert outcome.metrics["tool_calls"] == 2


def test_the_artifact_says_what_was_asked_said_and_done(tmp_path: Path) -> None:
    """Exact prompt and answer, each call with arguments, result, seconds and who; the numbers; the output."""
    outcome, engine = work(tmp_path, [closed(GOOD)])
    assert engine.requests[0].prompt in outcome.files["llm_prompt.txt"].decode()
    calls = [json.loads(line) for line in outcome.files["tool_calls.jsonl"].decode().splitlines()]
    assert [(call.get("tool"), call["who"]) for call in calls] == [
        ("frontmatter.inspect", "machine"), (None, "model"), ("frontmatter.write", "model")]  # fmt: skip
    assert calls[2]["args"] == {"path": "beans.md", "description": GOOD}
    assert answers_of(outcome.files) == {"beans.1/write/2": closed(GOOD)}
    metrics = json.loads(outcome.files["metrics.json"])
    assert metrics["stop"] == "final"
    assert metrics["tokens_out"] == 12
    assert json.loads(outcome.files["output.json"])["output"]["path"] == "beans.md"
    assert outcome.predicate()["tokens"]["out"] == 12


def test_a_control_answer_is_the_first_computed_candidate(tmp_path: Path) -> None:
    """A control night answers with what the tool computed; the gate's author is then the model, marked as copied."""
    outcome, _ = work(tmp_path, [lambda request: request.control])
    written = (tmp_path / "beans.md").read_text()
    assert outcome.stop is StopReason.FINAL
    assert outcome.authorship["description"] == "model-copied"
    assert "description:" in written


def test_an_answer_outside_the_contract_is_fed_back_and_counted(tmp_path: Path) -> None:
    """The next prompt says what was not accepted."""
    outcome, engine = work(tmp_path, ["no end", closed(GOOD)])
    assert outcome.stop is StopReason.FINAL
    assert outcome.metrics["failures"] == 1
    assert "Not accepted: the answer is not complete JSON" in engine.requests[1].prompt
    assert "Not accepted" not in engine.requests[0].prompt


@pytest.mark.parametrize(
    ("answers", "view", "stop"),
    [
        (["bad"] * 9, {}, StopReason.MAX_FAILURES),
        (["bad"] * 9, {"limits": Limits(steps=2)}, StopReason.MAX_STEPS),
        ([closed(GOOD)], {"limits": Limits(tool_calls=1)}, StopReason.MAX_TOOL_CALLS),
        (["bad bad bad", closed(GOOD)], {"limits": Limits(tokens=3)}, StopReason.TOKENS),
        ([], {}, StopReason.ENGINE),
    ],
)
def test_every_exit_has_a_stop_reason(tmp_path: Path, answers: Any, view: Any, stop: StopReason) -> None:
    """Budgets end a run in order, with the reason in the verdict's sentence and a whole artifact."""
    outcome, _ = work(tmp_path, answers, **view)
    assert outcome.stop is stop
    assert outcome.verdict == ("error" if stop is StopReason.ENGINE else "fail")
    assert outcome.reason.startswith(stop.value)
    assert {"input.json", "output.json", "metrics.json"} <= set(outcome.files)
    assert outcome.transient == (stop is StopReason.ENGINE)


def test_a_tool_that_refuses_ends_the_run_and_the_file_stays(tmp_path: Path) -> None:
    """A refusal is no failure of the model: nothing is asked, the verdict is `refused`."""
    (tmp_path / "notes.txt").write_text("plain")
    outcome, engine = work(tmp_path, [], paths=("notes.txt",))
    assert (outcome.stop, outcome.verdict) == (StopReason.REFUSED, "refused")
    assert not engine.requests
    assert (tmp_path / "notes.txt").read_text() == "plain"


def test_a_forced_call_that_fails_is_not_tried_again(tmp_path: Path) -> None:
    """The same arguments would only fail the same way."""
    outcome, _ = work(tmp_path, [], paths=("missing.md",))
    assert outcome.stop is StopReason.MAX_FAILURES
    assert outcome.metrics["tool_calls"] == 1


def test_a_dead_jail_is_an_error_of_the_machinery(tmp_path: Path) -> None:
    """It may go well the next time."""

    class DeadJail(InProcessJail):
        async def call(self, *_: Any) -> Any:
            raise JailError("gone")

    outcome, _ = work(tmp_path, [], jail=DeadJail(tmp_path))
    assert (outcome.stop, outcome.verdict, outcome.transient) == (StopReason.JAIL, "error", True)


def test_a_deadline_ends_a_tool_call_in_its_middle(tmp_path: Path) -> None:
    """The manifest's deadline holds for the whole run."""

    class SlowJail(InProcessJail):
        async def call(self, *_: Any) -> Any:
            await asyncio.sleep(5)

    loaded = agent(loop={"deadline_seconds": 0.05})
    outcome, _ = work(tmp_path, [], loaded, SlowJail(tmp_path))
    assert (outcome.stop, outcome.verdict) == (StopReason.DEADLINE, "fail")


def test_params_that_break_the_contract_stop_before_the_first_call(tmp_path: Path) -> None:
    """The input contract is checked first."""
    loaded = agent(contract={"input": {"properties": {"format": {"enum": ["yaml"]}}}})
    outcome, _ = work(tmp_path, [], loaded, params={"format": "ini"})
    assert outcome.stop is StopReason.INPUT
    assert "format" in outcome.reason


def test_several_documents_share_the_budgets(tmp_path: Path) -> None:
    """The machine runs once for each path; the output and the authors are told apart by path."""
    (tmp_path / "peas.md").write_text(TEXT.replace("eans", "eas"))
    peas = "Learn how to water beas and pick them while they are young."
    outcome, engine = work(tmp_path, [closed(GOOD), closed(peas)], paths=("beans.md", "peas.md"))
    assert outcome.stop is StopReason.FINAL
    assert set(outcome.output["documents"]) == {"beans.md", "peas.md"}
    assert outcome.authorship["peas.md:description"] == "model"
    assert len({request.key for request in engine.requests}) == 2


def test_with_several_legal_actions_the_model_names_one(tmp_path: Path) -> None:
    """FINAL is an action like any other: parsed, checked against the contract, never a magic word."""
    loaded = agent(
        states={"start": {"tools": {"frontmatter.inspect": "start"}, "final": True}},
        tools={"frontmatter.inspect": {"bind": {"path": "task.path"}}},
        final={"ask": ["said"]},
        contract={"output": {"properties": {"said": {"type": "string", "maxLength": 9}}, "required": ["said"]}},
    )
    answers = [
        'frontmatter.inspect","args":{}}',
        'final","args":{"said":"far too long"}}',
        'file.read","args":{}}',
        'final","args":{"said":"done"}}',
    ]
    outcome, engine = work(tmp_path, answers, loaded)
    assert outcome.output == {"said": "done"}
    assert outcome.metrics["failures"] == 2
    assert "is too long" in engine.requests[2].prompt
    assert "cannot be used now" in engine.requests[3].prompt


def test_the_model_sees_only_the_latest_results(tmp_path: Path) -> None:
    """keep_results bounds what is shown, however long a run lasts."""
    loaded = agent(
        loop={"keep_results": 1},
        states={"start": {"tools": {"file.read": "read"}}, "read": {"tools": {"frontmatter.inspect": "inspected"}},
                "inspected": {"tools": {"frontmatter.write": "written"}}, "written": {"final": True}},
        tools={"file.read": {"bind": {"path": "task.path"}},
               **{name: use.model_dump() for name, use in agent().agent.tools.items()}},
    )  # fmt: skip
    _, engine = work(tmp_path, [closed(GOOD)], loaded)
    assert "Title: Growing beans" in engine.requests[0].prompt
    assert "Path:" not in engine.requests[0].prompt


def test_what_does_not_fit_is_cut_by_the_rule_and_recorded(tmp_path: Path) -> None:
    """The longest piece gives way first; the numbers say how many tokens."""
    (tmp_path / "long.md").write_text("# Long\n\n" + "Some words that go on for a while here. " * 30)
    engine = ListedEngine([closed(GOOD)], context=400)
    told = TaskView("j.1", "write", ("long.md",))
    outcome = asyncio.run(run(agent(), told, InProcessJail(tmp_path), engine))
    (cut, *_) = outcome.metrics["cuts"]
    assert cut["piece"] == "frontmatter.inspect.excerpt"
    assert cut["tokens_after"] < cut["tokens_before"]
    assert cut["why"] == "context"


def test_a_shared_part_that_alone_is_too_large_stops_the_run(tmp_path: Path) -> None:
    """Never cut silently."""
    (tmp_path / "beans.md").write_text(TEXT)
    engine = ListedEngine([], context=260)
    outcome = asyncio.run(run(agent(), TaskView("j.1", "w", ("beans.md",)), InProcessJail(tmp_path), engine))
    assert outcome.stop is StopReason.CONTEXT


def test_requests_are_greedy_and_bound_by_the_grammar(tmp_path: Path) -> None:
    """The certain beginning of the answer is read, not written."""

    def seen(request: Request) -> str:
        assert request.temperature == 0.0
        assert request.prompt.endswith('{"tool":"frontmatter.write","args":{"description":"')
        assert request.grammar is not None
        return closed(GOOD)

    assert work(tmp_path, [seen])[0].stop is StopReason.FINAL


SEVERAL = {
    "loop": {"calls": 3, "max_tool_calls": 2},
    "states": {"start": {"tools": {"file.read": "read", "file.list": "start"}, "final": True}, "read": {"final": True}},
    "tools": {"file.read": {"ask": ["path"]}, "file.list": {}},
    "final": {},
}


def calls(*named: tuple[str, dict[str, Any]]) -> str:
    return json.dumps([{"tool": name, "args": args} for name, args in named])[1:]


def test_the_calls_of_one_answer_run_in_order(tmp_path: Path) -> None:
    """Each in the state where the one before left the machine; then the empty list ends the run."""
    jail = InProcessJail(tmp_path)
    said = calls(("file.list", {}), ("file.read", {"path": "beans.md"}))
    outcome, engine = work(tmp_path, [said], agent(**SEVERAL), jail)
    assert outcome.verdict == "pass"
    assert [name for name, _ in jail.calls] == ["file.list", "file.read"]
    assert len(engine.requests) == 1, "in the state that follows nothing but the end is possible"
    assert work(tmp_path, ["]"], agent(**SEVERAL))[0].verdict == "pass"


def test_calls_that_are_not_legal_after_those_before_stop_the_answer(tmp_path: Path) -> None:
    """What follows is not run; it counts as a failure. The budget of calls holds within one answer too."""
    jail = InProcessJail(tmp_path)
    said = calls(("file.read", {"path": "beans.md"}), ("file.list", {}))
    outcome, _ = work(tmp_path, [said], agent(**SEVERAL), jail)
    assert [name for name, _ in jail.calls] == ["file.read"]
    assert outcome.metrics["failures"] == 1
    three, _ = work(tmp_path, [calls(*[("file.list", {})] * 3)], agent(**SEVERAL))
    assert three.stop is StopReason.MAX_TOOL_CALLS
