"""Measuring the reviewers of a night: variants of its own good changes, and changes that people committed, are shown to
the same reviewers in the same way as a job's change, while the night's other jobs run.

A plant is no job: its edits stay in memory, no object of its tree is written, and what remains is a signed statement of
its own type in the night's closing (`ledger.plants`).
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pantheon_git.agent.checklists.item import Whole
from pantheon_git.agent.checklists.table import kinds_of
from pantheon_git.agent.view import ChangeView
from pantheon_git.clock import Moment
from pantheon_git.gate.tally import kind_of
from pantheon_git.ledger.records import PlantResult
from pantheon_git.ledger.statement import sha256
from pantheon_git.night import matter
from pantheon_git.night.nodes import kind_of as kind_of_node
from pantheon_git.night.order import Planned
from pantheon_git.night.patch import Edit, render
from pantheon_git.night.plants.draft import Draft, Elsewhere
from pantheon_git.night.plants.good import good_changes
from pantheon_git.night.plants.table import planted
from pantheon_git.night.room import Answer, JobState
from pantheon_git.night.work import review_edits
from pantheon_git.repo.objects import EXECUTABLE, FILE, Entry, Objects
from pantheon_git.repo.writer import Writer
from pantheon_git.spec.globs import escape
from pantheon_git.spec.policy import Plants
from pantheon_git.spec.steps import Step

_FIRST = 1001
"""Plants are numbered from here, behind every candidate of a node."""
_FILES, _BYTES = 200, 100_000
_TITLE = re.compile(rb"^(?:title\s*[:=]\s*[\"']?|#\s+)([^\"'\n]{4,100})", re.MULTILINE)
_DESCRIPTION = re.compile(rb"^description\s*[:=]\s*[\"']?([^\"'\n|>]{20,300})", re.MULTILINE)
_TEXTS = (".md", ".mdx", ".markdown", ".py", ".js", ".mjs", ".ts")


@dataclass
class Planter:
    """One night's plants. `offer` takes each accepted job; `finish` gives what came of them, signed."""

    policy: Plants
    sign: Callable[[PlantResult], str]
    elsewhere: Elsewhere
    chosen: frozenset[str] = frozenset()
    """Jobs that are planted from, if they are accepted; one that is not leaves its turn to the next."""
    lost: list[str] = field(default_factory=list)
    """Why a measurement came to nothing."""
    _spare: int = 0
    _turn: int = 0
    _running: list[asyncio.Task[list[str]]] = field(default_factory=list)
    _used: set[bytes] = field(default_factory=set)
    _sorts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(
        cls, policy: Plants, night: str, tasks: Sequence[Planned], index: Mapping[str, Entry], objects: Objects,
        sign: Callable[[PlantResult], str],
    ) -> Planter:  # fmt: skip
        """For these tasks; `index`: path → entry of the base tree."""
        count = min(policy.most, math.ceil(policy.share * len(tasks)))
        jobs = sorted((planned.job for planned in tasks), key=lambda job: sha256(f"{night} {job}".encode()))
        elsewhere = _elsewhere(night, index, objects) if count else Elsewhere()
        turn = int(sha256(night.encode())[:8], 16)
        return cls(policy, sign, elsewhere, frozenset(jobs[:count]), _turn=turn)

    def offer(self, job: JobState, accepted: bool) -> None:
        """A job has ended; its turn, and the reviewers' work, begin at once and hold nothing up."""
        mine = job.context.job in self.chosen
        if not accepted or not _reviewing(job):
            self._spare += mine
        elif mine or self._spare:
            self._spare -= not mine
            self._running.append(
                asyncio.create_task(self._measure(job, job.workspace.snapshot.edits), name=job.context.job)
            )

    async def finish(self, seconds: float | None) -> list[str]:
        """The envelopes of all plants that were judged; what takes longer than `seconds` is given up."""
        if not self._running:
            return []
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        found: list[str] = []
        for task in self._running:
            if task.cancelled():
                self.lost.append(f"{task.get_name()}: the night ended before its plants were judged")
            elif error := task.exception():  # a defect of ours costs the measurement, not the night
                self.lost.append(f"{task.get_name()}: its plants were not judged: {type(error).__name__}: {error}")
            else:
                found += task.result()
        return found

    async def _measure(self, job: JobState, edits: Sequence[Edit]) -> list[str]:
        kind, scope = _kind(job, edits), job.planned.task.scope.paths
        found = []
        bad = planted(kind, edits, self.elsewhere, self._turn, self._sorts)
        if bad is not None:
            self._sorts[bad.sort] += 1
            found.append(await self._judged(job, kind, bad, scope, 0))
        good = next((one for one in good_changes(kind, self.elsewhere.files) if self._fresh(one)), None)
        if good is not None:
            paths = tuple(escape(edit.path.decode("utf-8", "surrogateescape")) for edit in good.edits)
            found.append(await self._judged(job, _kind(job, good.edits), good, paths, 1))
        return found

    def _fresh(self, draft: Draft) -> bool:
        """Each good change is shown once a night."""
        paths = {edit.path for edit in draft.edits}
        fresh = self._used.isdisjoint(paths)
        self._used |= paths if fresh else set()
        return fresh

    async def _judged(self, job: JobState, kind: str, draft: Draft, scope: tuple[str, ...], number: int) -> str:
        began = Moment.here()
        said = [await self._review(job, step, draft, scope, _FIRST + number) for step in _reviewing(job)]
        result = PlantResult(
            night=job.context.night,
            job=job.context.job,
            base=job.context.base,
            bad=draft.bad,
            sort=draft.sort,
            kind=kind,
            says=draft.says[:300],
            tree=_tree(job, draft.edits),
            patch=render(draft.edits),
            reviews=said,
            started=began.epoch,
            seconds=began.seconds,
        )
        return self.sign(result)

    async def _review(
        self, job: JobState, step: Step, draft: Draft, scope: tuple[str, ...], number: int
    ) -> dict[str, Any]:
        loaded = job.services.plan.agents[step.spec.uses]
        try:
            async with asyncio.timeout(step.spec.timeout):
                answer = await review_edits(job, step, loaded, draft.edits, scope, number)
        except TimeoutError:
            answer = Answer("error", f"ran out of its {step.spec.timeout:g} s")
        told = {name: answer.predicate.get(name, {}) for name in ("agent", "model", "likelihood", "tokens")}
        reason = answer.reason[:300] if answer.verdict != "pass" else ""
        return {"node": step.name, "uses": step.spec.uses, "verdict": answer.verdict, "reason": reason, **told}


