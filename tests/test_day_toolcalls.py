"""`bench tools`: the loop that specialists run in, over functions that a case brings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.day.toolcalls import bench_tools, json_schema, load_cases
from pantheon_git.errors import PantheonError
from tests.agent_doubles import ListedEngine
from tests.cli_support import cli

CASE: dict[str, Any] = {
    "id": "weather-1",
    "question": [[{"role": "user", "content": "How warm is it in Oslo and in Rome, in celsius?"}]],
    "function": [
        {
            "name": "weather.now",
            "description": "The weather of a place.",
            "parameters": {
                "type": "dict",
                "required": ["place"],
                "properties": {
                    "place": {"type": "string", "description": "A town."},
                    "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
                    "days": {"type": "tuple", "items": {"type": "float"}},
                },
            },
        }
    ],
}


def calls(*args: dict[str, Any]) -> str:
    return json.dumps([{"tool": "weather.now", "args": each} for each in args])[1:]


def asked(answer: str) -> tuple[Any, list[dict[str, Any]], ListedEngine]:
    engine = ListedEngine([answer])
    figures, (row,) = asyncio.run(bench_tools([CASE], engine, lambda _: None))
    return figures, row["calls"], engine


def test_several_calls_of_one_answer_are_written_down() -> None:
    """In order, under the function's own name; the model saw the question and what it may call."""
    figures, said, engine = asked(calls({"place": "Oslo", "unit": "celsius"}, {"place": "Rome"}))
    assert said == [{"name": "weather.now", "arguments": {"place": "Oslo", "unit": "celsius"}},
                    {"name": "weather.now", "arguments": {"place": "Rome"}}]  # fmt: skip
    assert (figures.cases, figures.called, figures.declined, figures.failed) == (1, 1, 0, 0)
    prompt = engine.requests[0].prompt
    assert "How warm is it in Oslo" in prompt
    assert '- unit (one of "celsius", "kelvin", may be left out)' in prompt
    assert "array of number" in prompt


def test_no_call_at_all_is_an_answer() -> None:
    """An empty list declines; it is not a failure."""
    figures, said, _ = asked("]")
    assert (said, figures.declined, figures.failed) == ([], 1, 0)


def test_what_the_schema_does_not_allow_counts_as_no_call() -> None:
    """It is counted apart, and nothing of it is taken."""
    figures, said, _ = asked(calls({"place": "Oslo"}, {"unit": "celsius"}))
    assert (said, figures.failed) == ([], 1)


def test_schemas_of_the_leaderboard_become_json_schema() -> None:
    """Python's names of types; a parameter that is called `type` stays one; `any` is no restriction."""
    said = {"type": "dict", "properties": {"type": {"type": "any"}, "n": {"type": "float"}}}
    made = {"type": "object", "properties": {"type": {}, "n": {"type": "number"}}}
    assert json_schema(said) == made


def test_a_folder_without_cases_is_said(tmp_path: Path) -> None:
    """With the file that is missing."""
    with pytest.raises(PantheonError, match=r"cases\.jsonl: no such file"):
        load_cases(tmp_path)
    assert cli(tmp_path, "bench", "tools", str(tmp_path), "--into", str(tmp_path / "out")).code == 1
