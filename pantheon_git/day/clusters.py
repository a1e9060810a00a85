"""Work that is alike, in groups: nearest neighbours over the shape of files, by scikit-learn (extra `learn`).

Not rapidfuzz, which is a tenth of the size: it compares texts, two at a time, and likeness of work is in what a file
is made of (headings, lists, imports, definitions, its folder), counted. The extra is the one that tags are learned
with.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from pantheon_git.day.findings import Finding

INSTALL = "pip install 'pantheon-git[learn]'"
RADIUS = 0.5
"""Cosine distance within which two files are alike."""
MOST = 5000
"""Findings of one specialist that are compared, every one with every other: some fifteen seconds."""
_CHARS = 16 * 1024
"""Of a file that are looked at."""
_FEATURES = 2**16
_LINE = re.compile(r"^([ \t]*)([A-Za-z_@]+|[^\sA-Za-z_]+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+)$", re.MULTILINE)


def known() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("sklearn") is not None


def clusters(found: Sequence[Finding]) -> list[list[Finding]]:
    """Groups of findings of one specialist that are alike, the largest first; without the extra, or of more than MOST,
    those of one folder.

    Each group is a star: the file with the most unassigned neighbours, and these. Chains of neighbours do not grow into
    one group, and the same findings give the same groups.
    """
    found = sorted(found, key=lambda one: one.path)
    if not known() or not 3 <= len(found) <= MOST:
        return _by_folder(found)
    near = _neighbours(found)
    groups, left = [], set(range(len(found)))
    while left:
        centre = max(sorted(left), key=lambda at: len(near[at] & left))
        members = sorted((near[centre] & left) | {centre}, key=lambda at: (at != centre, found[at].path))
        groups.append([found[at] for at in members])
        left -= set(members)
    return groups


def _by_folder(found: Sequence[Finding]) -> list[list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for one in found:
        groups.setdefault(str(PurePosixPath(one.path).parent), []).append(one)
    return sorted(groups.values(), key=lambda group: -len(group))


def _neighbours(found: Sequence[Finding]) -> list[set[int]]:
    """For each finding those within the radius, itself too."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.neighbors import NearestNeighbors

    turned = HashingVectorizer(analyzer=_shape, n_features=_FEATURES, alternate_sign=False, norm="l2")
    vectors = turned.transform(found)
    nearest = NearestNeighbors(radius=RADIUS, metric="cosine", algorithm="brute").fit(vectors)
    return [set(map(int, near)) for near in nearest.radius_neighbors(vectors, return_distance=False)]


def _shape(one: Finding) -> Iterator[str]:
    """What the file is made of, as words to be counted: folders, suffix, kinds of lines, words of its headings."""
    path = PurePosixPath(one.path)
    yield from (f"in {folder}" for folder in path.parents if folder.name for _ in range(2))
    yield f"suffix {path.suffix}"
    text = one.text[:_CHARS]
    seen: dict[str, int] = {}
    for indent, first in _LINE.findall(text):
        kind = f"{'in' if indent else ''} {first if len(first) < 12 and not first[0].isupper() else 'word'}"
        seen[kind] = seen.get(kind, 0) + 1
    for kind, number in seen.items():
        yield from (f"line {kind}" for _ in range(min(number.bit_length(), 4)))  # as often as it doubles
    for heading in _HEADING.findall(text):
        yield from (f"heading {word.casefold()}" for word in re.findall(r"\w{3,}", heading))
