"""`bench reviewers`: planted wrong titles and descriptions beside good ones, judged by the stock reviewers.

A plant is another document's title or description, of the same repository where there is one: what a mixed-up job would
write. Beside the reviewers stand one that always passes and a coin; who does not beat both has no say worth having.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pantheon_git.agent.load import FolderReader, LoadedAgent, load_from
from pantheon_git.agent.reviewer import review
from pantheon_git.agent.stock import stock_dir
from pantheon_git.agent.view import ChangeView
from pantheon_git.errors import PantheonError
from pantheon_git.night.prepare import Engines
from pantheon_git.spec.globs import escape

Kind = Literal["good", "title", "description"]
"""`good`, or which field was planted."""
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
class Rates:
    """How one judge did. Shares are of the cases of that kind."""

    name: str
    good_passed: float
    planted_caught: float
    titles_caught: float
    descriptions_caught: float

    @property
    def balanced(self) -> float:
        """Mean of the two rates: 0.5 for whoever does not look."""
        return (self.good_passed + self.planted_caught) / 2


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
    """`count` good cases and as many planted ones, every second one a title; spread over the documents, no chance."""
    if len(pages) < 2:
        raise PantheonError("planting needs at least two documents with title and description")
    step = max(1, len(pages) // count)
    chosen = [pages[n * step % len(pages)] for n in range(min(count, len(pages)))]
    cases = [Case("good", page) for page in chosen]
    for number, page in enumerate(chosen):
        kind: Kind = "title" if number % 2 else "description"
        cases.append(Case(kind, _planted(page, kind, _other(pages, page))))
    return cases


def _other(pages: Sequence[Page], page: Page) -> Page:
    """The next document that has other words, of the same repository first."""
    start = pages.index(page)
    after = [*pages[start + 1 :], *pages[:start]]
    others = [one for one in after if one.title != page.title and one.description != page.description]
    return next((one for one in others if one.repo == page.repo), others[0])


def _planted(page: Page, kind: Kind, other: Page) -> Page:
    title = other.title if kind == "title" else page.title
    description = other.description if kind == "description" else page.description
    return Page(page.id, page.repo, page.path, page.body, title, description)


async def bench_reviewers(
    cases: Sequence[Case],
    engine: str = "auto",
    model_path: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Rates]:
    """Rates of each stock reviewer, of both together (one no is a no), of constant-pass and of a coin."""
    agents = {
        name: a for name, a in load_from(FolderReader(stock_dir()), "stock").items() if a.agent.kind == "reviewer"
    }
    engines = Engines()
    try:
        for loaded in agents.values():
            await engines.add(loaded.agent, engine, model_path)
        said = await _judge(cases, agents, engines, progress)
    finally:
        await engines.close()
    said["both"] = [all(answers) for answers in zip(*said.values(), strict=True)]
    said["always passes"] = [True] * len(cases)
    coin = random.Random(0)  # noqa: S311 - a baseline that is the same every time, no secret
    said["a coin"] = [coin.random() < 0.5 for _ in cases]
    return [_rates(name, cases, passed) for name, passed in said.items()]


async def _judge(
    cases: Sequence[Case], agents: Mapping[str, LoadedAgent], engines: Engines, progress: Callable[[int], None]
) -> dict[str, list[bool]]:
    """Reviewer → whether it passed each case."""
    gate, done = asyncio.Semaphore(AT_ONCE), 0

    async def one(loaded: LoadedAgent, case: Case) -> bool:
        nonlocal done
        async with gate:
            outcome = await review(loaded, case.view(), engines.engine(loaded.agent.name))
        if outcome.verdict not in ("pass", "fail"):
            raise PantheonError(f"{loaded.agent.name} on {case.page.id}: {outcome.reason}", "pantheon-git doctor")
        done += 1
        progress(done)
        return outcome.verdict == "pass"

    return {
        name: list(await asyncio.gather(*(one(loaded, case) for case in cases)))
        for name, loaded in sorted(agents.items())
    }


def _rates(name: str, cases: Sequence[Case], passed: Sequence[bool]) -> Rates:
    def share(kinds: set[Kind], wanted: bool) -> float:
        found = [ok is wanted for case, ok in zip(cases, passed, strict=True) if case.kind in kinds]
        return sum(found) / len(found) if found else 0.0

    return Rates(
        name,
        share({"good"}, True),
        share({"title", "description"}, False),
        share({"title"}, False),
        share({"description"}, False),
    )
