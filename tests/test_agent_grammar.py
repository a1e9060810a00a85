from __future__ import annotations

from typing import Any

import pytest

from pantheon_git.agent.actions import FINAL, Sources, control_answer, forced, legal_actions, parse, parse_calls
from pantheon_git.agent.grammar import constrain
from pantheon_git.spec.agent import Agent
from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import Tool


def agent(tools: dict[str, Any], **more: Any) -> Agent:
    manifest = {"schema": 1, "name": "a", "version": "1", "description": "d", "runtime": {"origin": "local"},
                "states": {"start": {"tools": dict.fromkeys(tools, "start")}}, "tools": tools}  # fmt: skip
    return Agent.model_validate(manifest | more)


WRITE: dict[str, Any] = {"bind": {"path": "task.path"}, "ask": ["description"]}
SOURCES = Sources("a.md", {"k": {"n": 1}}, {"frontmatter.inspect": {"ask": ["description"], "list": ["one", "two"]}})


def test_one_legal_action_leaves_only_its_value_to_the_model() -> None:
    """Name and key are the prefix; no white space is free, no repeat is bounded."""
    legal = legal_actions(agent({"frontmatter.write": WRITE}), "start", SOURCES)
    constraint = constrain(legal)
    assert constraint.prefix == '{"tool":"frontmatter.write","args":{"description":"'
    assert constraint.grammar.startswith('root ::= line "\\"" "}}"')
    assert "{" not in constraint.grammar.replace("}}", "")


def test_a_plain_answer_is_the_text_alone() -> None:
    """The machine makes the action of it; the control answer is of the same form."""
    use = WRITE | {"plain": True, "form": {"description": "sentence"},
                   "draft": {"description": "result.frontmatter.inspect.list"}}  # fmt: skip
    legal = legal_actions(agent({"frontmatter.write": use}), "start", SOURCES)
    constraint = constrain(legal)
    assert constraint.prefix == ""
    assert constraint.grammar.startswith("root ::= sentence\n")
    assert control_answer(legal, SOURCES) == "one"
    action = parse(constraint.whole(' He said "no". \n'), legal)
    assert not isinstance(action, str)
    assert action.args == {"description": 'He said "no".', "path": "a.md"}


def test_openings_begin_a_text() -> None:
    """One of the given texts, then the model's own."""
    use = WRITE | {"openings": {"description": ["Learn how to ", 'The "x" ']}}
    grammar = constrain(legal_actions(agent({"frontmatter.write": use}), "start", SOURCES)).grammar
    assert grammar.startswith(r'root ::= ("Learn how to " | "The \\\"x\\\" ") line')


def test_with_several_legal_actions_the_grammar_has_them_and_no_others() -> None:
    """FINAL is among them where the state is final."""
    states = {"start": {"tools": {"file.read": "start", "frontmatter.write": "start"}, "final": True}}
    made = agent({"file.read": {"bind": {"path": "task.path"}}, "frontmatter.write": WRITE}, states=states)
    constraint = constrain(legal_actions(made, "start", SOURCES))
    root = constraint.grammar.splitlines()[0]
    assert constraint.prefix == '{"tool":"'
    assert all(name in root for name in ("file.read", "frontmatter.write", "final"))
    assert "file.list" not in root


def test_values_follow_their_schema() -> None:
    """Numbers, truth values, choices and lists of texts."""
    properties = {"n": {"type": "integer"}, "ok": {"type": "boolean"}, "kind": {"enum": ["a", 'b"']},
                  "list": {"type": "array"}}  # fmt: skip
    made = agent({}, states={"start": {"final": True}}, final={"ask": list(properties)},
                 contract={"output": {"properties": properties}})  # fmt: skip
    constraint = constrain(legal_actions(made, "start", SOURCES))
    assert constraint.prefix == '{"tool":"final","args":{"n":'
    assert 'boolean ::= "true" | "false"' in constraint.grammar
    assert r'("\"a\"" | "\"b\\\"\"")' in constraint.grammar
    assert "integer ::=" in constraint.grammar


NESTED = {
    "type": "object",
    "required": ["to"],
    "properties": {
        "to": {"type": "array", "items": {"type": "integer"}},
        "how": {"type": "object", "properties": {"fast": {"type": "boolean"}, "speed": {"type": "number"}}},
        "more": {"type": "object"},
    },
}
GO = Tool("go", "Go.", NESTED, lambda workspace, arguments: {})


