"""The schema that a repository's front matter follows already, folder by folder, learned from its own documents.

What comes out is plain data for the tools (`tools/frontmatter/schema.py` reads it): which keys, in which order, how
values and lists are written, and which missing keys have a value that the path or the title gives.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pantheon_git.night.matter import Line, Matter
from pantheon_git.tools.frontmatter.schema import FIELDS, is_claim, places, title_case

FEWEST = 5
"""Documents with front matter from which a folder counts as having a habit; with fewer the folder above speaks."""
NEARLY_ALL = 0.8
"""Share of a folder's documents that have a key before it is added to another: nobody asked for these keys, so only a
habit with few exceptions is taken up."""
SURE = 0.9
"""Share of a key's values that follow one pattern before the pattern may write one."""
HARDLY_ANY = 0.1
"""Title, description and tags were asked for: they are left out only where at least CLEAR documents show that hardly
any has them."""
CLEAR = 10
TEMPLATE = 3
"""Documents of one folder that must say their title (or description) in the same words around their own name, and half
of the folder must."""

Documents = Mapping[str, Matter]


def learn(documents: Documents, targets: Iterable[str]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """(schemas, target's path → index of the schema that holds there). Targets without one are left out."""
    within = _by_folder(documents)
    siblings: dict[str, dict[str, Matter]] = defaultdict(dict)
    for path, matter in documents.items():
        siblings[str(PurePosixPath(path).parent)][path] = matter
    schemas: list[dict[str, Any]] = []
    known: dict[tuple[str, str], int] = {}
    found: dict[str, int] = {}
    for target in targets:
        here = str(PurePosixPath(target).parent)
        folder = next((f for f in _upwards(target) if len(within.get(f, ())) >= FEWEST), None)
        if folder is None:
            continue
        if (folder, here) not in known:
            known[folder, here] = len(schemas)
            clear = next((f for f in _upwards(target) if len(within.get(f, ())) >= CLEAR), folder)
            own, wide = ({path: documents[path] for path in within[name]} for name in (folder, clear))
            schemas.append({**of(own, siblings.get(here, {}), folder), **_clear(own, wide)})
        found[target] = known[folder, here]
    return schemas, found


def _by_folder(documents: Documents) -> dict[str, list[str]]:
    """Folder → the documents anywhere below it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in documents:
        for folder in _upwards(path):
            found[folder].append(path)
    return found


def _upwards(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents]


def of(documents: Documents, siblings: Documents, folder: str) -> dict[str, Any]:
    """The schema of one set of documents; `siblings`: those in the very folder of the document to be written."""
    total = len(documents)
    having: dict[str, dict[str, Line]] = defaultdict(dict)
    for path, matter in documents.items():
        for key, line in matter.keys.items():
            having[key][path] = line
    shares = {key: len(lines) / total for key, lines in having.items()}
    used = {key for key, share in shares.items() if share >= NEARLY_ALL or (key in FIELDS and share > HARDLY_ANY)}
    found: dict[str, Any] = {
        "folder": folder,
        "documents": total,
        "format": _most(matter.kind for matter in documents.values()),
        "order": _order([list(matter.keys) for matter in documents.values()], used),
        "shares": {key: round(shares[key], 2) for key in sorted(used)},
        "quote": {key: _most(line.quote for line in having[key].values() if line.value) for key in sorted(used)
                  if any(line.value for line in having[key].values())},
        "fill": _fills(having, documents, {key for key in used if key not in FIELDS}),
        "case": title_case([matter.title for matter in documents.values()]),
        "templates": _templates(siblings),
    }  # fmt: skip
    lists = [line for line in having.get("tags", {}).values() if line.shape in ("flow", "block")]
    if lists:
        found["lists"] = _most(line.shape for line in lists)
        found["indent"] = max((line.indent for line in lists if line.shape == "block"), default=0)
        counts = sorted(len(line.items) for line in lists)
        found["tags"] = [max(1, counts[len(counts) // 10]), max(1, counts[-1 - len(counts) // 10])]
    return found


def _most(values: Iterable[str]) -> str:
    """The commonest; of equals the first by name."""
    return min(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))[0]


def _order(orders: Sequence[Sequence[str]], used: set[str]) -> list[str]:
    """Keys by how often each stands before another (Copeland's rule), ties by name."""
    wins: Counter[tuple[str, str]] = Counter()
    for keys in orders:
        kept = [key for key in keys if key in used]
        wins.update((a, b) for at, a in enumerate(kept) for b in kept[at + 1 :])
    beaten = {key: sum(wins[key, other] > wins[other, key] for other in used) for key in used}
    return sorted(used, key=lambda key: (-beaten[key], key))


def _fills(having: Mapping[str, Mapping[str, Line]], documents: Documents, keys: set[str]) -> dict[str, str]:
    """Key → pattern that gives its value: a constant, the title, or a part of the path."""
    found = {}
    for key in sorted(keys):
        lines = {path: line for path, line in having[key].items() if line.shape == "scalar" and line.value}
        if len(lines) < max(FEWEST, SURE * len(having[key])):
            continue
        seen: Counter[str] = Counter()
        for path, line in lines.items():
            seen.update(set(_patterns(line.value, path, documents[path].title)))
        for pattern, number in sorted(seen.items(), key=lambda pair: (-pair[1], "{" in pair[0], pair[0])):
            if number >= SURE * len(lines) and not ("{" not in pattern and is_claim(key, pattern)):
                found[key] = pattern
                break
    return found


def _patterns(value: str, path: str, title: str) -> Iterable[str]:
    """What could have given this value; `fill` of each gives it back."""
    if "{" not in value:
        yield value
    if title and value == title:
        yield "{title}"
    for name, part in places(path).items():
        if len(part) > 2 and value.count(part) == 1 and "{" not in value:
            yield value.replace(part, f"{{{name}}}")


def _clear(own: Documents, wide: Documents) -> dict[str, Any]:
    """What takes CLEAR documents to tell, said by the folder above (`wide`) where the folder has fewer: the fields that
    it does without, whether descriptions may say “Learn how to …”, and whether they end with a stop."""
    if len(wide) < CLEAR:
        return {"unused": []}
    held = {key for matter in own.values() for key in matter.keys} if len(own) < CLEAR else set()
    counts = totals(wide)
    few = [key for key in FIELDS if key not in held and counts.get(key, 0) < HARDLY_ANY * len(wide)]
    said = [one.keys["description"].value for one in wide.values() if "description" in one.keys]
    habits = {"learn": [text.startswith("Learn ") for text in said], "stop": [text[-1:] in ".!?。" for text in said]}
    told = {name: len(said) < CLEAR or sum(seen) >= HARDLY_ANY * len(said) for name, seen in habits.items()}
    return {"unused": few, **told}


def _templates(siblings: Documents) -> dict[str, str]:
    """Field → the words that the folder's documents have around their own name: `{} & Boats`."""
    found: dict[str, str] = {}
    for key in ("title", "description"):
        values = {path: matter.keys[key].value for path, matter in siblings.items() if key in matter.keys}
        named = sum(value == places(path)["stem"] for path, value in values.items())
        if key == "title" and named >= TEMPLATE and named >= NEARLY_ALL * len(values):
            found[key] = "{stem}"
            continue
        seen = Counter(made for path, value in values.items() if (made := _around(value, path)))
        for template, number in seen.most_common(1):
            if number >= TEMPLATE and 2 * number >= len(values) and template != "{}":
                found[key] = template
    return found


def _around(value: str, path: str) -> str:
    """The value with the document's own name taken out; empty where it does not say it just once."""
    words = [word for word in re.split(r"[-_ .]+", places(path)["stem"]) if word]
    if not words or "{" in value:
        return ""
    name = re.compile(r"(?<!\w)" + r"[ ._-]?".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)
    return name.sub("{}", value) if len(name.findall(value)) == 1 else ""


def totals(documents: Documents) -> dict[str, int]:
    """Key → how many documents have it, the commonest first."""
    seen: Counter[str] = Counter(key for matter in documents.values() for key in matter.keys)
    return dict(sorted(seen.items(), key=lambda pair: (-pair[1], pair[0])))
