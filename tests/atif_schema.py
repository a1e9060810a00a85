"""ATIF v1.7 as a JSON Schema, and the rules that a schema cannot say.

Written from RFC 0001 of the Harbor project, its tables of fields and its list of changes up to v1.7:
https://github.com/harbor-framework/harbor/blob/main/rfcs/0001-trajectory-format.md
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

TEXT, NUMBER, WHOLE, ANY = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}, {"type": "object"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
AGENT_ONLY = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_REF = _object(trajectory_id=TEXT, session_id=TEXT, trajectory_path=TEXT, extra=ANY)
_REF["anyOf"] = [{"required": ["trajectory_id"]}, {"required": ["trajectory_path"]}]
_RESULT = _object(source_call_id=TEXT, content=TEXT, subagent_trajectory_ref=_list(_REF), extra=ANY)
_CALL = _object(
    ("tool_call_id", "function_name", "arguments"), tool_call_id=TEXT, function_name=TEXT, arguments=ANY, extra=ANY
)
_METRICS = _object(
    prompt_tokens=WHOLE, completion_tokens=WHOLE, cached_tokens=WHOLE, cost_usd=NUMBER, prompt_token_ids=_list(WHOLE),
    completion_token_ids=_list(WHOLE), logprobs=_list(NUMBER), extra=ANY,
)  # fmt: skip
_STEP = _object(
    ("step_id", "source", "message"), step_id={"type": "integer", "minimum": 1}, timestamp=TIME,
    source={"enum": ["system", "user", "agent"]}, model_name=TEXT, reasoning_effort={"type": ["string", "number"]},
    message=TEXT, reasoning_content=TEXT, tool_calls=_list(_CALL),
    observation=_object(("results",), results=_list(_RESULT)), metrics=_METRICS, llm_call_count=WHOLE,
    is_copied_context={"type": "boolean"}, extra=ANY,
)  # fmt: skip
_STEP["if"] = {"properties": {"source": {"enum": ["system", "user"]}}}
_STEP["then"] = {"properties": dict.fromkeys(AGENT_ONLY, False)}
_FINAL = _object(
    total_prompt_tokens=WHOLE, total_completion_tokens=WHOLE, total_cached_tokens=WHOLE, total_cost_usd=NUMBER,
    total_steps=WHOLE, extra=ANY,
)  # fmt: skip
_AGENT = _object(("name", "version"), name=TEXT, version=TEXT, model_name=TEXT, tool_definitions=_list(ANY), extra=ANY)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        ("schema_version", "agent", "steps"), schema_version={"const": "ATIF-v1.7"}, session_id=TEXT,
        trajectory_id=TEXT, agent=_AGENT, steps={**_list(_STEP), "minItems": 1}, notes=TEXT, final_metrics=_FINAL,
        continued_trajectory_ref=TEXT, extra=ANY, subagent_trajectories=_list({"$ref": "#"}),
    ),
}  # fmt: skip


def faults(document: dict[str, Any]) -> list[str]:
    """What is wrong with a trajectory; empty when it is valid ATIF v1.7."""
    found = [
        f"{'.'.join(map(str, e.absolute_path))}: {e.message}"
        for e in Draft202012Validator(SCHEMA).iter_errors(document)
    ]
    return found or _beyond_the_schema(document)


def _beyond_the_schema(document: dict[str, Any]) -> list[str]:
    found = []
    children = document.get("subagent_trajectories", [])
    ids = [child.get("trajectory_id") for child in children]
    if None in ids or len(set(ids)) != len(ids):
        found.append("embedded trajectories need a trajectory_id of their own")
    for number, step in enumerate(document["steps"], 1):
        where = f"step {number}"
        if step["step_id"] != number:
            found.append(f"{where}: step_id {step['step_id']} is not sequential")
        if step.get("llm_call_count") == 0 and ("metrics" in step or "reasoning_content" in step):
            found.append(f"{where}: no model was called, so there can be no metrics")
        calls = {call["tool_call_id"] for call in step.get("tool_calls", ())}
        for result in step.get("observation", {}).get("results", ()):
            if result.get("source_call_id", next(iter(calls), None)) not in calls:
                found.append(f"{where}: {result['source_call_id']} is no call of this step")
            refs = [ref.get("trajectory_id") for ref in result.get("subagent_trajectory_ref", ())]
            found += [f"{where}: {ref} is not embedded" for ref in refs if ref not in ids]
    return found + [fault for child in children for fault in _beyond_the_schema(child)]
