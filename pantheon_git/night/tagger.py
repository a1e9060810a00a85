"""The tag ranker, fitted on a repository's own tagged documents, and which of them a document is like: scikit-learn
(extra `learn`). Without it the shipped weights rank, and no document has neighbours.

It runs outside the jail and reads text with bounded rules alone (`tools/frontmatter/prose.py`); the library sees words
and numbers. What comes out is data, a weight for each feature and a share for each tag, handed to the tools.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pantheon_git.tools.frontmatter import descriptions, language, prose, titles
from pantheon_git.tools.frontmatter.tags import WEIGHTS, odds
from pantheon_git.tools.frontmatter.tagwords import Counted, Features, Names, Subject, glued, offered

Pair = tuple[Features, bool]
"""A candidate's features, and whether a person gave the tag."""
STRENGTH = 0.03
"""Inverse strength of the ridge, features scaled to unit variance: chosen by cross-validation over documents."""
DIGITS = 3
"""Weights are rounded, so that another version of the library comes to the same tags."""


def fit(pairs: Sequence[Pair], start: Mapping[str, float] | None = None) -> dict[str, float]:
    """Weights for `tags.rank`. `start`: weights whose verdict is one more feature, so that few documents only correct
    them. Raises ImportError without scikit-learn; ValueError where all pairs are of one class."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    names = [name for name in WEIGHTS if name != "bias"]
    x = np.array([[odds(seen, start or {}), *(seen.get(name, 0.0) for name in names)] for seen, _ in pairs])
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale == 0] = 1.0
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    model.fit((x - mean) / scale, [hit for _, hit in pairs])
    weights = model.coef_[0] / scale
    bias = float(model.intercept_[0] - weights @ mean)
    found = {"bias": bias, **{name: float(value) for name, value in zip(names, weights[1:], strict=True)}}
    for name, value in (start or {}).items():
        found[name] += float(weights[0]) * value
    return {name: round(value, DIGITS) for name, value in found.items()}


LIKE = 8
"""Documents that count as like one."""
NEAR = 12
"""Tags that are handed on from them."""
LEARNED_FROM = 200
"""Documents that the weights are fitted on, evenly taken from all: reading one takes some 20 ms."""
FEWEST = 12
"""Documents with fewer of them the shipped weights rank."""
LONGEST = 60_000
"""Characters of a document that are read."""
TEXT = 20_000
"""Characters of a document that say what it is like."""


@dataclass(frozen=True)
class Tagged:
    path: str
    title: str
    tags: tuple[str, ...]
    body: str


def available() -> bool:
    """Whether scikit-learn is installed."""
    from importlib.util import find_spec

    return find_spec("sklearn") is not None


class Neighbours:
    """Cosine likeness of words weighted by rarity (tf-idf), among the tagged documents."""

    def __init__(self, documents: Sequence[Tagged]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.documents = documents
        self.vectors = TfidfVectorizer(sublinear_tf=True, max_features=20_000)
        self.matrix = self.vectors.fit_transform([_words(one.path, one.title, one.body) for one in documents])

    def near(self, path: str, title: str, body: str) -> dict[str, float]:
        """Tag (as `glued` makes it) → share of the likest documents that have it, weighted by likeness; the document
        itself does not count."""
        alike = (self.matrix @ self.vectors.transform([_words(path, title, body)]).T).toarray().ravel()
        order = sorted(range(len(self.documents)), key=lambda at: (-alike[at], self.documents[at].path))
        chosen = [at for at in order if self.documents[at].path != path and alike[at] > 0][:LIKE]
        total = sum(float(alike[at]) for at in chosen)
        shares: Counter[str] = Counter()
        for at in chosen:
            for tag in {glued(tag) for tag in self.documents[at].tags}:
                shares[tag] += float(alike[at]) / total  # type: ignore[assignment]
        ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
        return {tag: round(share, DIGITS) for tag, share in ranked[:NEAR]}


def _words(path: str, title: str, body: str) -> str:
    return f"{path} {title} {title} {body[:TEXT]}"


def learn(documents: Sequence[Tagged], neighbours: Neighbours) -> dict[str, Any]:
    """The ranker for this repository: weights, and what they come from. Empty with too few documents to learn from."""
    if len(documents) < FEWEST:
        return {}
    step = max(1, len(documents) // LEARNED_FROM)
    some = documents[::step][:LEARNED_FROM]
    counts = Counter(tag for one in documents for tag in one.tags)
    pairs = [pair for one in some for pair in _pairs(one, counts, neighbours)]
    if len({hit for _, hit in pairs}) < 2:
        return {}
    return {"weights": fit(pairs, WEIGHTS), "documents": len(some), "by": _library()}


def _library() -> str:
    import sklearn

    return f"scikit-learn {sklearn.__version__}"


def _pairs(one: Tagged, counts: Counter[str], neighbours: Neighbours) -> list[Pair]:
    """The document's candidates as they would be if it had no tags yet."""
    own = {glued(tag) for tag in one.tags}
    used = [(tag, float(count - (tag in one.tags))) for tag, count in counts.items() if count > (tag in one.tags)]
    near = neighbours.near(one.path, one.title, one.body)
    found = offered(subject(one), Names(in_use=used, near=near))
    return [(seen, glued(name) in own) for name, seen in found]


def subject(one: Tagged) -> Subject:
    read = prose.read(one.body)
    spoken = language.detect(read.running)
    title = one.title or next(iter(titles.candidates(read, one.path, {}, spoken)), "")
    drafts: Sequence[str] = descriptions.candidates(read, title, {}, spoken)[:4]
    return Subject(read, title, titles.slug_of(one.path), spoken, drafts)


def counted(documents: Sequence[Tagged], most: int = 400) -> list[Counted]:
    """Tags in use with how often, the commonest first."""
    counts = Counter(tag for one in documents for tag in one.tags)
    return [(tag, float(n)) for tag, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]]
