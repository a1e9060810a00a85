"""`bench reviewers`: planted wrong titles, descriptions and facts beside good ones, judged by the stock reviewers.

A plant is another document's title or description, of the same repository where there is one: what a mixed-up job would
write; or a true description with one invented fact (`plants.py`), reported apart. Beside the reviewers stand one that
always passes and a coin; who does not beat both has no say worth having.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pantheon_git.agent.load import FolderReader, LoadedAgent, load_from
from pantheon_git.agent.outcome import Outcome
from pantheon_git.agent.reviewer import review
from pantheon_git.agent.stock import stock_dir
from pantheon_git.agent.view import ChangeView
from pantheon_git.errors import PantheonError
from pantheon_git.night.plants.inventions import INVENTIONS, invent
from pantheon_git.night.prepare import Engines
from pantheon_git.spec.globs import escape

Kind = Literal["good", "title", "description", "number", "name", "negation", "entity"]
"""`good`; or which field is another document's; or which fact of the description is invented."""
SWAPS: frozenset[Kind] = frozenset({"title", "description"})
INVENTED: frozenset[Kind] = frozenset({"number", "name", "negation", "entity"})
AT_ONCE = 16


@dataclass(frozen=True)
class Page:
    id: str
    repo: str
    path: str
    body: str
    title: str
    description: str


@dataclass(frozen=True)
class Case:
    kind: Kind
    page: Page
    """With the planted field in it."""

    def view(self) -> ChangeView:
        """The change as a reviewer is shown it: the front matter is new."""
        page = self.page
        lines = [f"title: {json.dumps(page.title, ensure_ascii=False)}",
                 f"description: {json.dumps(page.description, ensure_ascii=False)}"]  # fmt: skip
        matter = "\n".join(["---", *lines, "---", "", ""])
        patch = "".join(f"+{line}\n" for line in matter.splitlines())
        job = f"{page.id}-{self.kind}.1"
        return ChangeView(job, "review", page.path, page.body.encode(), (matter + page.body).encode(), patch.encode(),
                          scope=(escape(page.path),))  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """What one reviewer said of one case, in parts, so that its bounds can be set anew."""

    passed: bool
    checklist: bool
    """Whether every item that no bound decides holds."""
    gains: Mapping[str, float]
    """Item → nats a token."""
    least: Mapping[str, float]
    """Item → its bound."""


def load_pages(folder: Path, good: Path | None = None) -> list[Page]:
    """Documents of `docs.jsonl` (id, repo, path, body) with title and description of `truth.jsonl`, or of `good`."""
    for needed in (folder / "docs.jsonl", good or folder / "truth.jsonl"):
        if not needed.is_file():
            raise PantheonError(f"{needed}: no such file", "pantheon-git bench reviewers --help")
    words = {row["id"]: row for row in _rows(good or folder / "truth.jsonl")}
    return [
        Page(
            row["id"], row["repo"], row["path"], row["body"], words[row["id"]]["title"], words[row["id"]]["description"]
        )
        for row in _rows(folder / "docs.jsonl")
        if row["id"] in words and all(words[row["id"]].get(name) for name in ("title", "description"))
    ]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip())


def make_cases(pages: Sequence[Page], count: int) -> list[Case]:
    """`count` good cases, as many with another document's words (every second one a title), and as many with one
    invented fact (the four kinds in turn); spread over the documents, no chance."""
    if len(pages) < 2:
        raise PantheonError("planting needs at least two documents with title and description")
    step = max(1, len(pages) // count)
    chosen = [pages[n * step % len(pages)] for n in range(min(count, len(pages)))]
    cases = [Case("good", page) for page in chosen]
    for number, page in enumerate(chosen):
        kind: Kind = "title" if number % 2 else "description"
        cases.append(Case(kind, _planted(page, kind, _other(pages, page))))
    invented = (_invented(pages, page, number) for number, page in enumerate(chosen))
    return [*cases, *(case for case in invented if case is not None)]


def _invented(pages: Sequence[Page], page: Page, number: int) -> Case | None:
    """The page with one invented fact, of the first kind from `number` on that can be had of its description."""
    others = [text for one in _after(pages, page) for text in (one.title, one.description)]
    for turn in range(len(INVENTIONS)):
        kind: Any = INVENTIONS[(number + turn) % len(INVENTIONS)]
        said = invent(kind, page.description, page.body, others)
        if said and said != page.description:
            return Case(kind, replace(page, description=said))
    return None


def _after(pages: Sequence[Page], page: Page) -> list[Page]:
    start = pages.index(page)
    return [*pages[start + 1 :], *pages[:start]]


def _other(pages: Sequence[Page], page: Page) -> Page:
    """The next document that has other words, of the same repository first."""
    others = [one for one in _after(pages, page) if one.title != page.title and one.description != page.description]
    return next((one for one in others if one.repo == page.repo), others[0])


def _planted(page: Page, kind: Kind, other: Page) -> Page:
    return replace(page, title=other.title) if kind == "title" else replace(page, description=other.description)


async def judge_cases(
    cases: Sequence[Case],
    engine: str = "auto",
    model_path: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, list[Judged]]:
    """What each stock reviewer says of each case."""
    agents = {
        name: a for name, a in load_from(FolderReader(stock_dir()), "stock").items() if a.agent.kind == "reviewer"
    }
    engines = Engines()
    try:
        for loaded in agents.values():
            await engines.add(loaded.agent, engine, model_path)
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
            outcome = await review(loaded, case.view(), engines.engine(loaded.agent.name))
        if outcome.verdict not in ("pass", "fail"):
            raise PantheonError(f"{loaded.agent.name} on {case.page.id}: {outcome.reason}", "pantheon-git doctor")
        done += 1
        progress(done)
        return _parts(outcome, case.page.path)

    return {
        name: list(await asyncio.gather(*(one(loaded, case) for case in cases)))
        for name, loaded in sorted(agents.items())
    }


def _parts(outcome: Outcome, path: str) -> Judged:
    weighed = outcome.output["likelihood"].get(path, {})
    items = [item for item in outcome.output["checklist"][path] if item["name"] not in weighed]
    return Judged(
        outcome.verdict == "pass",
        all(item["ok"] for item in items),
        {name: numbers["gain"] for name, numbers in weighed.items()},
        {name: numbers["least"] for name, numbers in weighed.items()},
    )
