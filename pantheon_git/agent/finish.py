"""The end of a run: who wrote what, the numbers, and the files of the artifact."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pantheon_git.agent.outcome import Outcome, Stop, StopReason
from pantheon_git.agent.record import INPUT, METRICS, OUTPUT, json_bytes
from pantheon_git.agent.run import Run

COPIED = "model-copied"


def conclude(run: Run, stop: Stop) -> Outcome:
    """The outcome of a run that stopped so."""
    authorship = {name: who for path in run.view.paths for name, who in _authors(run, path)}
    output = _output(run)
    metrics = _metrics(run, stop, authorship)
    files = {
        INPUT: json_bytes(_input(run)),
        **run.record.files(),
        OUTPUT: json_bytes({"stop": stop.reason.value, "detail": stop.detail, "output": output}),
        METRICS: json_bytes(metrics),
    }
    reason = stop.sentence if stop.reason is not StopReason.FINAL else _summary(authorship)
    signed = {"agent": _agent(run), "model": _model(run), "prompt_sha256": run.record.prompt_sha256,
              "limits": _limits(run)}  # fmt: skip
    transient = stop.reason in (StopReason.ENGINE, StopReason.JAIL)
    return Outcome(stop.reason, stop.verdict, reason, output, files, metrics, authorship, transient, signed)


def _authors(run: Run, path: str) -> Iterator[tuple[str, str]]:
    """Field → author, as the tools report it; the model's words are looked for in what it was shown."""
    many = len(run.view.paths) > 1
    for action, result in run.written.get(path, ()):
        for name, who in dict(result.get("authorship", {})).items():
            given = action.args.get(name)
            if who == "model" and isinstance(given, str):
                who = _model_or_not(run, path, given)
            yield (f"{path}:{name}" if many else name), who


def _model_or_not(run: Run, path: str, text: str) -> str:
    """`model` only for words that the model said, and that stand nowhere in the results before it said them."""
    before = run.said[path].get(text)
    if before is None:
        return "tool"
    said = _plain(text)
    seen = (text for _, result in run.seen[path][:before] for text in _texts(result))
    return COPIED if any(said in _plain(other) for other in seen) else "model"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _plain(text: str) -> str:
    words = re.sub(r"[^\w]+", " ", text.casefold()).strip()
    return f" {words} "


def _output(run: Run) -> dict[str, Any]:
    if len(run.view.paths) == 1:
        return dict(run.outputs.get(run.view.paths[0], {}))
    return {"documents": {path: dict(output) for path, output in run.outputs.items()}}


def _input(run: Run) -> dict[str, Any]:
    view = run.view
    return {"job": view.job, "node": view.node, "paths": list(view.paths), "params": dict(view.params),
            "goals": list(view.goals), "agent": _agent(run),
            **({"candidate": view.candidate} if view.candidate > 1 else {})}  # fmt: skip


def _metrics(run: Run, stop: Stop, authorship: Mapping[str, str]) -> dict[str, Any]:
    numbers = {name: round(value, 6) for name, value in run.record.numbers.items()}
    return {**numbers, "seconds": round(time.monotonic() - run.started, 6), "stop": stop.reason.value,
            "cuts": run.record.cuts, "authorship": dict(authorship), "engine": run.engine.name}  # fmt: skip


def _agent(run: Run) -> dict[str, Any]:
    return {"name": run.agent.name, "version": run.agent.version, "digest": run.loaded.digest}


def _model(run: Run) -> dict[str, Any]:
    """The model that answered; without an answer, the one that would have."""
    model = run.engine.model
    answered = run.record.digests
    return {"name": model.name, "digest": answered.get("model") or model.digest,
            "adapter": answered.get("adapter", model.adapter_digest)}  # fmt: skip


def _limits(run: Run) -> dict[str, Any]:
    return {"steps": run.max_steps, "tool_calls": run.max_tool_calls, "failures": run.max_failures,
            "seconds": run.deadline, "tokens": run.max_tokens}  # fmt: skip


def _summary(authorship: Mapping[str, str]) -> str:
    return ", ".join(f"{name} by {who}" for name, who in authorship.items()) or "done"
