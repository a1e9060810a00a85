"""What the repository does already, handed to the tools: the tags in use.

Documents are hostile input and this runs outside the jail, so nothing is parsed: lines are matched, sizes are capped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pantheon_git.repo.objects import EXECUTABLE, FILE, Entry, Objects

_DOCUMENTS = 2000
_HEAD = 4096
_SUFFIXES = (".md", ".mdx", ".markdown")
_INLINE = re.compile(r"^tags\s*[:=]\s*\[([^\]]*)\]", re.MULTILINE)
_BLOCK = re.compile(r"^tags\s*:[ \t]*\n((?:[ \t]*-[ \t]+[^\n]+\n)+)", re.MULTILINE)
_TAG = re.compile(r"[\w][\w .+#-]{0,39}")


def conventions(objects: Objects, index: Mapping[str, Entry]) -> dict[str, Any]:
    """Parameters for every job's tools: `tags_in_use`, most used first, at most 200."""
    counts: Counter[str] = Counter()
    documents = sorted(path for path in index if path.lower().endswith(_SUFFIXES))
    for path in documents[:_DOCUMENTS]:
        if index[path].mode in (FILE, EXECUTABLE):
            counts.update(tags_of(objects.blob(index[path].oid)[:_HEAD]))
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return {"tags_in_use": [tag for tag, _ in ranked[:200]]} if ranked else {}


def tags_of(head: bytes) -> set[str]:
    """The tags in a document's YAML or TOML front matter, as far as plain lines show them."""
    text = head.decode("utf-8", "ignore").lstrip("\ufeff").replace("\r\n", "\n")
    fence = text[:3]
    if fence not in ("---", "+++") or (end := text.find(f"\n{fence}", 3)) < 0:
        return set()
    matter = text[: end + 1]
    if inline := _INLINE.search(matter):
        words = inline.group(1).split(",")
    elif block := _BLOCK.search(matter):
        words = [line.strip()[1:] for line in block.group(1).splitlines()]
    else:
        return set()
    return {word for raw in words if _TAG.fullmatch(word := raw.strip().strip("\"'"))}
