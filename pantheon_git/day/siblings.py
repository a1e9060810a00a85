"""`bench documents --siblings`: each document as a task among the others with people's own front matter.

The documents are dealt into parts; for each part a night runs over a repository that holds the other parts as people
left them, so that no document's own answer is anywhere in the repository that its job sees.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pantheon_git.day.documents import Document, DocumentsBench, bench_documents, make_repository
from pantheon_git.errors import PantheonError
from pantheon_git.night.events import Event
from pantheon_git.night.run import NightOptions
from pantheon_git.tools.frontmatter import yamltext
from pantheon_git.tools.frontmatter.schema import FIELDS

PARTS = 5


def load_truth(folder: Path) -> list[dict[str, Any]]:
    """The rows of `truth.jsonl`; empty where there is none."""
    file = folder / "truth.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()] if file.is_file() else []


def parts(
    documents: Sequence[Document], truth: Sequence[Mapping[str, Any]], number: int = PARTS
) -> list[tuple[list[Document], list[Document]]]:
    """(the documents to do, the others with their front matter), for each part; dealt out in the order of the paths."""
    rows = {row["id"]: row for row in truth}
    if len(documents) < number or not rows:
        raise PantheonError(
            f"--siblings needs truth.jsonl and at least {number} documents", "pantheon-git bench documents --help"
        )
    dealt = sorted(documents, key=lambda document: document.path)
    return [
        (dealt[at::number], [_answered(one, rows.get(one.id, {})) for n, one in enumerate(dealt) if n % number != at])
        for at in range(number)
    ]


def _answered(document: Document, row: Mapping[str, Any]) -> Document:
    said = []
    for name in FIELDS:
        if value := row.get(name):
            text = yamltext.say_list([str(tag) for tag in value]) if name == "tags" else yamltext.say(str(value))
            said.append(f"{name}: {text}\n")
    head = f"---\n{''.join(said)}---\n\n" if said else ""
    return replace(document, data=head.encode() + document.data)


async def bench_siblings(
    place: Path,
    dealt: Sequence[tuple[Sequence[Document], Sequence[Document]]],
    into: Path,
    options: NightOptions,
    on_event: Callable[[Event], None] = lambda event: None,
) -> DocumentsBench:
    """One night for each part, in a repository of its own below `place`; the figures are sums."""
    nights = []
    for at, (some, others) in enumerate(dealt):
        git = make_repository(place / str(at), some, others)
        nights.append(await bench_documents(git, some, into, options, on_event, more=at > 0))
    return _sum(nights)


def _sum(nights: Sequence[DocumentsBench]) -> DocumentsBench:
    def added(figures: Iterable[Mapping[str, int]]) -> dict[str, int]:
        return dict(sum(map(Counter, figures), Counter[str]()))

    fields = sorted({field for night in nights for field in night.authors})
    return DocumentsBench(
        " ".join(night.night for night in nights),
        sum(night.tasks for night in nights),
        added(night.endings for night in nights),
        added(night.stopped for night in nights),
        {field: added(night.authors.get(field, {}) for night in nights) for field in fields},
        sum(night.tokens_in for night in nights),
        sum(night.tokens_out for night in nights),
        sum(night.cpu_seconds for night in nights),
        sum(night.wall_seconds for night in nights),
    )
