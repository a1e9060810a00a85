"""A job as a trajectory for other tools: ATIF, the Agent Trajectory Interchange Format of the Harbor project, v1.7
(RFC 0001, https://github.com/harbor-framework/harbor/blob/main/rfcs/0001-trajectory-format.md).

The job is one document. Its own steps are the flow's: for each node one `agent` step without a model
(`llm_call_count` 0) that calls the node and observes its verdict. What an agent's node did is an embedded trajectory of
its own: each prompt is a `user` step, each answer of the model an `agent` step with its tokens, each call of a tool
stands with the answer that it came from, or alone where the machine was forced to it. The ledger keeps the time of a
node and not of a turn, so only the job's own steps have a timestamp.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pantheon_git import __version__
from pantheon_git.agent.record import CALLS, PROMPTS
from pantheon_git.ledger.entries import JobEntry, NodeEntry

SCHEMA_VERSION = "ATIF-v1.7"
Json = dict[str, Any]
Files = Mapping[str, bytes]
_INPUT = "input.json"


def trajectory(entry: JobEntry, artifacts: Mapping[str, Files]) -> Json:
    """The job's document. `artifacts`: node's name → its artifact's files."""
    embedded = {node.name: list(_of_node(node, artifacts[node.name])) for node in entry.nodes}
    nodes = [_node_step(number, node, embedded[node.name]) for number, node in enumerate(entry.nodes, 2)]
    tokens = entry.summary.get("tokens", {})
    metrics = {"total_prompt_tokens": _whole(tokens, "in"), "total_completion_tokens": _whole(tokens, "out"),
               "total_steps": len(nodes) + 1}  # fmt: skip
    agent: Json = {"name": "pantheon-git", "version": __version__, "extra": {"flow": entry.context.flow}}
    extra = {"ending": entry.ending, "reason": entry.reason, "stopped_at": entry.stopped_at, "base": entry.context.base,
             "commit": entry.commit, "signed_by": entry.key_id, "statement_sha256": entry.sha256}  # fmt: skip
    asked = _asked(artifacts) or [entry.title]
    return {
        "schema_version": SCHEMA_VERSION,
        "session_id": f"{entry.night}/{entry.job}",
        "trajectory_id": entry.job,
        "agent": agent,
        "steps": [_step(1, "user", "\n".join(asked), timestamp=_time(entry.started)), *nodes],
        "final_metrics": _present(metrics),
        "extra": extra,
        "subagent_trajectories": [one for found in embedded.values() for one in found],
    }


def node_trajectory(entry: JobEntry, name: str, files: Files) -> Json:
    """The document of one node that an agent ran, by itself. `files`: of its artifact. Empty for a check."""
    return next(_of_node(entry.node(name), files), {})


def _node_step(number: int, node: NodeEntry, embedded: list[Json]) -> Json:
    """The flow's call of one node; `tool_call_id` is the node's name, which is unique in its job."""
    result: Json = {"source_call_id": node.name, "content": f"{node.verdict}: {node.reason}"}
    if embedded:
        result["subagent_trajectory_ref"] = [{"trajectory_id": one["trajectory_id"]} for one in embedded]
    extra = {"kind": node.kind, "verdict": node.verdict, "seconds": node.seconds, "tries": node.tries,
             "signed_by": node.key_id, "artifact_tree": node.artifact_tree}  # fmt: skip
    call = {"tool_call_id": node.name, "function_name": node.uses, "arguments": {"node": node.name}}
    return _step(number, "agent", "", timestamp=_time(node.started), tool_calls=[call],
                 observation={"results": [result]}, llm_call_count=0, extra=extra)  # fmt: skip


def _of_node(node: NodeEntry, files: Files) -> Iterator[Json]:
    """The trajectory of the node's agent, first the chosen candidate's, then those of the others."""
    if "agent" not in node.details:
        return
    chosen = node.details.get("best_of", {}).get("chosen", 1)
    yield _document(node, files, node.name, {"candidate": chosen} if "best_of" in node.details else {})
    for one in node.details.get("best_of", {}).get("candidates", ()):
        prefix = f"candidate-{one['number']}-"
        own = {name.removeprefix(prefix): data for name, data in files.items() if name.startswith(prefix)}
        if one["number"] != chosen and _INPUT in own:
            yield _document(node, own, f"{node.name}+{one['number']}", {"candidate": one["number"], "chosen": False})