def _reviewing(job: JobState) -> list[Step]:
    return [step for step in job.steps if kind_of_node(job, step) == "review"]


def _kind(job: JobState, edits: Sequence[Edit]) -> str:
    views = [_view(job, edit) for edit in edits]
    whole = Whole(views)
    return kind_of(kind.name for view in views for kind in kinds_of(view, whole))


def _view(job: JobState, edit: Edit) -> ChangeView:
    old, new = (side.data if side else None for side in (edit.old, edit.new))
    return ChangeView(job.context.job, "", edit.path.decode("utf-8", "surrogateescape"), old, new, render([edit]))


def _tree(job: JobState, edits: Sequence[Edit]) -> str:
    """The oid of the tree that the change would make; its objects are dropped."""
    writer = Writer(job.services.objects)
    entries: dict[bytes, Entry | None] = {job.planned.path.encode(): None}
    for edit in edits:
        entries[edit.path] = None if edit.new is None else Entry(edit.new.mode, b"", writer.blob(edit.new.data))
    return writer.edit_tree(job.services.plan.base_tree, entries)


def _elsewhere(night: str, index: Mapping[str, Entry], objects: Objects) -> Elsewhere:
    """Some of the base's files, others each night. Plain lines are matched; what is parsed is parsed as a change is."""
    regular = (path for path, entry in index.items() if entry.mode in (FILE, EXECUTABLE))
    wanted = [path for path in regular if path.lower().endswith(_TEXTS) and not path.startswith(".")]
    chosen = sorted(wanted, key=lambda path: sha256(f"{night} {path}".encode()))[:_FILES]
    files = [(path, data) for path in chosen if len(data := objects.blob(index[path].oid)) <= _BYTES]
    documents = [data[:4096] for path, data in files if path.lower().endswith(_TEXTS[:3])]
    return Elsewhere(_all(_TITLE, documents), _all(_DESCRIPTION, documents), _tags(documents), files)


def _all(pattern: re.Pattern[bytes], documents: Sequence[bytes]) -> list[str]:
    found = (match[1].decode("utf-8", "replace").strip() for data in documents if (match := pattern.search(data)))
    return list(dict.fromkeys(text for text in found if text and "\ufffd" not in text))


def _tags(documents: Sequence[bytes]) -> list[str]:
    read = (matter.read(data) for data in documents)
    return sorted({tag for found in read if found is not None for tag in found.tags})
