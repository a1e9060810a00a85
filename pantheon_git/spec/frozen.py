"""The frozen queue: what a person signed for the night, as JSON lines (`queue.jsonl` in `refs/pantheon/frozen/NAME`).

The first line is about the whole: `schema` (1), `frozen` (its name), `target` (full name of the branch), `commit` (the
queue is that commit's), `policy` (oid of the policy's blob, or null), `count` (of the lines that follow). Each further
line is one job: `job` (`ID.N`), `revision` (oid of the task file's blob), `flows` (name → oid; several where the router
is to choose among them), `agents` (name → digest), `task` (the file's content, for readers; `revision` is what binds).
Every line is written in one way only: keys sorted, no spaces.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class FrozenJob:
    """One job that may run."""

    job: str
    """`ID.N`: task and attempt. It runs once; another attempt must be frozen anew."""
    revision: str
    flows: Mapping[str, str]
    agents: Mapping[str, str]
    task: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.job.rpartition(".")[0]

    def allows(self, revision: str, flow: str, flow_oid: str) -> bool:
        """Whether this is the very task and flow that was frozen."""
        return (self.revision, self.flows.get(flow)) == (revision, flow_oid)


@dataclass(frozen=True)
class FrozenQueue:
    frozen: str
    """Its name: when it was frozen, in UTC, as nights are named."""
    target: str
    commit: str
    policy: str | None
    jobs: tuple[FrozenJob, ...]

    def job(self, name: str) -> FrozenJob | None:
        return next((one for one in self.jobs if one.job == name), None)

    def of_task(self, id_: str) -> FrozenJob | None:
        return next((one for one in self.jobs if one.id == id_), None)

    def to_bytes(self) -> bytes:
        head = {name: value for name, value in asdict(self).items() if name != "jobs"}
        lines: list[dict[str, Any]] = [{**head, "schema": 1, "count": len(self.jobs)}]
        return b"".join(_line(one) for one in [*lines, *(asdict(job) for job in self.jobs)])


def parse(data: bytes) -> FrozenQueue:
    """Inverse of `FrozenQueue.to_bytes`. ValueError where a byte is not as that writes it."""
    try:
        head, *lines = [json.loads(line) for line in data.splitlines()]
        named = {name: head[name] for name in ("frozen", "target", "commit", "policy")}
        queue = FrozenQueue(**named, jobs=tuple(FrozenJob(**line) for line in lines))
        same = queue.to_bytes() == data
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"not a frozen queue that can be read: {error!r}") from error
    if not same:
        raise ValueError("the frozen queue is not written as it was signed")
    return queue


def _line(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"
