"""Reviewers: read-only judges of a change, by a checklist and by how likely the model finds the words.

Small models judge far better by the probability that they give a text than by the verdict that they write. A reviewer
therefore scores one text twice, with what it should follow from and without, and asks for a gain: the mean difference
of the log-probabilities of its tokens, in nats (pointwise mutual information per token; Church and Hanks 1990). Which
text follows from which is the manifest's business (prompt.md and `settings.weighed`), so that two reviewers look at one
change from two sides.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.agent.checklists.frontmatter import quote
from pantheon_git.agent.checklists.item import Item, Page
from pantheon_git.agent.checklists.table import examine
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.outcome import Outcome, StopReason
from pantheon_git.agent.record import METRICS, Record, json_bytes
from pantheon_git.agent.view import ChangeView
from pantheon_git.engines.protocol import Engine, Score
from pantheon_git.errors import EngineError
from pantheon_git.tools.frontmatter.prose import excerpt

REVIEW = "review.json"
CONTROL = "none:control"
"""Digest of the engine that gives no probabilities; the likelihood then has no say, and the review says so."""


@dataclass
class _Review:
    loaded: LoadedAgent
    engine: Engine
    record: Record = field(default_factory=Record)
    items: dict[str, list[Item]] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    """Path → which checklists it was held against."""
    likelihood: dict[str, dict[str, Any]] = field(default_factory=dict)
    scored: dict[tuple[str, str], Score] = field(default_factory=dict)
    """What was scored already: two items may ask for the same text after the same prompt."""
    started: float = field(default_factory=time.monotonic)


async def review(loaded: LoadedAgent, change: ChangeView | Sequence[ChangeView], engine: Engine) -> Outcome:
    """Judge the change; the verdict is `pass` when every item of every path holds, else `fail`."""
    changes = (change,) if isinstance(change, ChangeView) else tuple(change)
    work = _Review(loaded, engine)
    try:
        judged = examine(changes, loaded.agent.settings)
        for one in changes:
            work.kinds[one.path] = list(judged[one.path].kinds)
            work.items[one.path] = items = list(judged[one.path].items)
            if all(item.ok for item in items):  # what fails already is not made better by being likely
                for page in judged[one.path].pages:
                    items += await _weigh(work, one, page)
    except EngineError as error:
        return _outcome(work, StopReason.ENGINE, "error", f"engine: {error.message}")
    failed = [f"{item.name}: {item.said}" for items in work.items.values() for item in items if not item.ok]
    count = sum(len(items) for items in work.items.values())
    if not count:
        return _outcome(work, StopReason.INPUT, "fail", "nothing to review")
    return _outcome(work, StopReason.FINAL, "fail" if failed else "pass", "; ".join(failed) or f"{count} items hold")


async def _weigh(work: _Review, change: ChangeView, page: Page) -> list[Item]:
    """The likelihood items: for each new field, what a text gains by what it should follow from."""
    settings = work.loaded.agent.settings
    fresh = [one for one in settings["weighed"] if one["field"] in page.fresh]
    own = [one for one in fresh if one["field"] in page.own]
    sure = [Item(one["name"], True, f"not weighed: {page.own[one['field']]}") for one in own]
    weighed = [one for one in fresh if one not in own]
    if work.engine.model.digest == CONTROL:
        return [*sure, *(Item(one["name"], True, "not weighed: a control night has no model") for one in weighed)]
    parts = {
        **page.words,
        "text": _first(excerpt(page.prose, settings["excerpt_bytes"]), settings["excerpt_bytes"]),
        "opening": _first(excerpt(page.prose, settings["opening_bytes"]), settings["opening_bytes"]),
    }
    return [*sure, *[await _item(work, change, one, parts) for one in weighed]]


async def _item(work: _Review, change: ChangeView, one: Mapping[str, Any], parts: Mapping[str, str]) -> Item:
    scored = _fill(one["scored"], parts)
    least_bytes = int(work.loaded.agent.settings.get("least_bytes", 1))
    if len(parts["text"].encode()) < least_bytes:
        return Item(one["name"], True, f"not weighed: the document has less than {least_bytes} bytes of running text")
    words = {**parts, "field": one["field"], "words": parts[one["field"]]}
    key = f"{change.job}/{change.node}/{len(work.items)}-{one['name']}"
    prompt = _fill(work.loaded.prompt + one.get("then", ""), words)
    given = await _score(work, prompt, scored, f"{key}-given")
    alone = await _score(work, one["alone"], scored, f"{key}-alone")
    gain, least = given.mean - alone.mean, float(one["min_gain"])
    numbers = {"given": given.mean, "alone": alone.mean, "gain": gain, "least": least}
    work.likelihood.setdefault(change.path, {})[one["name"]] = numbers
    said = f"{one['says']} {gain:.2f} nats a token, {least:.2f} are asked for"
    return Item(one["name"], gain >= least, said, quote(change.patch, one["field"]))


async def _score(work: _Review, prompt: str, text: str, key: str) -> Score:
    if (prompt, text) in work.scored:
        return work.scored[prompt, text]
    found = work.scored[prompt, text] = await work.engine.score(prompt, text, key)
    record = work.record
    record.turns.append(f"=== {key} · scored ===\n{prompt}\n=== {key} · text ===\n{text}\n")
    record.lines.append({"turn": key, "who": "model", "logprobs": list(found.logprobs)})
    record.count(steps=1, tokens_in=work.engine.count_tokens(prompt) + len(found.logprobs))
    record.digests = {"model": found.model_digest, "adapter": found.adapter_digest}
    return found


def _first(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8: scripts that cost a model more tokens a character get fewer characters."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def _fill(template: str, parts: Mapping[str, str]) -> str:
    """Each `{name}` replaced once, left to right; what is put in is never read as a template again."""
    done = template
    for name in parts:
        done = done.replace("{" + name + "}", f"\x00{name}\x00")
    for name, text in parts.items():
        done = done.replace(f"\x00{name}\x00", text.replace("\x00", ""))
    return done


def _outcome(work: _Review, stop: StopReason, verdict: Any, reason: str) -> Outcome:
    agent, model, digests = work.loaded.agent, work.engine.model, work.record.digests
    said = {"name": agent.name, "version": agent.version, "digest": work.loaded.digest}
    checklist = {path: [item.view() for item in items] for path, items in work.items.items()}
    written = {
        "agent": said,
        "verdict": verdict,
        "rationale": reason,
        "kinds": work.kinds,
        "checklist": checklist,
        "likelihood": work.likelihood,
        "settings": dict(agent.settings),
    }
    numbers = {name: round(value, 6) for name, value in work.record.numbers.items()}
    metrics = {**numbers, "seconds": round(time.monotonic() - work.started, 6), "engine": work.engine.name}
    signed = {
        "agent": said,
        "model": {
            "name": model.name,
            "digest": digests.get("model") or model.digest,
            "adapter": digests.get("adapter", model.adapter_digest),
        },
        "prompt_sha256": work.record.prompt_sha256,
        "limits": {},
        "likelihood": work.likelihood,
        "kinds": sorted({kind for kinds in work.kinds.values() for kind in kinds}),
    }
    files = {**work.record.files(), REVIEW: json_bytes(written), METRICS: json_bytes(metrics)}
    transient = stop is StopReason.ENGINE
    return Outcome(stop, verdict, reason[:400], written, files, metrics, {}, transient, signed)
