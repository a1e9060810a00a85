"""Names of files that are not what they look like, on this file system or on another.

Sources: git's `path.c` (`only_spaces_and_periods`, `is_ntfs_dotgit`, `is_ntfs_dot_generic` with its short names),
`utf8.c` (`is_hfs_dotgit`), and Microsoft, "Naming Files, Paths, and Namespaces" (reserved names, streams).
"""

from __future__ import annotations

import re
import unicodedata

MAX_PATH = 1024
"""Bytes of a path; git on Linux checks out no path above 4095, other systems far less."""
_HFS_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
_GIT = re.compile(r"\.git|git~\d+")
_DOTFILES = {
    ".gitmodules": r"gitmod~\d+|gi7eba~\d+",
    ".gitattributes": r"gitatt~\d+|gi7d29~\d+",
    ".gitignore": r"gitign~\d+|gi250a~\d+",
    ".mailmap": r"mailma~\d+|maba30~\d+",
    ".gitconfig": r"gitcon~\d+",
    ".lfsconfig": r"lfscon~\d+",
}
_SHORT = re.compile(r"[^.]{1,6}~\d+(?:\.[^.]{0,3})?")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:\..*)?")
_CATEGORIES = {
    "Cc": "a control character",
    "Cf": "an invisible character",
    "Zl": "a line separator",
    "Zp": "a line separator",
}


def plain(name: str) -> str:
    """The name as the least careful file system sees it: without letter case, ignorable characters, a stream's name,
    dots and spaces at its end; composed. Two names with the same plain form may be one file."""
    text = unicodedata.normalize("NFC", name.translate(_HFS_IGNORED)).casefold()
    return unicodedata.normalize("NFC", text).partition(":")[0].rstrip(" .") or text


def why_unsafe(name: bytes) -> str:
    """Why a path with this part is never imported, new or not; empty when it may be."""
    text = _text(name)
    for part in text.split("\\"):
        meant = plain(part)
        if _GIT.fullmatch(meant):
            return "a name that means .git"
        for dotfile, short in _DOTFILES.items():
            if part != dotfile and (meant == dotfile or re.fullmatch(short, meant)):
                return f"a name that means {dotfile}"
    parts = text.split("\\")
    if ".." in parts[:-1] or text == "..":
        return "a name that leads out of its folder"
    return ""


def why_unfit(name: bytes) -> str:
    """Why a job may not give a file or folder this name; empty when it may. One that was there before stays."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return "a name that is not UTF-8"
    for char in text:
        if not char.isprintable():
            what = _CATEGORIES.get(unicodedata.category(char), "a character that is not shown")
            return f"a name with {what} (U+{ord(char):04X})"
    if "\\" in text or ":" in text:
        return "a name with '\\' or ':', which parts names on some systems"
    if text != text.strip(" ") or text.endswith("."):
        return "a name with a space or dot at its end, which some systems drop"
    if _DEVICE.fullmatch(text.casefold()):
        return "a name that means a device on some systems"
    if _SHORT.fullmatch(text):
        return "a name that is the short form of another on some systems"
    return ""


def why_link_unsafe(path: bytes, target: bytes) -> str:
    """Why a symlink at `path` (relative to the root) may not point at `target`; empty when it stays inside."""
    text = _text(target).replace("\\", "/")
    if text.startswith("/") or re.match(r"[A-Za-z]:", text):
        return f"a link out of the repository ({shown(target)})"
    depth = path.count(b"/")
    for part in text.split("/"):
        if _GIT.fullmatch(plain(part)):
            return f"a link into .git ({shown(target)})"
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return f"a link out of the repository ({shown(target)})"
    return ""


def shown(path: bytes | str, most: int = 200) -> str:
    """A path for a person: on one line, undecodable bytes and everything that steers a terminal written out."""
    text = path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")
    out = "".join(char if char.isprintable() else _escape(char) for char in text.replace("\\", "\\\\"))
    return out if len(out) <= most else out[: most // 2] + "…" + out[-(most // 2) :]


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as `surrogateescape` has it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _text(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")