def _document(node: NodeEntry, files: Files, name: str, extra: Json) -> Json:
    details = node.details
    who, model = details["agent"], details.get("model", {})
    turns = _Turns(files)
    steps = turns.steps()
    numbers = json.loads(files["metrics.json"]) if "metrics.json" in files else {}
    metrics = {"total_prompt_tokens": _whole(numbers, "tokens_in"),
               "total_completion_tokens": _whole(numbers, "tokens_out"), "total_steps": len(steps)}  # fmt: skip
    agent = {"name": who["name"], "version": str(who["version"]), "model_name": model.get("name"),
             "extra": {"digest": who["digest"], "model_digest": model.get("digest"),
                       "adapter_digest": model.get("adapter")}}  # fmt: skip
    said = {"verdict": node.verdict, "reason": node.reason, "authorship": details.get("authorship")}
    return {
        "schema_version": SCHEMA_VERSION,
        "session_id": f"{node.predicate['night']}/{node.predicate['job']}",
        "trajectory_id": f"{node.predicate['job']}:{name}",
        "agent": _present(agent),
        "steps": steps,
        "final_metrics": _present(metrics),
        "extra": _present({**said, **extra}),
        **({"notes": turns.note} if turns.note else {}),
    }


@dataclass
class _Turns:
    """The lines of tool_calls.jsonl as steps; prompts come from llm_prompt.txt, by the lengths that the lines give."""

    files: Files
    made: list[Json] = field(default_factory=list)
    note: str = ""
    _at: int = 0

    def steps(self) -> list[Json]:
        goals = json.loads(self.files[_INPUT]).get("goals", ()) if _INPUT in self.files else ()
        self._add("user", "\n".join(goals))
        for line in self.files.get(CALLS, b"").decode().splitlines():
            said = json.loads(line)
            if "answer" in said:
                self._answer(said)
            elif "logprobs" in said:
                self._score(said)
            elif "tool" in said:
                self._tool(said)
            elif "rejected" in said:
                self._add("system", f"not accepted: {said['rejected']}")
        return self.made

    def _add(self, source: str, message: str, **more: Any) -> Json:
        self.made.append(_step(len(self.made) + 1, source, message, **more))
        return self.made[-1]

    def _answer(self, said: Json) -> None:
        self._add("user", self._prompt(said), extra={"turn": said["turn"], "state": said["state"]})
        metrics = {"prompt_tokens": said.get("tokens_in"), "completion_tokens": said.get("tokens_out")}
        self._add("agent", said["answer"], llm_call_count=1, metrics=_present(metrics),
                  extra={"turn": said["turn"], "finish": said["finish"]})  # fmt: skip

    def _score(self, said: Json) -> None:
        """A text that the model gave probabilities to; it wrote nothing, so they are no `metrics.logprobs`."""
        whole = self.files.get(PROMPTS, b"").decode("utf-8", "replace")
        after = whole.partition(f"=== {said['turn']} · scored ===\n")[2]
        self._add("user", after.partition(f"\n=== {said['turn']} · text ===\n")[0], extra={"turn": said["turn"]})
        self._add("agent", "", llm_call_count=1, metrics={"extra": {"scored_logprobs": said["logprobs"]}},
                  extra={"turn": said["turn"]})  # fmt: skip

    def _tool(self, said: Json) -> None:
        """A call stands in the step of the answer that it came from; a forced one is a step without a model."""
        call_id = f"call-{sum('tool_calls' in step for step in self.made) + 1}"
        call = {"tool_call_id": call_id, "function_name": said["tool"], "arguments": said["args"],
                "extra": {"forced": said["forced"], "asked": said["asked"]}}  # fmt: skip
        result = {"source_call_id": call_id, "content": json.dumps(said["result"], ensure_ascii=False),
                  "extra": {"ok": said["ok"], "seconds": said["seconds"]}}  # fmt: skip
        last = self.made[-1]
        if said["forced"] or last["source"] != "agent" or "tool_calls" in last:
            last = self._add("agent", "", llm_call_count=0)
        last |= {"tool_calls": [call], "observation": {"results": [result]}}

    def _prompt(self, said: Json) -> str:
        """The prompt of an answer; empty, with a note, where the file does not hold what the line says (redacted)."""
        text = self.files.get(PROMPTS, b"").decode("utf-8", "replace")
        head, length = f"=== {said['turn']} · state {said['state']} · ", said.get("prompt_chars")
        start = text.find("\n", self._at) + 1
        if length is not None and text.startswith(head, self._at):
            tail = f"\n=== {said['turn']} · answer · "
            if text.startswith(tail, start + length):
                self._at = text.find("\n", start + length + 1) + 1 + len(said["answer"]) + 1
                return text[start : start + length]
        self._at = len(text)
        self.note = f"{PROMPTS} does not hold every prompt at the place where it was recorded; these are left out"
        return ""


def _asked(artifacts: Mapping[str, Files]) -> list[str]:
    """The goals, as the job's first agent got them."""
    found = (json.loads(files[_INPUT]).get("goals", ()) for files in artifacts.values() if _INPUT in files)
    return list(next(found, ()))


def _step(number: int, source: str, message: str, **more: Any) -> Json:
    return {"step_id": number, "source": source, "message": message, **_present(more)}


def _present(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _whole(values: Mapping[str, Any], name: str) -> int | None:
    return int(values[name]) if name in values else None


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