def test_nested_values_and_arguments_that_may_be_left_out() -> None:
    """Lists of numbers, objects with keys of their own, anything at all; what is optional comes last, in order."""
    made = agent({"go": {"ask": ["to", "how", "more"], "optional": ["how", "more"]}})
    constraint = constrain(legal_actions(made, "start", SOURCES, {"go": GO}))
    assert constraint.prefix == '{"tool":"go","args":{"to":'
    root = constraint.grammar.splitlines()[0]
    assert root.startswith(r'root ::= "[" (integer ("," integer)*)? "]" ("," "\"how\":" "{" (')
    assert r'("," "\"more\":" any)? "}}"' in root
    assert "any ::=" in constraint.grammar


def test_an_answer_may_hold_several_calls() -> None:
    """A list of calls, bound arguments filled in; an empty one ends the run where the state is final."""
    states = {"start": {"tools": {"go": "start", "file.read": "start"}, "final": True}}
    made = agent({"go": {"ask": ["to"]}, "file.read": {"bind": {"path": "task.path"}}}, states=states)
    legal = legal_actions(made, "start", SOURCES, {"go": GO, "file.read": TOOLS["file.read"]})
    constraint = constrain(legal, calls=3)
    assert constraint.prefix == "["
    assert constraint.grammar.startswith('root ::= (("{\\"tool\\":\\"go\\"')
    said = parse_calls('[{"tool":"go","args":{"to":[1]}},{"tool":"file.read","args":{}}]', legal, 3)
    assert isinstance(said, list)
    assert [(call.name, call.args) for call in said] == [("go", {"to": [1]}), ("file.read", {"path": "a.md"})]
    assert [call.name for call in parse_calls("[]", legal, 3)] == [FINAL]  # type: ignore[union-attr]
    assert "at least one" in str(parse_calls("[]", legal[:2], 3))
    assert "at most 3" in str(parse_calls('{"tool":"go","args":{}}', legal, 3))
    assert "not of type" in str(parse_calls('[{"tool":"go","args":{"to":3}}]', legal, 3))


def test_what_is_asked_depends_on_a_result() -> None:
    """`ask_when` names a list of arguments; what is not asked is bound or left out, and the call is then forced."""
    use = {"bind": {"path": "task.path", "title": "result.frontmatter.inspect.list.1"}, "ask": ["title"],
           "ask_when": "result.frontmatter.inspect.ask"}  # fmt: skip
    (legal,) = legal_actions(agent({"frontmatter.write": use}), "start", SOURCES)
    assert legal.forced
    assert legal.bound == {"path": "a.md", "title": "two"}
    asked = Sources("a.md", {}, {"frontmatter.inspect": {"ask": ["title"], "list": ["one", "two"]}})
    (legal,) = legal_actions(agent({"frontmatter.write": use}), "start", asked)
    assert list(legal.asked) == ["title"]
    assert legal.bound == {"path": "a.md"}


def test_sources_reach_params_and_leave_out_what_is_not_there() -> None:
    """A missing value is no argument at all; the tool's own schema says whether that will do."""
    use = {"bind": {"path": "task.params.k.n", "title": "task.params.none", "description": "result.other.x"}}
    action = forced(legal_actions(agent({"frontmatter.write": use}), "start", SOURCES))
    assert action is not None
    assert action.args == {"path": 1}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("[1]", "the answer must be"),
        ('{"tool":"x","args":{},"more":1}', "the answer must be"),
        ('{"tool":"file.read","args":{}}', "cannot be used now"),
        ('{"tool":"frontmatter.write","args":{"path":"/etc/passwd"}}', "does not ask for: path"),
        ('{"tool":"frontmatter.write","args":{"description":3}}', "description: 3 is not of type"),
        ('{"tool":"frontm', "not complete JSON"),
    ],
)
def test_an_answer_that_is_not_a_legal_action_says_why(said: str, why: str) -> None:
    """Also one that names a bound argument: the model cannot aim a tool at another file."""
    answer = parse(said, legal_actions(agent({"frontmatter.write": WRITE}), "start", SOURCES))
    assert isinstance(answer, str)
    assert why in answer
