"""`bench reviewers`: planted faults beside good changes, judged by the stock reviewers as a night would ask them.

The faults are those that a night plants (`night.plants.table`), made of real documents and of what people wrote about
them, or of real commits; the good changes are what people made of them. Beside the reviewers stand one that always
passes and a coin.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pantheon_git.agent.checklists.item import Whole
from pantheon_git.agent.checklists.table import kinds_of
from pantheon_git.agent.load import FolderReader, LoadedAgent, load_from
from pantheon_git.agent.outcome import Outcome
from pantheon_git.agent.reviewer import review
from pantheon_git.agent.stock import stock_dir
from pantheon_git.agent.view import ChangeView
from pantheon_git.engines.protocol import Engine, Score
from pantheon_git.errors import PantheonError
from pantheon_git.gate.tally import kind_of
from pantheon_git.night.patch import Edit, Side, render
from pantheon_git.night.plants.draft import Elsewhere
from pantheon_git.night.plants.good import good_changes
from pantheon_git.night.plants.table import planted
from pantheon_git.night.prepare import Engines
from pantheon_git.spec.globs import escape
from pantheon_git.tools.frontmatter.document import parse
from pantheon_git.tools.frontmatter.edit import apply

GOOD = "good"
AT_ONCE = 16
_BYTES = 200_000


@dataclass(frozen=True)
class Change:
    """A change that people made."""

    id: str
    repo: str
    edits: tuple[Edit, ...]
    titles: tuple[str, ...] = ()
    """Of the documents that it is about: another document's change may be given them."""
    descriptions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A change as it is shown: good, or with a fault."""

    sort: str
    """`good`, or the sort of fault."""
    change: Change
    edits: tuple[Edit, ...]

    @property
    def bad(self) -> bool:
        return self.sort != GOOD

    @property
    def kind(self) -> str:
        views = self.views()
        return kind_of(kind.name for view in views for kind in kinds_of(view, Whole(views)))

    def views(self) -> list[ChangeView]:
        """As a reviewer is shown it; the scope is what the good change touches."""
        scope = tuple(escape(_text(edit.path)) for edit in self.change.edits)
        job = f"{self.change.id}-{self.sort}.1"
        return [_view(job, edit, scope) for edit in self.edits if edit.old != edit.new]


@dataclass(frozen=True)
class Judged:
    """What one reviewer said of one case, in parts, so that its bounds can be set anew."""

    passed: bool
    checklist: bool
    """Whether every item that no bound decides holds."""
    gains: Mapping[str, float] = field(default_factory=dict)
    """Item → nats a token."""
    least: Mapping[str, float] = field(default_factory=dict)
    """Item → its bound."""


def _view(job: str, edit: Edit, scope: tuple[str, ...]) -> ChangeView:
    old, new = (side.data if side else None for side in (edit.old, edit.new))
    return ChangeView(job, "review", _text(edit.path), old, new, render([edit]), scope=scope)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def load_documents(folder: Path, good: Path | None = None) -> list[Change]:
    """Documents of `docs.jsonl` (id, repo, path, body) with the words (title, description, tags) of `truth.jsonl`, or
    of `good`."""
    for needed in (folder / "docs.jsonl", good or folder / "truth.jsonl"):
        if not needed.is_file():
            raise PantheonError(f"{needed}: no such file", "pantheon-git bench reviewers --help")
    words = {row["id"]: row for row in _rows(good or folder / "truth.jsonl")}
    told = {name: one for name, one in words.items() if one.get("title") and one.get("description")}
    rows = [row for row in _rows(folder / "docs.jsonl") if row["id"] in told]
    return [change for row in rows for change in _documents(row, told[row["id"]])]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip())


def _documents(row: Mapping[str, Any], words: Mapping[str, Any]) -> Iterator[Change]:
    """The front matter written whole, and, as a second change, description and tags where the title was there."""
    tags = tuple(words.get("tags") or ())
    bare = str(row["body"]).encode()
    titled = apply(parse(bare), {"title": words["title"]})
    whole = {"title": words["title"], "description": words["description"], **({"tags": list(tags)} if tags else {})}
    rest = {name: value for name, value in whole.items() if name != "title"}
    path = str(row["path"]).encode()
    for suffix, old, new in (("", bare, apply(parse(bare), whole)), ("+", titled, apply(parse(titled), rest))):
        edit = Edit(path, Side(0o100644, old), Side(0o100644, new))
        yield Change(row["id"] + suffix, row["repo"], (edit,), (words["title"],), (words["description"],), tags)


def load_repositories(folder: Path, kind: str) -> list[Change]:
    """Good changes of a kind, made of the files of repositories (`night.plants.good`): `ID/before` of each sub-folder,
    or the folder itself."""
    roots = [path for path in sorted(folder.glob("*/before")) if path.is_dir()] or [folder]
    found = [change for root in roots for change in _committed(root, kind)]
    if not found:
        raise PantheonError(
            f"{folder}: no file gives a change of the kind {kind}", "pantheon-git bench reviewers --help"
        )
    return found


def _committed(root: Path, kind: str) -> Iterator[Change]:
    paths = (path for path in sorted(root.rglob("*")) if path.is_file() and path.stat().st_size <= _BYTES)
    kept = (path for path in paths if not any(part.startswith(".") for part in path.relative_to(root).parts))
    files = [(path.relative_to(root).as_posix(), path.read_bytes()) for path in kept]
    repo = root.parent.name if root.name == "before" else root.name
    titles = tuple(path.rpartition("/")[2].partition(".")[0].replace("-", " ") for path, _ in files)
    for draft in good_changes(kind, files):
        yield Change(f"{repo}/{_text(draft.edits[0].path)}", repo, draft.edits, titles)


def make_cases(changes: Sequence[Change], count: int) -> list[Case]:
    """`count` good cases and as many planted ones, at most as many as there are to be had; no chance. First changes are
    taken before second ones of a document; the sorts of fault are as even as the changes allow."""
    if len({change.id.rstrip("+") for change in changes}) < 2:
        raise PantheonError("planting needs at least two changes of different documents", "pantheon-git bench --help")
    first = [change for change in changes if not change.id.endswith("+")]
    ordered = [*_spread(first, count), *[change for change in changes if change.id.endswith("+")]]
    good = [Case(GOOD, change, change.edits) for change in ordered[:count]]
    used: Counter[str] = Counter()
    bad: dict[tuple[str, str], Case] = {}
    for turn in range(8 * count):
        change = ordered[turn % len(ordered)]
        draft = planted(good[0].kind, change.edits, _elsewhere(changes, change), turn, used)
        if draft is not None and (change.id, draft.sort) not in bad:
            used[draft.sort] += 1
            bad[change.id, draft.sort] = Case(draft.sort, change, draft.edits)
        if len(bad) == count:
            break
    return [*good, *bad.values()]


def _spread(changes: Sequence[Change], count: int) -> list[Change]:
    step = max(1, len(changes) // count)
    chosen = [changes[n * step % len(changes)] for n in range(min(count, len(changes)))]
    return list({change.id: change for change in chosen}.values())


def _elsewhere(changes: Sequence[Change], change: Change) -> Elsewhere:
    """What other documents say, those behind this one first, of the same repository before others."""
    at = changes.index(change)
    others = [one for one in (*changes[at + 1 :], *changes[:at]) if one.id.rstrip("+") != change.id.rstrip("+")]
    near = sorted(others, key=lambda one: one.repo != change.repo)
    files = [(_text(edit.path), edit.old.data) for one in near[:1] for edit in one.edits if edit.old]
    tags = dict.fromkeys(tag for one in near for tag in one.tags)
    return Elsewhere([title for one in near for title in one.titles],
                     [said for one in near for said in one.descriptions], list(tags), files)  # fmt: skip


@dataclass
class Remembering:
    """An engine that is asked the same score once: cases of one document share most of their texts."""

    inner: Engine
    known: dict[tuple[str, str], asyncio.Future[Score]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        if (prompt, text) not in self.known:
            self.known[prompt, text] = asyncio.ensure_future(self.inner.score(prompt, text, key))
        return await self.known[prompt, text]


async def judge_cases(
    cases: Sequence[Case],
    engine: str = "auto",
    model_path: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, list[Judged]]:
    """What each stock reviewer says of each case."""
    loaded = load_from(FolderReader(stock_dir()), "stock")
    agents = {name: agent for name, agent in loaded.items() if agent.agent.kind == "reviewer"}
    engines = Engines(Remembering)  # what it has not, the engine has
    try:
        for one in agents.values():
            await engines.add(one.agent, engine, model_path)
        return await _judge(cases, agents, engines, progress)
    finally:
        await engines.close()


async def _judge(
    cases: Sequence[Case], agents: Mapping[str, LoadedAgent], engines: Engines, progress: Callable[[int], None]
) -> dict[str, list[Judged]]:
    gate, done = asyncio.Semaphore(AT_ONCE), 0

    async def one(loaded: LoadedAgent, case: Case) -> Judged:
        nonlocal done
        async with gate:
            outcome = await review(loaded, case.views(), engines.engine(loaded.agent.name))
        if outcome.verdict not in ("pass", "fail"):
            raise PantheonError(f"{loaded.agent.name} on {case.change.id}: {outcome.reason}", "pantheon-git doctor")
        done += 1
        progress(done)
        return _parts(outcome)

    return {
        name: list(await asyncio.gather(*(one(loaded, case) for case in cases)))
        for name, loaded in sorted(agents.items())
    }


def _parts(outcome: Outcome) -> Judged:
    weighed = outcome.output["likelihood"]
    items = [item for path, said in outcome.output["checklist"].items() for item in said
             if item["name"] not in weighed.get(path, {})]  # fmt: skip
    numbers = {name: found for of_path in weighed.values() for name, found in of_path.items()}
    return Judged(
        outcome.verdict == "pass",
        all(item["ok"] for item in items),
        {name: found["gain"] for name, found in numbers.items()},
        {name: found["least"] for name, found in numbers.items()},
    )
