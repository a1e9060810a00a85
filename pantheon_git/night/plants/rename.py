"""Faults of a rename: a link that leads nowhere, a name that is another document's, a word changed in passing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from pantheon_git.night.patch import Edit
from pantheon_git.night.plants.draft import Elsewhere, Maker, changed, kept_lines, own_lines, texts, with_line
from pantheon_git.tools.frontmatter.tags import kebab

Made = tuple[str, tuple[Edit, ...]] | None


def _new_files(edits: Sequence[Edit]) -> list[str]:
    gone = any(edit.new is None for edit in edits)
    return [edit.path.decode("utf-8", "replace") for edit in edits if gone and edit.old is None and edit.new]


def _broken_link(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    stems = [PurePosixPath(path).name.partition(".")[0] for path in _new_files(edits)]
    for edit, before, after in texts(edits):
        lines = after.split("\n")
        for number in own_lines(before, after) if edit.old else ():
            stem = next((stem for stem in stems if stem in lines[number]), "")
            if stem:
                wrong = lines[number].replace(stem, f"{stem}-page")
                return f"a link to {stem} leads to {stem}-page", changed(
                    edits, edit, with_line(after, number, wrong).encode()
                )
    return None


def _foreign_name(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    """The file, and every link to it, under the name of another document."""
    for path in _new_files(edits):
        place = PurePosixPath(path)
        stem = place.name.partition(".")[0]
        other = next((name for title in elsewhere.titles if (name := kebab(title)) and name not in path), "")
        if not other or not stem:
            continue
        pattern = re.compile(rf"(?<![\w-]){re.escape(stem)}(?![\w-])")
        moved = str(place.with_name(place.name.replace(stem, other, 1))).encode()
        found = []
        for edit in edits:
            if edit.path.decode("utf-8", "replace") == path:
                edit = replace(edit, path=moved)
            elif edit.new is not None and not edit.whole:
                data = pattern.sub(other, edit.new.data.decode("utf-8", "surrogateescape"))
                edit = replace(edit, new=replace(edit.new, data=data.encode("utf-8", "surrogateescape")))
            found.append(edit)
        return f"{stem} is called {other}", tuple(found)
    return None


def _stray_word(edits: Sequence[Edit], elsewhere: Elsewhere) -> Made:
    for edit, before, after in texts(edits):
        lines = after.split("\n")
        old = before if edit.old else _moved(edits)
        for number in kept_lines(old, after):
            words = lines[number].split(" ")
            if len(words) > 4 and all(word.isalpha() for word in words[1:3]):
                line = " ".join([words[0], words[2], words[1], *words[3:]])
                if line != lines[number]:
                    return f"{lines[number][:60]} → {line[:60]}", changed(
                        edits, edit, with_line(after, number, line).encode()
                    )
    return None


def _moved(edits: Sequence[Edit]) -> str:
    return next((edit.old.data.decode("utf-8", "replace") for edit in edits if edit.old and edit.new is None), "")


SORTS: tuple[tuple[str, Maker], ...] = (
    ("broken-link", _broken_link), ("foreign-name", _foreign_name), ("stray-word", _stray_word),
)  # fmt: skip
