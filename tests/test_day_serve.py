"""The embedded engine as an OpenAI-compatible server: for this machine alone, with a schema as a grammar."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.day.endpoint import RefusedError, ask, endpoint
from pantheon_git.day.serve import Server, Service
from pantheon_git.day.shape import grammar
from pantheon_git.errors import PantheonError
from tests.openai_kit import RulesEngine, serving

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[RulesEngine, str]]:
    engine = RulesEngine(answer="hello")
    with serving(engine) as url:
        yield engine, url


def test_a_completion_has_the_shape_that_clients_expect(served: tuple[RulesEngine, str]) -> None:
    """Models, one choice, usage; sampling and stops reach the engine, a schema as its grammar."""
    engine, url = served
    where = endpoint(url)
    assert [one["id"] for one in ask(where, "/models")["data"]] == ["rules-1"]
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["a", 1]}}}
    body = {"model": "any", "messages": MESSAGES, "max_tokens": 9, "temperature": 0.5, "seed": 3, "stop": "END"}
    answer = ask(where, "/chat/completions", {**body, "response_format": shape})
    assert answer["choices"] == [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
    ]
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]
    request = engine.asked[-1]
    assert request.prompt == "<system>Be brief.\n<user>Say hello."
    assert (request.max_tokens, request.temperature, request.seed, request.stop) == (9, 0.5, 3, ("END",))
    assert str(request.grammar).startswith('root ::= ("\\"a\\"" | "1")\nstring ::=')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": []}, "messages: a list"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0: role"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0: role"),
        ({"messages": MESSAGES, "stream": True}, "stream: answers come whole"),
        ({"messages": MESSAGES, "response_format": {"type": "json_object"}}, "response_format: 'json_object'"),
        ({"messages": MESSAGES, "response_format": {"type": "json_schema"}}, "KeyError"),
        (["no object"], "AttributeError"),
    ],
)
def test_a_request_that_is_none_is_answered_400(served: tuple[RulesEngine, str], body: Any, said: str) -> None:
    """With what is wrong with it; the server goes on."""
    with pytest.raises(RefusedError) as caught:
        ask(endpoint(served[1]), "/chat/completions", body)
    assert (caught.value.status, said in caught.value.message) == (400, True), caught.value.message


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.org"}, {"Host": "evil.example.org"}, {"Host": "127.0.0.1.example.org:80"}]
)
def test_a_page_in_a_browser_is_not_answered(served: tuple[RulesEngine, str], headers: dict[str, str]) -> None:
    """Neither across origins nor through a name that was pointed at this machine."""
    host = served[1].removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("POST", "/v1/chat/completions", json.dumps({"messages": MESSAGES}), headers)
    assert connection.getresponse().status == 404
    connection.close()


def test_other_paths_and_too_much(served: tuple[RulesEngine, str]) -> None:
    """Are refused without being read."""
    with pytest.raises(RefusedError, match="404"):
        ask(endpoint(served[1]), "/embeddings", {"x": 1})
    host = served[1].removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("POST", "/v1/chat/completions", headers={"Content-Length": str(10**9)})
    assert connection.getresponse().status == 413
    connection.close()


def test_only_this_machine_is_served(tmp_path: Path) -> None:
    """A Unix socket that its owner alone may open, gone afterwards; a taken port is one error; no other address."""
    with serving(RulesEngine(answer="x"), f"unix:{tmp_path}/s") as url:
        assert (tmp_path / "s").stat().st_mode & 0o077 == 0
        assert ask(endpoint(url), "/models")["object"] == "list"
        service = Service(RulesEngine())
        with pytest.raises(PantheonError, match=r"already in use"):
            Server(endpoint(url), service)
        with pytest.raises(PantheonError, match="only a loopback address"):
            Server(endpoint("https://api.example.org/v1", cloud=True), service)
        service.close()
    assert not (tmp_path / "s").exists()


def test_a_schema_as_a_grammar() -> None:
    """Objects with their keys in order, lists, choices; what cannot be said is named."""
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}},
                                               "b": {"enum": ["x", "y"]}}}  # fmt: skip
    root = grammar(schema).split("\n")[0]
    assert " ".join(root.split()) == (
        r'root ::= "{" "\"a\":" "[" (integer ("," integer)*)? "]" "," "\"b\":" ("\"x\"" | "\"y\"") "}"'
    )
    with pytest.raises(ValueError, match=r"schema.a\[\]: \['anyOf'\] is not supported"):
        grammar({"type": "object", "properties": {"a": {"type": "array", "items": {"anyOf": []}}}})
