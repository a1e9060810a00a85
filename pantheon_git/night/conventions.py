"""What the repository does already, learned from the base commit's own documents and handed to the tools as data.

Documents are hostile input and this runs outside the jail, so front matter is not parsed: lines are matched, sizes are
capped (`matter.py`). One pass over the documents; a job gets what is said of its own files and what all share.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pantheon_git.night import matter, schema
from pantheon_git.repo.objects import EXECUTABLE, FILE, Entry, Objects

if TYPE_CHECKING:
    from pantheon_git.night.order import Planned
    from pantheon_git.night.plan import Plan

DOCUMENTS = 5000
"""Documents that are looked at, in the order of their paths."""
TAGGED = 1000
"""Documents with tags that a document is compared with."""
LARGEST = 1_000_000
FAMILY = "frontmatter."


@dataclass(frozen=True)
class Conventions:
    shared: Mapping[str, Any] = field(default_factory=dict)
    """`tags_in_use` ([tag, count], most used first) and `ranker`."""
    schemas: Sequence[Mapping[str, Any]] = ()
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Path → `schema` (which of the schemas holds there), `near` (tags of the documents that it is like)."""

    def of(self, files: Collection[str]) -> dict[str, Any]:
        """The parameters of a job over these files, the same whatever else the night works on."""
        if not any(path.lower().endswith(matter.SUFFIXES) for path in files):
            return {}
        about = {path: dict(self.documents[path]) for path in sorted(files) if path in self.documents}
        used = sorted({one["schema"] for one in about.values() if "schema" in one})
        for one in about.values():
            if "schema" in one:
                one["schema"] = used.index(one["schema"])
        held = {"documents": about, "schemas": [dict(self.schemas[number]) for number in used]}
        return {**self.shared, **{name: value for name, value in held.items() if value}}

    @property
    def digest(self) -> str:
        """Of everything that any job is told, for the night's record."""
        told = json.dumps([self.shared, self.schemas, self.documents], sort_keys=True, ensure_ascii=False, default=dict)
        return "sha256:" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def conventions(objects: Objects, index: Mapping[str, Entry], targets: Iterable[str] = ()) -> Conventions:
    """Learn from the documents of a commit's `index`; `targets`: the files that jobs will work on."""
    paths = [path for path in sorted(index) if path.lower().endswith(matter.SUFFIXES) and _plain(index[path])]
    data = {path: objects.blob(index[path].oid) for path in paths[:DOCUMENTS]}
    wanted = [path for path in sorted(targets) if path in index and path.lower().endswith(matter.SUFFIXES)]
    bodies = {path: data.get(path) or objects.blob(index[path].oid) for path in wanted if _plain(index[path])}
    return learned(data, bodies)


def _plain(entry: Entry) -> bool:
    return entry.mode in (FILE, EXECUTABLE)


def learned(data: Mapping[str, bytes], targets: Mapping[str, bytes]) -> Conventions:
    """The same from the documents' bytes."""
    from pantheon_git.night import tagger

    read = {path: found for path, text in data.items() if (found := matter.read(text)) is not None}
    schemas, where = schema.learn(read, targets)
    about: dict[str, dict[str, Any]] = {path: {"schema": number} for path, number in where.items()}
    shared: dict[str, Any] = {}
    tagged = [
        tagger.Tagged(path, found.title, found.tags, matter.body(data[path])[: tagger.LONGEST])
        for path, found in read.items()
        if found.tags and len(data[path]) <= LARGEST
    ]
    if tagged:
        shared["tags_in_use"] = [list(pair) for pair in tagger.counted(tagged)]
    step = max(1, len(tagged) // TAGGED)
    if len(tagged) > 1 and targets and tagger.available():
        some = tagged[::step][:TAGGED]
        neighbours = tagger.Neighbours(some)
        if ranker := tagger.learn(some, neighbours):
            shared["ranker"] = ranker
        for path, text in targets.items():
            if near := neighbours.near(path, "", matter.body(text)[: tagger.LONGEST]):
                about.setdefault(path, {})["near"] = near
    return Conventions(shared, schemas, about)


def writes(plan: Plan, planned: Planned) -> bool:
    """Whether a specialist of the task's flow writes front matter: only such a job is told how the others have it."""
    used = {node.uses for node in planned.flow.flow.nodes.values()}
    return any(tool.startswith(FAMILY) for name in used & plan.agents.keys() for tool in plan.agents[name].agent.tools)


def conventions_for(objects: Objects, plan: Plan, tasks: Iterable[Planned]) -> Conventions:
    """What the jobs of these tasks are told; where none of them writes front matter, no document is read."""
    wanted = {path for planned in tasks if writes(plan, planned) for path in planned.files}
    return conventions(objects, plan.index, wanted) if wanted else Conventions()
