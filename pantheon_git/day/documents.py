"""`bench documents`: a night over other people's documents, and what came of each, for a scorer to read.

The folder holds either `docs.jsonl` (one `{"id", "repo", "path", "body"}` a line) or `files/`. Documents are read from
where they lie and never copied into this project.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pantheon_git.day.demo import give_identity
from pantheon_git.day.queue import make_tasks, write
from pantheon_git.day.scaffold import Choices, plan_init
from pantheon_git.errors import PantheonError
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.night.events import Event
from pantheon_git.night.run import NightOptions, NightResult, run_night
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.task import Goal, Scope, Task


@dataclass(frozen=True)
class Document:
    id: str
    path: str
    """In the scratch repository."""
    data: bytes
    params: Mapping[str, Any]


@dataclass(frozen=True)
class DocumentsBench:
    """CPU seconds are of the whole night, jails and engine included, loading the model too."""

    night: str
    tasks: int
    endings: Mapping[str, int]
    stopped: Mapping[str, int]
    """Node → how many jobs it stopped."""
    authors: Mapping[str, Mapping[str, int]]
    """Field → who wrote it in accepted PRs → how often."""
    tokens_in: int
    tokens_out: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def accepted(self) -> int:
        return self.endings.get("pr", 0)

    @property
    def shares(self) -> dict[str, dict[str, float]]:
        """Field → author → share of the accepted documents in which the field was this author's."""
        return {
            field: {author: number / sum(of.values()) for author, number in sorted(of.items())}
            for field, of in sorted(self.authors.items())
        }

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "accepted": self.accepted,
            "shares": self.shares,
            "cpu_seconds_a_task": self.cpu_seconds / self.tasks,
        }


def load_documents(folder: Path, params: Mapping[str, Any], vocabularies: Mapping[str, Path]) -> list[Document]:
    """The documents of `folder`. `vocabularies`: repo (as `docs.jsonl` names it) → JSON list of tags."""
    vocabulary = {repo: json.loads(path.read_bytes()) for repo, path in vocabularies.items()}
    if (folder / "docs.jsonl").is_file():
        lines = (folder / "docs.jsonl").read_text("utf-8").splitlines()
        return [
            Document(
                row["id"],
                f"{row['repo']}/{row['path']}",
                row["body"].encode(),
                {**params, **({"vocabulary": vocabulary[row["repo"]]} if row["repo"] in vocabulary else {})},
            )
            for row in map(json.loads, filter(str.strip, lines))
        ]
    if (folder / "files").is_dir():
        return [
            Document(path.name, path.name, path.read_bytes(), params) for path in sorted((folder / "files").iterdir())
        ]
    raise PantheonError(f"{folder} has neither docs.jsonl nor files/", "pantheon-git bench documents --help")


def make_repository(folder: Path, documents: Sequence[Document], given: Sequence[Document] = ()) -> Git:
    """A repository of the documents, with a committed task for each, and of those `given`, without."""
    folder.mkdir(parents=True)
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("config", "core.autocrlf", "false")
    give_identity(folder)
    for document in (*documents, *given):
        target = folder / document.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(document.data)
    for step in plan_init(git, Choices(hook=False)):
        step.make()
    goal = Goal(summary="Write the front matter of {path}")
    for document in documents:
        task = Task(agent="doc.frontmatter", scope=Scope(paths=("-",)), goal=goal, params=dict(document.params))
        write(
            folder, make_tasks([document.path], lambda name: (folder / f".pantheon/queue/{name}.toml").exists(), task)
        )
    git.run("add", "--all", "--force")
    git.run("commit", "--quiet", "--message=Documents and tasks")
    return Git.discover(folder)


async def bench_documents(
    git: Git,
    documents: Sequence[Document],
    into: Path,
    options: NightOptions,
    on_event: Callable[[Event], None] = lambda event: None,
    *,
    more: bool = False,
) -> DocumentsBench:
    """Run the night and write into `into`: `pred.jsonl` (accepted PRs), `written.jsonl` (what the specialist wrote,
    accepted or not) and `files/` (every document as the night leaves it to the person). `more`: behind what an earlier
    night wrote there."""
    before, started = os.times(), time.monotonic()
    result = await run_night(git, options, on_event)
    wall, after = time.monotonic() - started, os.times()
    if result.night is None:
        raise PantheonError("the night had nothing to do", "pantheon-git run --dry-run")
    objects = Objects(git)
    entries = list(read.jobs(git, objects, result.night))
    ids = {document.path: document.id for document in documents}
    _write_predictions(into, objects, entries, ids, "a" if more else "w")
    _write_files(into / "files", objects, entries, documents)
    return _figures(result, entries, sum(after[:4]) - sum(before[:4]), wall)


def _write_predictions(
    into: Path, objects: Objects, entries: Sequence[JobEntry], ids: Mapping[str, str], mode: str
) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with (into / "pred.jsonl").open(mode) as accepted, (into / "written.jsonl").open(mode) as written:
        for entry, answer in _answers(objects, entries):
            row = json.dumps({"id": ids[answer["path"]], **answer["written"]}) + "\n"
            written.write(row)
            if entry.ending == "pr":
                accepted.write(row)


def _answers(objects: Objects, entries: Sequence[JobEntry]) -> Iterator[tuple[JobEntry, dict[str, Any]]]:
    """What each job's specialist gave as its final answer, where it came to one."""
    for entry in entries:
        for node in entry.nodes:
            if node.kind == "agent" and node.verdict == "pass":
                yield entry, json.loads(read.artifact(objects, node)["output.json"])["output"]


def _write_files(folder: Path, objects: Objects, entries: Sequence[JobEntry], documents: Sequence[Document]) -> None:
    accepted = {}
    for entry in entries:
        if entry.ending == "pr" and entry.commit is not None:
            accepted.update(dict.fromkeys(entry.summary["diffstat"]["paths"], entry.tree))
    for document in documents:
        data = document.data
        if tree := accepted.get(document.path):
            found = objects.find(tree, document.path.encode())
            data = objects.blob(found.oid) if found is not None else b""
        target = folder / document.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _figures(result: NightResult, entries: Sequence[JobEntry], cpu: float, wall: float) -> DocumentsBench:
    stopped: dict[str, int] = {}
    authors: dict[str, dict[str, int]] = {}
    for entry in entries:
        if entry.stopped_at:
            stopped[entry.stopped_at] = stopped.get(entry.stopped_at, 0) + 1
        if entry.ending == "pr":
            for field, author in entry.summary["authorship"].items():
                of = authors.setdefault(field, {})
                of[str(author)] = of.get(str(author), 0) + 1
    tokens = {part: sum(int(entry.summary["tokens"].get(part, 0)) for entry in entries) for part in ("in", "out")}
    assert result.night is not None  # noqa: S101 - the caller has checked it
    return DocumentsBench(
        result.night, len(entries), result.endings, stopped, authors, tokens["in"], tokens["out"], cpu, wall
    )
