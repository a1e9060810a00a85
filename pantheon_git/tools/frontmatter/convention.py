"""The tags that this repository already uses: read from the front matter of its documents, within fixed bounds."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

MAX_FILES = 400
MAX_HEAD = 4_096

_HEAD = re.compile(r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)^\1[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_FLOW = re.compile(r"^tags[ \t]*[:=][ \t]*\[([^\]]*)\]", re.MULTILINE)
_BLOCK = re.compile(r"^tags[ \t]*:[ \t]*\r?\n((?:[ \t]*-[ \t]+[^\n]*\n)+)", re.MULTILINE)


def tags_in_use(root: Path, suffixes: tuple[str, ...]) -> list[tuple[str, float]]:
    """(tag, number of documents), commonest first; of the first MAX_FILES documents in path order."""
    counts: Counter[str] = Counter()
    seen = 0
    for base, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in ("node_modules", "vendor"))
        for name in sorted(files):
            if name.lower().endswith(suffixes):
                counts.update(set(_tags_of(Path(base, name))))
                seen += 1
        if seen >= MAX_FILES:
            break
    return [(tag, float(number)) for tag, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]


def _tags_of(path: Path) -> list[str]:
    if path.is_symlink() or not path.is_file():
        return []
    try:
        with path.open("rb") as file:
            text = file.read(MAX_HEAD).decode("utf-8", "replace")
    except OSError:
        return []  # not readable for us: it has no say in the conventions
    head = _HEAD.match(text)
    if head is None:
        return []
    flow, block = _FLOW.search(head[2]), _BLOCK.search(head[2])
    items = flow[1].split(",") if flow else re.split(r"\n[ \t]*-[ \t]+", "\n" + block[1]) if block else []
    names = (re.sub(r"[ \t]#.*$", "", item).strip().strip("'\"").strip() for item in items)
    return [name for name in names if name and "\n" not in name and len(name) <= 60]
