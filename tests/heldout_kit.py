"""What the shipped weights are worth on documents that no fit has seen: `python -m tests.heldout_kit DOCS`.

No model runs. DOCS holds docs.jsonl, truth.jsonl and, by repository, tag vocabularies (`--vocabulary REPO=FILE`). The
shipped weights of the description drafts and of the tag ranker were fitted on all of these documents (`--weights`
prints them; a few are set by hand); here both are fitted anew, by ridge regression and by logistic regression, from
nothing but one part of the documents, and score the other part: half against half, and each repository by all the
others. Titles have an order of rules and no weights; the reviewers' bounds have `bench reviewers --held-out`; the
specialist's prompt was written by hand, and its no-model control is the draft itself.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pantheon_git.day.agreement import rouge_l
from pantheon_git.night import tagger
from pantheon_git.tools.frontmatter import descriptions, ground, tags, tagwords
from pantheon_git.tools.frontmatter.draft import Draft, make
from pantheon_git.tools.protocol import Workspace

Offer = tuple[str, dict[str, float]]
"""A candidate and what there is to say about it."""
FEWEST = 20
Fold = Callable[["Doc"], str]


@dataclass(frozen=True)
class Doc:
    number: int
    repo: str
    description: str
    tags: frozenset[str] | None
    lines: list[Offer]
    names: list[Offer]
    first_paragraph: str
    known: frozenset[str] = frozenset()
    """Tags in their own spelling."""


def f1(said: Sequence[str], wanted: frozenset[str]) -> float:
    same = len({plain(tag) for tag in said} & wanted)
    return 2 * same / (len(set(said)) + len(wanted)) if said or wanted else 1.0


def plain(tag: str) -> str:
    return re.sub(r"[\W_]+", "", tag.casefold())


def read(folder: Path, vocabulary: dict[str, Any]) -> list[Doc]:
    truth = {row["id"]: row for row in _rows(folder / "truth.jsonl")}
    docs = []
    for number, row in enumerate(_rows(folder / "docs.jsonl")):
        params = {"vocabulary": vocabulary[row["repo"]]} if row["repo"] in vocabulary else {}
        draft = make(Workspace(folder, params), f"{row['repo']}/{row['path']}", row["body"].encode())
        said = truth[row["id"]]
        wanted = frozenset(map(plain, said["tags"])) if "tags" in said else None
        first = descriptions.fit(draft.prose.paragraphs[0]) if draft.prose.paragraphs else ""
        known = tagwords.Names(draft.vocabulary, draft.in_use).known
        described = said.get("description") or ""
        docs.append(Doc(number, row["repo"], described, wanted, _lines(draft), _names(draft), first, known))
    return docs


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _lines(draft: Draft) -> list[Offer]:
    """The lines that pass the gate; all, where none does."""
    offered = descriptions.offered(draft.prose, draft.title, draft.doc.values, draft.language)
    taken = [one for one in offered if not ground.description_faults(one[0], draft.prose, draft.language)]
    return taken or offered


def _names(draft: Draft) -> list[Offer]:
    return tagwords.offered(draft.subject, tagwords.Names(draft.vocabulary, draft.in_use))


def score(weights: dict[str, float], seen: dict[str, float]) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in seen.items())


def best_line(doc: Doc, weights: dict[str, float]) -> str:
    return max(doc.lines, key=lambda one: score(weights, one[1]))[0] if doc.lines else ""


def best_tags(doc: Doc, weights: dict[str, float]) -> list[str]:
    return tags.chosen(tags.ranked(doc.names, doc.known, weights))


def fit_lines(docs: Sequence[Doc]) -> dict[str, float]:
    """Ridge regression: what a line's features say about its ROUGE-L, each document's mean taken off."""
    rows, wanted = [], []
    for doc in docs:
        got = np.array([rouge_l(line, doc.description) for line, _ in doc.lines])
        rows += [seen for _, seen in doc.lines]
        wanted += list(got - got.mean()) if len(got) else []
    names = sorted({name for seen in rows for name in seen})
    x = np.array([[seen.get(name, 0.0) for name in names] for seen in rows])
    solved = np.linalg.solve(x.T @ x + 5.0 * np.eye(len(names)), x.T @ np.array(wanted))
    return {name: round(float(value), 4) for name, value in zip(names, solved, strict=True)}


def fit_tags(docs: Sequence[Doc]) -> dict[str, float]:
    """Is this candidate one of the person's tags? The product's own fit, from nothing."""
    return tagger.fit([(seen, plain(name) in (doc.tags or ())) for doc in docs for name, seen in doc.names])


def measured(docs: Sequence[Doc], weights: Callable[[Doc], dict[str, float]], what: str) -> float:
    if what == "description":
        return float(np.mean([rouge_l(best_line(doc, weights(doc)), doc.description) for doc in docs]))
    return float(np.mean([f1(best_tags(doc, weights(doc)), doc.tags or frozenset()) for doc in docs]))


def held_out(
    docs: Sequence[Doc], fit: Callable[[Sequence[Doc]], dict[str, float]], fold: Fold, what: str
) -> float | None:
    """None where some fold leaves fewer than FEWEST documents to fit on."""
    others = {held: [doc for doc in docs if fold(doc) != held] for held in {fold(doc) for doc in docs}}
    if min(map(len, others.values())) < FEWEST:
        return None
    fitted = {held: fit(some) for held, some in others.items()}
    return measured(docs, lambda doc: fitted[fold(doc)], what)


def table(docs: Sequence[Doc]) -> list[tuple[str, str, float | None]]:
    """(figure, weights, value)"""
    described = [doc for doc in docs if doc.description]
    tagged = [doc for doc in docs if doc.tags is not None]
    folds: dict[str, Fold] = {"document": lambda doc: str(doc.number % 2), "repository": lambda doc: doc.repo}
    first = float(np.mean([rouge_l(doc.first_paragraph, doc.description) for doc in described]))
    found: list[tuple[str, str, float | None]] = [("description ROUGE-L", "no weights: first paragraph", first)]
    for name, some, shipped, fit, what in (
        ("description ROUGE-L", described, descriptions.WEIGHTS, fit_lines, "description"),
        ("tags F1", tagged, tags.WEIGHTS, fit_tags, "tags"),
    ):
        for said, weights in (("as shipped", shipped), ("fitted on all of them", fit(some))):
            found.append((name, said, measured(some, lambda doc, w=weights: w, what)))  # type: ignore[misc]
        found += [(name, f"held out by {by}", held_out(some, fit, fold, what)) for by, fold in folds.items()]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vocabulary", action="append", default=[], metavar="REPO=FILE")
    parser.add_argument("--weights", action="store_true", help="print the weights fitted on all documents")
    options = parser.parse_args()
    vocabulary = {repo: json.loads(Path(file).read_bytes()) for repo, _, file in
                  (item.partition("=") for item in options.vocabulary)}  # fmt: skip
    docs = read(options.folder, vocabulary)
    described, tagged = sum(bool(doc.description) for doc in docs), sum(doc.tags is not None for doc in docs)
    print(f"{len(docs)} documents, {described} with a description, {tagged} with tags")  # noqa: T201
    for figure, weights, value in table(docs):
        said = f"{value:.3f}" if value is not None else "not measurable: nearly all of them are of one repository"
        print(f"{figure:22} {weights:30} {said}")  # noqa: T201
    if options.weights:
        print(json.dumps(fit_lines([doc for doc in docs if doc.description]), indent=1))  # noqa: T201
        print(json.dumps(fit_tags([doc for doc in docs if doc.tags is not None]), indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
