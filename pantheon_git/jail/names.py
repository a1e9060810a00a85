"""File names that mean `.git` to some file system, whatever they look like.

Source: git's `path.c` (`only_spaces_and_periods`, `is_ntfs_dotgit`) and `utf8.c` (`is_hfs_dotgit`).
"""

from __future__ import annotations

import re
import unicodedata

_HFS_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
_NTFS_DOTGIT = re.compile(r"(?:\.git|git~\d+)[ .]*(?::.*)?", re.DOTALL)


def why_unsafe(name: bytes) -> str:
    """Why a path with this part is never imported; empty when it may be."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        text = name.decode("latin-1")
    for plain in {text.casefold(), unicodedata.normalize("NFC", text.translate(_HFS_IGNORED)).casefold()}:
        if any(_NTFS_DOTGIT.fullmatch(part) for part in plain.split("\\")):
            return "a name that means .git"
        if ".." in plain.split("\\")[:-1] or plain == "..":
            return "a name that leads out of its folder"
    return ""
