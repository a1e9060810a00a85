"""Renames at random in real trees: `python -m tests.rename_kit FOLDER -n 10 --seed 1`.

FOLDER holds trees side by side (packages unpacked from a registry, clones). In a copy of each, documents get new names,
some in other folders; then no relative link of Markdown, no entry of a toctree and no `:doc:` may lead nowhere that led
somewhere before. The links are read by patterns of this file, not by the finder that is measured.
"""

from __future__ import annotations

import argparse
import posixpath
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.test_tools_rename import rename

DOCUMENTS = (".md", ".mdx", ".rst")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s*\[[^\]]+\]:\s*(\S+)|(?:href|src)=\"([^\"]+)\"", re.MULTILINE)
_TOCTREE = re.compile(r"^\.\. toctree::[^\n]*\n((?:[ \t]+[^\n]*\n|\n)*)", re.MULTILINE)
_DOC = re.compile(r":doc:`(?:[^`<]*<)?([^`>]+)>?`")


def dead(root: Path) -> set[tuple[str, str]]:
    """(name of the file, last part of the target) of each link that leads nowhere."""
    found = set()
    for path in sorted(root.rglob("*")):
        if path.suffix in DOCUMENTS and path.is_file() and not path.is_symlink():
            text = path.read_text("utf-8", "replace")
            for target, base in targets(path, text, root):
                if not any(Path(f"{base / target}{end}").exists() for end in ("", *DOCUMENTS, ".txt")):
                    found.add((path.name, posixpath.basename(target)))
    return found


def targets(path: Path, text: str, root: Path) -> Iterator[tuple[str, Path]]:
    """(target, folder that it is relative to)."""
    if path.suffix == ".rst":
        top = next((folder for folder in path.parents if (folder / "conf.py").exists()), root)
        entries = [line.strip() for block in _TOCTREE.findall(text) for line in block.splitlines()]
        named = [re.sub(r".*<([^>]+)>$", r"\1", line) for line in entries if line and not line.startswith(":")]
        for name in (*named, *_DOC.findall(text)):
            yield name.lstrip("/"), top if name.startswith("/") else path.parent
        return
    for groups in _LINK.findall(re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)):
        target = unquote(re.split(r"[#?]", next(group for group in groups if group))[0])
        if target and not re.match(r"[a-zA-Z][\w+.-]*:|//|\{", target):
            yield target.lstrip("/"), root if target.startswith("/") else path.parent


def choose(documents: list[str], dice: random.Random) -> list[dict[str, str]]:
    """Renames of one to five documents: most in their own folder, some below it, some above."""
    chosen = dice.sample(documents, min(len(documents), dice.choice([1, 1, 2, 5])))
    renames = []
    for number, old in enumerate(chosen):
        folder, suffix = posixpath.dirname(old), posixpath.splitext(old)[1]
        place = dice.choice([folder, folder, folder, posixpath.join(folder, "deeper"), posixpath.dirname(folder)])
        renames.append({"old": old, "new": posixpath.join(place, f"renamed-by-the-kit-{number}{suffix}")})
    return renames


def one(source: Path, dice: random.Random) -> tuple[int, set[tuple[str, str]]]:
    """References rewritten, and links that died."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "tree")
        shutil.copytree(source, root, symlinks=True)
        documents = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.suffix in DOCUMENTS]
        before = dead(root)
        renames = choose([path for path in documents if "node_modules" not in path], dice)
        result: dict[str, Any] = rename(root, {"renames": renames})
        names = {posixpath.basename(each["old"]): posixpath.basename(each["new"]) for each in renames}
        known = {(names.get(name, name), target) for name, target in before}
        return result["references"], {link for link in dead(root) if link not in known}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-n", type=int, default=10, help="rounds for each tree")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rounds = references = 0
    broken: list[tuple[str, set[tuple[str, str]]]] = []
    for source in sorted(path for path in options.folder.iterdir() if path.is_dir()):
        dice = random.Random(f"{options.seed} {source.name}")
        for _ in range(options.n):
            count, died = one(source, dice)
            rounds, references = rounds + 1, references + count
            if died:
                broken.append((source.name, died))
    sys.stdout.write(
        f"{rounds} rounds, {references} references rewritten, {len(broken)} rounds with a link that died\n"
    )
    for name, died in broken:
        sys.stdout.write(f"  {name}: {sorted(died)[:5]}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
