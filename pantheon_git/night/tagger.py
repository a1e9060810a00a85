"""The tag ranker, fitted on documents that have tags: logistic regression by scikit-learn (extra `learn`).

It runs outside the jail and sees numbers alone: features that `tools/frontmatter/tagwords.py` computes. What comes out
is data, a weight for each feature, handed to the tools as a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pantheon_git.tools.frontmatter.tags import WEIGHTS, odds
from pantheon_git.tools.frontmatter.tagwords import Features

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
