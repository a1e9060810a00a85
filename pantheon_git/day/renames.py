"""`bench rename`: other people's renames done again by nights in scratch repositories, for a scorer to read.

Cases and documents are read from where they lie and never copied into this project.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pantheon_git.day.demo import give_identity
from pantheon_git.day.queue import NewTask, make_tasks, one_task, write
from pantheon_git.day.references import scoped
from pantheon_git.day.scaffold import Choices, plan_init
from pantheon_git.errors import PantheonError
from pantheon_git.ledger import read
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.night.run import NightOptions, run_night
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from pantheon_git.spec.agent import Queue
from pantheon_git.spec.task import Goal, Scope, Task

AGENT = "doc.rename"


async def bench_cases(
    place: Path,
    folder: Path,
    into: Path,
    params: Mapping[str, Any],
    options: NightOptions,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """One night a case; `into`/CASE is the tree that it leaves to the person, the one before where no PR came of it."""
    endings: Counter[str] = Counter()
    references = left = 0
    before, started = os.times(), time.monotonic()
    cases = sorted(path.parent for path in folder.glob("*/task.json"))
    if not cases:
        raise PantheonError(f"{folder} holds no CASE/task.json", "pantheon-git bench rename --help")
    for case in cases:
        git = _repository(place / case.name, case / "before")
        renames = json.loads((case / "task.json").read_bytes())["renames"]
        wanted = [{"old": one["old"], "new": one["new"]} for one in renames]
        task = Task(
            agent=AGENT, scope=Scope(paths=("-",)), goal=Goal(summary="Rename"), params={**params, "renames": wanted}
        )
        entry = await _night(git, [one_task(case.name, ["-"], lambda _: False, task)], options)
        endings[entry[0].ending] += 1
        answer = _answer(Objects(git), entry[0])
        references += answer.get("references", 0)
        left += len(answer.get("left", ()))
        _lay_out(git, entry[0], case / "before", into / case.name)
        if entry[0].ending != "pr":
            say(f"{case.name}: {entry[0].ending}: {entry[0].summary.get('reason', '')}")
    after = os.times()
    return {
        "cases": len(cases),
        "accepted": endings["pr"],
        "endings": dict(endings),
        "references_rewritten": references,
        "references_left": left,
        "cpu_seconds_a_case": round((sum(after[:4]) - sum(before[:4])) / len(cases), 2),
        "seconds": round(time.monotonic() - started, 1),
    }


async def bench_names(place: Path, folder: Path, into: Path, options: NightOptions) -> dict[str, Any]:
    """One night over all documents of `naming.jsonl`; `into`/pred.jsonl has the name of each."""
    rows = [json.loads(line) for line in (folder / "naming.jsonl").read_text("utf-8").splitlines() if line.strip()]
    place.mkdir(parents=True)
    documents = {f"{row['id']}/{row['old']}": row for row in rows}
    for path, row in documents.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(row["text"].encode())
    git = _repository(place, None)
    task = Task(agent=AGENT, scope=Scope(paths=("-",)), goal=Goal(summary="Rename {path}"))
    taken = list(documents)
    entries = await _night(git, make_tasks(taken, lambda _: False, task, Queue(params={"path": "{path}"})), options)
    objects, said, authors = Objects(git), dict[str, str](), Counter[str]()
    for entry in entries:
        answer = _answer(objects, entry)
        for one in answer.get("renames", ()):
            said[one["old"]] = one["new"]
            authors[str(entry.summary["authorship"].get("name", "tool"))] += 1
    into.mkdir(parents=True, exist_ok=True)
    with (into / "pred.jsonl").open("w") as out:
        for path, row in documents.items():
            out.write(json.dumps({"id": row["id"], "name": Path(said.get(path, path)).name}) + "\n")
    kept = sum(old == new for old, new in said.items())
    return {"names": len(rows), "named": len(said), "kept_as_they_are": kept, "name_authors": dict(authors),
            "name_endings": dict(Counter(entry.ending for entry in entries))}  # fmt: skip


def _repository(folder: Path, source: Path | None) -> Git:
    if source is not None:
        shutil.copytree(source, folder, symlinks=True)
    git = Git(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("config", "core.autocrlf", "false")
    give_identity(folder)
    git.run("add", "--all", "--force")
    for step in plan_init(git, Choices(hook=False)):
        step.make()
    return Git.discover(folder)


async def _night(git: Git, tasks: list[NewTask], options: NightOptions) -> list[JobEntry]:
    root = git.work_tree
    assert root is not None  # noqa: S101 - made here, with a work tree
    write(root, scoped(git, root, tasks, keep=True).tasks)
    git.run("add", "--all", "--force")
    git.run("commit", "--quiet", "--message=Documents and tasks")
    result = await run_night(git, options)
    if result.night is None:
        raise PantheonError("the night had nothing to do", "pantheon-git run --dry-run")
    return list(read.jobs(git, Objects(git), result.night))


def _answer(objects: Objects, entry: JobEntry) -> dict[str, Any]:
    """What the specialist gave as its final answer; empty where it came to none."""
    for node in entry.nodes:
        if node.kind == "agent" and node.verdict == "pass":
            found: dict[str, Any] = json.loads(read.artifact(objects, node)["output.json"])["output"]
            return found
    return {}


def _lay_out(git: Git, entry: JobEntry, before: Path, into: Path) -> None:
    shutil.rmtree(into, ignore_errors=True)
    if entry.ending != "pr":
        shutil.copytree(before, into, symlinks=True)
        return
    objects = Objects(git)
    for path, blob in objects.walk(entry.tree):
        name = os.fsdecode(path)
        if not name.startswith(".pantheon/"):
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_bytes(objects.blob(blob.oid))
